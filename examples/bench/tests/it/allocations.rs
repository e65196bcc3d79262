//! What a request allocates, beside what a handler allocates that is written by hand on bare hyper.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use pleach::http::header::{CONTENT_TYPE, HOST};
use pleach::http::{HeaderValue, Request, Response};
use pleach::{BaseApp, Body, Bytes, Peer};
use serde::Serialize;

use crate::asked::app;

/// Allocations that the base may add to a request: its context, and the future of its handler.
const ALLOWED: u64 = 2;

/// Requests that are counted at once: what is allocated for many of them together counts as well.
const REQUESTS: u64 = 10_000;

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

fn request(path: &str) -> Request<Body> {
    Request::get(path)
        .header(HOST, "127.0.0.1:8080")
        .body(Body::empty())
        .expect("a request")
}

/// The answers of `peers/src/bin/bare-hyper.rs`.
fn bare(request: &Request<Body>) -> Response<Body> {
    let path = request.uri().path();
    let (content_type, body) = match path {
        "/plaintext" => (
            "text/plain; charset=utf-8",
            Bytes::from_static(b"Hello, World!"),
        ),
        "/json" => (
            "application/json",
            serde_json::to_vec(&Message {
                message: "Hello, World!",
            })
            .expect("JSON")
            .into(),
        ),
        _ => {
            let mut parts = path.split('/').skip(2);
            let (id, post) = (
                parts.next().unwrap_or_default(),
                parts.nth(1).unwrap_or_default(),
            );
            (
                "text/plain; charset=utf-8",
                Bytes::from(format!("{id}/{post}")),
            )
        }
    };
    let mut response = Response::new(Body::full(body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Answers a request whose handler waits for nothing, so that nothing but the request is counted.
fn handle(app: &BaseApp, request: Request<Body>) -> Response<Body> {
    match pin!(app.handle(request, Peer::default())).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(response) => response,
        Poll::Pending => panic!("the handler waits"),
    }
}

/// Returns how often it was allocated, per request in thousandths.
fn allocations(path: &str, answer: impl Fn(Request<Body>) -> Response<Body>) -> u64 {
    let requests: Vec<_> = (0..REQUESTS).map(|_| request(path)).collect();
    let counted = allocation_counter::measure(|| {
        for request in requests {
            assert_eq!(answer(request).status(), 200);
        }
    });
    counted.count_total * 1000 / REQUESTS
}

#[tokio::test]
async fn a_request_allocates_at_most_twice_more_than_a_handler_on_bare_hyper() {
    let app = app().await;
    for path in ["/plaintext", "/json", "/user/7/posts/42"] {
        let of_the_base = allocations(path, |request| handle(&app, request));
        let of_bare_hyper = allocations(path, |request| bare(&request));
        // Memory for request ids is taken for some hundred requests at a time: one hundredth of an allocation is allowed for it.
        assert!(
            of_the_base <= of_bare_hyper + ALLOWED * 1000 + 10,
            "{path}: {of_the_base} against {of_bare_hyper} thousandths"
        );
    }
}
