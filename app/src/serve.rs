//! From a built application to one that serves, and to its end.

use std::io;
use std::time::Duration;

use http::header::{self, HeaderValue};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tracing::warn;

use crate::app::BaseApp;
use crate::body::{Body, BoxError};
use crate::cli::tell;
use crate::error::Error;
use crate::origin::Peer;
use crate::request_id::X_REQUEST_ID;
use crate::server::{self, Serve, Server, ServerOptions, Shutdown};
use crate::settings::{self, Settings};

/// Time that tasks and the store are given after the last answer; the server keeps it back from the time of the drain.
const CLOSING: Duration = Duration::from_millis(400);

/// Makes the runtime that the settings ask for.
pub(crate) fn runtime(settings: &Settings) -> io::Result<Runtime> {
    server::runtime(settings.get(&settings::LAYOUT))
}

/// Serves until a signal or [`Tasks::draining`](crate::Tasks::draining) ends it.
///
/// It listens before it starts the application, so that a port which is taken is told before anything is done; connections wait meanwhile.
///
/// # Errors
/// When the address can't be listened on. A failed `init` is none: the application then answers 503, and readiness says why.
pub(crate) async fn until_stopped(app: &BaseApp, settings: &Settings) -> Result<(), BoxError> {
    let options = options(app, settings)?;
    let drain = options.drain;
    let addr = options.addr.clone();
    let server = Server::bind(options)
        .await
        .map_err(|error| format!("cannot listen on {addr}: {error}"))?;
    let shutdown = Shutdown::new(app.tasks().draining().clone());
    server::drain_on_signals(shutdown.clone(), drain)?;
    // Logged where it failed; whoever watches readiness sees it.
    let _ = app.start().await;
    tell(format_args!(
        "{} listening on {}://{} (store {})",
        app.name(),
        if is_tls(settings) { "https" } else { "http" },
        server.local_addr(),
        app.driver().describe()
    ));
    let outcome = server.run(app.clone(), shutdown).await?;
    if outcome.cut > 0 {
        warn!(
            connections = outcome.cut,
            "the drain's time was up: connections were cut"
        );
    }
    if timeout(CLOSING, app.tasks().stop()).await.is_err() {
        warn!(
            tasks = app.tasks().running(),
            "tasks did not end when they were told to"
        );
    }
    // Last: everyone above may still need it.
    app.driver().close().await?;
    Ok(())
}

fn options(app: &BaseApp, settings: &Settings) -> Result<ServerOptions, BoxError> {
    Ok(ServerOptions {
        addr: settings.get(&settings::ADDR).as_str().to_owned(),
        header_timeout: settings.get(&settings::HEADER_TIMEOUT),
        idle_timeout: settings.get(&settings::IDLE_TIMEOUT),
        max_header_bytes: usize::try_from(settings.get(&settings::MAX_HEADERS).bytes())?,
        max_connections: settings.get(&settings::MAX_CONNECTIONS),
        max_streams: settings.get(&settings::MAX_STREAMS),
        drain: settings.get(&settings::DRAIN),
        layout: settings.get(&settings::LAYOUT),
        #[cfg(feature = "tls")]
        tls: tls(settings)?,
        gauges: app.0.metrics.gauges().clone(),
    })
}

/// Certificate and key come together, or not at all.
#[cfg(feature = "tls")]
fn tls(settings: &Settings) -> Result<Option<server::Tls>, BoxError> {
    match (
        settings.get(&settings::TLS_CERT),
        settings.get(&settings::TLS_KEY),
    ) {
        (Some(cert), Some(key)) => Ok(Some(server::Tls::read(cert.as_ref(), key.as_ref())?)),
        (None, None) => Ok(None),
        _ => Err("tls-cert and tls-key belong together".into()),
    }
}

fn is_tls(settings: &Settings) -> bool {
    #[cfg(feature = "tls")]
    return settings.get(&settings::TLS_CERT).is_some();
    #[cfg(not(feature = "tls"))]
    {
        let _ = settings;
        false
    }
}

impl Serve for BaseApp {
    fn for_connection(&self) -> Self {
        self.counted_apart()
    }

    fn call(
        &self,
        request: Request<Incoming>,
        peer: Peer,
    ) -> impl Future<Output = Response<Body>> + Send + use<> {
        let (head, body) = request.into_parts();
        self.answer(head, Body::from(body), peer)
    }

    /// Whoever is not let in sent no head that could tell which face it wants, so it gets the error object.
    fn refuse(&self, status: StatusCode) -> Response<Body> {
        let error = match status {
            StatusCode::SERVICE_UNAVAILABLE => Error::unavailable(),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Error::new(
                status,
                "too_large",
                "The headers are larger than is accepted here.",
            ),
            _ => Error::new(status, "malformed", "The request can't be read."),
        };
        let id = self.0.request_ids.next();
        let mut response = Response::new(Body::from(crate::answer::object(&error, "", id)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert(X_REQUEST_ID, self.0.request_ids.header(id));
        headers.extend(error.headers().iter().cloned());
        response
    }
}
