//! A measurement, not a fact: what the server costs above bare hyper.
//!
//! `cargo test --release -p pleach --lib -- --ignored --nocapture cost::` prints, for the server and for hyper alone on the same runtime,
//! the CPU time in user space per request, as medians of rounds that take turns.

use std::convert::Infallible;
use std::io::Write as _;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::process::Process;
use crate::body::Body;
use crate::origin::Peer;
use crate::server::{Layout, Serve, Server, ServerOptions, Shutdown, runtime};

const CONNECTIONS: usize = 64;
const REQUESTS: usize = 200_000;
const ROUNDS: usize = 9;
const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: cost\r\nAccept: */*\r\n\r\n";

/// An application that costs nothing.
#[derive(Clone)]
struct Hello;

impl Serve for Hello {
    fn call(
        &self,
        _: Request<Incoming>,
        _: Peer,
    ) -> impl Future<Output = Response<Body>> + Send + use<> {
        std::future::ready(Response::new(Body::from("hello")))
    }
}

#[test]
#[ignore = "the program that the measurement starts"]
fn child_ours() {
    runtime(Layout::Shared).expect("threads").block_on(async {
        let server = Server::bind(ServerOptions::default())
            .await
            .expect("a port is free");
        writeln!(std::io::stderr(), "listening on {}", server.local_addr())
            .expect("the parent reads it");
        let shutdown = Shutdown::default();
        server.run(Hello, shutdown).await.expect("it runs");
    });
}

#[test]
#[ignore = "the program that the measurement starts"]
fn child_bare() {
    runtime(Layout::Shared).expect("threads").block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        writeln!(
            std::io::stderr(),
            "listening on {}",
            listener.local_addr().expect("an address")
        )
        .expect("the parent reads it");
        loop {
            let (client, _) = listener.accept().await.expect("a client");
            client.set_nodelay(true).expect("an option of every socket");
            let service = service_fn(|_| async {
                Ok::<_, Infallible>(Response::new(Full::new(bytes::Bytes::from_static(
                    b"hello",
                ))))
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .header_read_timeout(None)
                    .serve_connection(TokioIo::new(client), service),
            );
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: needs a release build and an idle machine"]
async fn cost_of_a_request_above_hyper() {
    let ours = Process::run("server::tests::cost::child_ours", 1024);
    let bare = Process::run("server::tests::cost::child_bare", 1024);
    let (mut of_ours, mut of_bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_bare.push(micros_per_request(&bare).await);
        of_ours.push(micros_per_request(&ours).await);
    }
    let median = |mut figures: Vec<f64>| {
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    let (of_ours, of_bare) = (median(of_ours), median(of_bare));
    writeln!(
        std::io::stderr(),
        "user µs a request: hyper {of_bare:.3}, ours {of_ours:.3}, above {:.3}, ratio {:.3}",
        of_ours - of_bare,
        of_ours / of_bare
    )
    .expect("somebody reads it");
}

async fn micros_per_request(server: &Process) -> f64 {
    let before = server.user_time();
    let clients = (0..CONNECTIONS).map(|_| {
        let addr = server.addr;
        tokio::spawn(async move {
            let mut socket = TcpStream::connect(addr).await.expect("the port is open");
            let mut answer = [0; 1024];
            for _ in 0..REQUESTS / CONNECTIONS {
                socket
                    .write_all(REQUEST)
                    .await
                    .expect("the server takes it");
                let read = socket.read(&mut answer).await.expect("an answer");
                assert!(answer[..read].ends_with(b"hello"));
            }
        })
    });
    futures_util::future::join_all(clients).await;
    let used: Duration = server.user_time() - before;
    used.as_secs_f64() * 1e6 / REQUESTS as f64
}
