//! Asks an application in process, as a server would.

use http_body_util::BodyExt as _;
use pleach::http::{Request, Response, header};
use pleach::{BaseApp, Body, Bytes, Driver};
use tower_service::Service as _;

/// Starts the bench server without a socket.
pub(crate) async fn app() -> BaseApp {
    let driver = Driver::open("memory:").await.expect("a store in memory");
    let app = bench::server()
        .driver(driver)
        .build()
        .expect("an application without faults");
    app.start().await.expect("an application that starts");
    app
}

pub(crate) async fn ask(app: &BaseApp, request: Request<Body>) -> Response<Body> {
    app.clone()
        .call(request)
        .await
        .expect("an application answers everything")
}

pub(crate) async fn read(body: Body) -> Bytes {
    body.collect()
        .await
        .expect("a body that is read to its end")
        .to_bytes()
}

/// An answer, as far as these tests compare it: status, content type and body.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer(pub(crate) u16, pub(crate) String, pub(crate) String);

/// Asks and reads the answer to its end.
pub(crate) async fn answer(app: &BaseApp, request: Request<Body>) -> Answer {
    let (head, body) = ask(app, request).await.into_parts();
    let content_type = head
        .headers
        .get(header::CONTENT_TYPE)
        .map(|value| value.to_str().expect("text"));
    let text = String::from_utf8(read(body).await.to_vec()).expect("text");
    Answer(
        head.status.as_u16(),
        content_type.unwrap_or_default().to_owned(),
        text,
    )
}
