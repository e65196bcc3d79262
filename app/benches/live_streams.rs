//! What an open live page costs, and how long one change takes to all of them.
//!
//! `cargo bench -p pleach --bench live_streams [-- STREAMS]` opens that many event streams (2,000) over loopback, each on a
//! connection of its own, with hyper's ordinary HTTP/1.1 server and nothing else of the base in between. The clients are
//! bare sockets in the same process, which hold no memory but the kernel's, so the growth of the resident set is the server's.

#![expect(clippy::print_stdout, reason = "a program that reports")]

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use pleach::driver::{Bucket, BucketConfig, Driver, Entry};
use pleach::live::{Encoded, Error, Feed, LiveBody, PatchElements, Shared, StreamOptions, stream};
use std::{
    convert::Infallible,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_util::sync::CancellationToken;

/// Three kinds of viewers see three kinds of lobby.
const VIEWS: u64 = 3;

fn main() {
    let streams = std::env::args()
        .filter_map(|argument| argument.parse().ok())
        .next()
        .unwrap_or(2_000);
    let runtime = Runtime::new().expect("a runtime");
    let lobby = runtime.block_on(Lobby::open());
    let address = runtime.block_on(listen(lobby.clone()));

    // The first streams pay for what all share: stacks, arenas, the wheel of timers.
    let warm = connect(address, 100);
    drop(warm);
    std::thread::sleep(Duration::from_millis(500));
    let before = resident_bytes();
    let mut clients = connect(address, streams);
    let open = resident_bytes();
    println!(
        "{streams} streams open: {} bytes each",
        (open.saturating_sub(before)) / streams as u64
    );

    let mut times = Vec::new();
    for round in 0..20 {
        let renders = lobby.shared.renders();
        let begin = Instant::now();
        runtime
            .block_on(lobby.bucket.put("game", format!("round {round}")))
            .expect("a put");
        for client in &mut clients {
            read_until(client, &format!("round {round}<"));
        }
        times.push(begin.elapsed());
        assert_eq!(
            lobby.shared.renders() - renders,
            VIEWS,
            "one rendering per distinct view"
        );
    }
    times.sort_unstable();
    println!(
        "one change to all of them: median {:?}, slowest of 20 {:?}, {VIEWS} renderings",
        times[10], times[19]
    );
    let idle = resident_bytes();
    println!(
        "after 20 changes: {} bytes each",
        (idle.saturating_sub(before)) / streams as u64
    );

    drop(clients);
    let begin = Instant::now();
    while lobby.open.load(Ordering::Relaxed) > 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    println!(
        "all gone, with their producers, {:?} after their clients",
        begin.elapsed()
    );
}

/// A lobby of one game, followed by every stream.
struct Lobby {
    bucket: Bucket,
    feed: Feed<String>,
    shared: Shared<u64>,
    viewers: AtomicU64,
    open: AtomicU64,
    _driver: Driver,
}

impl Lobby {
    async fn open() -> Arc<Self> {
        let driver = Driver::open("memory:").await.expect("a store in memory");
        let bucket = driver
            .kv()
            .bucket(BucketConfig::new("games"))
            .await
            .expect("a bucket");
        let read = |entry: &Entry| String::from_utf8(entry.value.to_vec());
        let (feed, task) = Feed::new(bucket.clone(), CancellationToken::new(), read);
        tokio::spawn(task);
        bucket.put("game", "before").await.expect("a put");
        let (shared, viewers, open) = (Shared::new(64), AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Self {
            bucket,
            feed,
            shared,
            viewers,
            open,
            _driver: driver,
        })
    }

    fn page(self: Arc<Self>) -> LiveBody {
        let view = self.viewers.fetch_add(1, Ordering::Relaxed) % VIEWS;
        self.open.fetch_add(1, Ordering::Relaxed);
        let gone = OnDrop(self.clone());
        stream(
            StreamOptions::new(CancellationToken::new()),
            async move |mut page| {
                let lobby = &gone.0;
                let mut follower = lobby.feed.follow();
                loop {
                    let state = follower.next().await;
                    let render = || -> Result<Encoded, Error> {
                        let cards: String = state
                            .iter()
                            .map(|(id, item)| format!("<p id=\"game-{id}\">{}</p>", item.value))
                            .collect();
                        PatchElements::new(format!(
                            "<div id=\"list-container\">{view}{cards}</div>"
                        ))
                        .id(state.id())
                        .encode()
                    };
                    page.send(lobby.shared.get(view, state.revision(), render)?)
                        .await?;
                }
                #[expect(unreachable_code, reason = "names the type of the error")]
                Ok::<(), Error>(())
            },
        )
    }
}

/// Counts a stream out when its producer is dropped.
struct OnDrop(Arc<Lobby>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn listen(lobby: Arc<Lobby>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let lobby = lobby.clone();
            tokio::spawn(async move {
                let service = hyper::service::service_fn(move |_: Request<Incoming>| {
                    let lobby = lobby.clone();
                    async { Ok::<Response<LiveBody>, Infallible>(lobby.page().into_response()) }
                });
                // A client that goes away is no fault of ours.
                let _ = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(socket), service)
                    .await;
            });
        }
    });
    address
}

/// Opens streams, each past its first event.
fn connect(address: SocketAddr, streams: usize) -> Vec<TcpStream> {
    (0..streams)
        .map(|_| {
            let mut client = TcpStream::connect(address).expect("a connection");
            client
                .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                .expect("a request");
            client
                .set_read_timeout(Some(Duration::from_secs(30)))
                .expect("a timeout");
            read_until(&mut client, "</div>");
            client
        })
        .collect()
}

fn read_until(client: &mut TcpStream, end: &str) {
    let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
    while !String::from_utf8_lossy(&seen).contains(end) {
        let read = client.read(&mut buffer).expect("an open stream");
        assert!(read > 0, "the stream ended");
        seen.extend_from_slice(&buffer[..read]);
    }
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("a resident set");
    line.split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse::<u64>().ok())
        .expect("a number")
        * 1024
}
