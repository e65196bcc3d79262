//! What the base adds to a request: whole requests in process, without sockets, beside the same answers made by hand.
//!
//! `cargo bench -p bench --bench pipeline` prints nanoseconds a request. `… --bench pipeline -- PATH N` answers one path N times and
//! prints nothing, for `perf record` and for `valgrind --tool=callgrind --toggle-collect='*answer_all*'`, whose counts of
//! instructions do not depend on what else the machine does.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use pleach::http::header::{CONTENT_TYPE, HOST};
use pleach::http::{HeaderValue, Request, Response};
use pleach::router::Head;
use pleach::{BaseApp, Body, Bytes, Driver, Peer};
use serde::Serialize;

const PATHS: [&str; 4] = ["/plaintext", "/json", "/user/7/posts/42", "/r/999/a/x/b"];

/// Requests that are made ready at a time, so that making them is not timed.
const BATCH: usize = 5;

const ROUNDS: usize = 20_001;

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

/// The answers of `peers/src/bin/bare-hyper.rs`.
fn bare(request: &Request<Body>) -> Response<Body> {
    let path = request.uri().path();
    let (content_type, body) = match path {
        "/plaintext" => (
            "text/plain; charset=utf-8",
            Bytes::from_static(b"Hello, World!"),
        ),
        "/json" => {
            let json = serde_json::to_vec(&Message {
                message: "Hello, World!",
            });
            ("application/json", json.expect("a message is JSON").into())
        }
        _ => {
            let mut parts = path.split('/').skip(2);
            let id = parts.next().unwrap_or_default();
            let post = parts.nth(1).unwrap_or_default();
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

/// Answers a request whose handler waits for nothing.
fn whole(app: &BaseApp, request: Request<Body>) -> Response<Body> {
    let answer = pin!(app.handle(request, Peer::default()));
    match answer.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(response) => response,
        Poll::Pending => panic!("the handler waits"),
    }
}

fn requests(path: &str, count: usize) -> Vec<Request<Body>> {
    let request = || {
        Request::get(path)
            .header(HOST, "127.0.0.1:8080")
            .body(Body::empty())
    };
    (0..count).map(|_| request().expect("a request")).collect()
}

#[inline(never)]
fn answer_all(requests: Vec<Request<Body>>, answer: &dyn Fn(Request<Body>)) {
    requests.into_iter().for_each(answer);
}

/// Returns the time for one request: that of the first decile of the rounds, which other programs have disturbed least.
fn time(path: &str, answer: &dyn Fn(Request<Body>)) -> f64 {
    let mut rounds: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let requests = requests(path, BATCH);
            let began = Instant::now();
            answer_all(requests, answer);
            began.elapsed()
        })
        .collect();
    rounds.sort_unstable();
    rounds[ROUNDS / 10].as_nanos() as f64 / BATCH as f64
}

async fn app() -> BaseApp {
    let driver = Driver::open("memory:").await.expect("a store in memory");
    let app = bench::server()
        .driver(driver)
        .build()
        .expect("an application without faults");
    app.start().await.expect("an application that starts");
    app
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    let app = runtime.block_on(app());
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    if let [path, count] = arguments.as_slice() {
        let count: usize = count.parse().expect("PATH N");
        for _ in 0..count / BATCH {
            answer_all(requests(path, BATCH), &|request| {
                drop(black_box(whole(&app, request)))
            });
        }
        return;
    }
    println!(
        "{:20} {:>8} {:>8} {:>8} {:>8}",
        "ns a request", "tree", "bare", "whole", "added"
    );
    for path in PATHS {
        let tree = time(path, &|request| {
            let (head, _) = request.into_parts();
            black_box(app.tree().find(&Head::from_parts(&head)));
        });
        let dropped = time(path, &|request| drop(black_box(request.into_parts())));
        let bare = time(path, &|request| drop(black_box(bare(&request))));
        let whole = time(path, &|request| drop(black_box(whole(&app, request))));
        println!(
            "{path:20} {:8.0} {bare:8.0} {whole:8.0} {:8.0}",
            tree - dropped,
            whole - bare
        );
    }
}
