//! From a built application to one that serves, and to its end.

use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::app::BaseApp;
use crate::body::{Body, BoxError};
use crate::cli::tell;
use crate::origin::Peer;
use crate::settings::{self, Settings};

pub(crate) fn runtime(_settings: &Settings) -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

pub(crate) async fn until_stopped(app: &BaseApp, settings: &Settings) -> Result<(), BoxError> {
    let listener = TcpListener::bind(settings.get(&settings::ADDR).as_str()).await?;
    let addr = listener.local_addr()?;
    let _ = app.start().await;
    tell(format_args!("{} listening on http://{addr} (store {})", app.name(), app.driver().describe()));
    let stop = tokio::signal::ctrl_c();
    tokio::pin!(stop);
    loop {
        let (stream, addr) = tokio::select! {
            accepted = listener.accept() => accepted?,
            _ = &mut stop => break,
        };
        let app = app.clone();
        tokio::spawn(async move {
            let peer = Peer { addr: Some(addr), tls: false };
            let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let app = app.clone();
                async move { Ok::<_, std::convert::Infallible>(app.handle(request.map(Body::from), peer).await) }
            });
            let _ = auto::Builder::new(TokioExecutor::new()).serve_connection_with_upgrades(TokioIo::new(stream), service).await;
        });
    }
    let _ = Arc::new(());
    app.tasks().stop().await;
    app.driver().close().await?;
    Ok(())
}
