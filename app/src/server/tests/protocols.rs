//! HTTP/1.1 and HTTP/2, bytes as they are.

use std::time::Duration;

use http::{Request, StatusCode, Version};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::Running;
use super::client::Client;
use crate::body::Body;
use crate::server::{Outcome, ServerOptions};

const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

type Sender = hyper::client::conn::http2::SendRequest<Body>;

async fn http2(server: &Running) -> Sender {
    let socket = TcpStream::connect(server.addr)
        .await
        .expect("the port is open");
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
            .await
            .expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

async fn ask(sender: &mut Sender, path: &str) -> hyper::Result<http::Response<Incoming>> {
    sender
        .send_request(
            Request::get(format!("http://test{path}"))
                .body(Body::empty())
                .expect("a request"),
        )
        .await
}

#[tokio::test]
async fn http2_is_spoken_with_prior_knowledge() {
    let server = Running::started().await;
    let mut sender = http2(&server).await;
    let response = ask(&mut sender, "/peer").await.expect("an answer");
    assert_eq!(
        (response.status(), response.version()),
        (StatusCode::OK, Version::HTTP_2)
    );
}

#[tokio::test]
async fn the_preface_of_http2_may_come_byte_by_byte() {
    let server = Running::started().await;
    let mut client = Client::connect(server.addr).await;
    client
        .socket
        .set_nodelay(true)
        .expect("an option of every socket");
    for byte in PREFACE.chars() {
        client.send(&byte.to_string()).await;
        tokio::task::yield_now().await;
    }
    // An empty SETTINGS frame; the server's own begins with a length of three bytes and type 4.
    client.send("\0\0\0\u{4}\0\0\0\0\0").await;
    let answer = client.until("\u{4}").await;
    assert_eq!(answer.len(), 4, "{answer:?}");
}

#[tokio::test]
async fn words_that_begin_like_http2_are_http1() {
    let server = Running::started().await;
    for method in ["P", "PR", "PRI", "PUT", "POST", "PATCH"] {
        let mut client = Client::connect(server.addr).await;
        client.send(method).await;
        client
            .send(" /nowhere HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n")
            .await;
        assert!(
            client.until("\r\n").await.starts_with("HTTP/1.1 404 "),
            "{method}"
        );
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Running::started().await;
    let mut client = Client::connect(server.addr).await;
    let one = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
    client.send(&one.repeat(100)).await;
    for _ in 0..100 {
        assert!(
            client
                .until("hello")
                .await
                .starts_with("HTTP/1.1 200 OK\r\n")
        );
    }
}

#[tokio::test]
async fn streams_over_http2_count_each_and_a_drain_ends_them() {
    let server = Running::start(ServerOptions {
        max_streams: 3,
        max_connections: 1,
        ..ServerOptions::default()
    })
    .await;
    let mut sender = http2(&server).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(ask(&mut sender, "/stream").await.expect("an answer"));
    }
    assert_eq!(server.gauges.streams.get(), 3);
    assert_eq!(server.gauges.connections.get(), 1);
    assert_eq!(
        ask(&mut sender, "/stream")
            .await
            .expect("an answer")
            .status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    let (outcome, took) = server.stop().await;
    assert_eq!(outcome, Outcome { cut: 0 });
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn an_idle_http2_connection_is_closed_in_the_manner_of_the_protocol() {
    let server = Running::start(ServerOptions {
        idle_timeout: Duration::from_millis(200),
        ..ServerOptions::default()
    })
    .await;
    let mut sender = http2(&server).await;
    ask(&mut sender, "/").await.expect("an answer");
    std::future::poll_fn(|cx| match sender.poll_ready(cx) {
        std::task::Poll::Ready(Err(error)) => std::task::Poll::Ready(error),
        _ => {
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        }
    })
    .await;
}

#[tokio::test]
async fn large_headers_over_http2_are_431() {
    let server = Running::start(ServerOptions {
        max_header_bytes: 8 << 10,
        ..ServerOptions::default()
    })
    .await;
    let mut sender = http2(&server).await;
    let request = Request::get("http://test/")
        .header("x-large", "x".repeat(9 << 10))
        .body(Body::empty())
        .expect("a request");
    // The client keeps to the limit that the server has announced, unless it did not hear of it yet.
    match sender.send_request(request).await {
        Ok(response) => assert_eq!(
            response.status(),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
        ),
        Err(error) => assert!(
            error.is_user() || error.to_string().contains("http2"),
            "{error:?}"
        ),
    }
}
