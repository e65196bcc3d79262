//! hyper with hard-coded answers: what is left to gain. `bare-hyper ADDR`

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming, server::conn::http1};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::TcpListener;

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path();
    let (content_type, body) = if path == "/plaintext" {
        ("text/plain; charset=utf-8", Bytes::from_static(b"Hello, World!"))
    } else if path == "/json" {
        let json = serde_json::to_vec(&Message { message: "Hello, World!" }).expect("a message is JSON");
        ("application/json", Bytes::from(json))
    } else {
        // /user/{id}/posts/{post}
        let mut parts = path.split('/').skip(2);
        let id = parts.next().unwrap_or_default();
        let post = parts.nth(1).unwrap_or_default();
        ("text/plain; charset=utf-8", Bytes::from(format!("{id}/{post}")))
    };
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok(response)
}

#[tokio::main]
async fn main() {
    let addr = std::env::args().nth(1).expect("usage: bare-hyper ADDR");
    let listener = TcpListener::bind(addr).await.expect("a free address");
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        let _ = stream.set_nodelay(true);
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
    }
}
