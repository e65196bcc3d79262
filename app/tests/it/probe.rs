//! Calls an application without a socket.

use http_body_util::BodyExt as _;
use pleach::http::{Method, Request, StatusCode};
use pleach::{BaseApp, Body, Builder, Context, Driver, Response, Route, Tier};
use serde_json::Value;
use tower_service::Service as _;

/// An application with a landing page, in the tier that most visitors see.
pub(crate) fn builder() -> Builder {
    async fn landing(_: Context) -> &'static str {
        "landing"
    }
    BaseApp::builder("test")
        .tier(Tier::Production)
        .route(Route::new("landing").path("/").get(landing))
}

/// Builds and starts an application on a store in memory.
pub(crate) async fn start(builder: Builder) -> BaseApp {
    let driver = Driver::open("memory:")
        .await
        .expect("memory is always there");
    let app = builder
        .driver(driver)
        .build()
        .expect("a faultless application");
    app.start().await.expect("a start");
    app
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: pleach::http::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("a text header"))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

/// Sends a request with headers and a body, and reads the answer to its end.
pub(crate) async fn send(
    app: &BaseApp,
    method: Method,
    uri: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header("host", "t.example.com");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Body::from(body.to_owned()))
        .expect("a request");
    let response: Response = app
        .clone()
        .call(request)
        .await
        .expect("an application never fails");
    let (head, body) = response.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    Answer {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8(body.to_vec()).expect("text"),
    }
}

pub(crate) async fn get(app: &BaseApp, uri: &str) -> Answer {
    send(app, Method::GET, uri, &[], "").await
}

pub(crate) async fn get_json(app: &BaseApp, uri: &str) -> Answer {
    send(app, Method::GET, uri, &[("accept", "application/json")], "").await
}
