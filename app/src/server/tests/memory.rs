//! What an open event stream costs the server.

use super::client::Client;
use super::probe::HELLO;
use super::process::Process;
use crate::server::runtime::allow_descriptors;

const STREAMS: usize = 2000;

/// A third of the budget of a live page; the rest is for the application.
const MOST_BYTES: u64 = 4 << 10;

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_open_stream_takes_less_than_four_kilobytes() {
    allow_descriptors();
    let server = Process::start(4096);
    // What is allocated once is allocated before.
    let mut first = Client::get(server.addr, "/stream").await;
    first.until(HELLO).await;
    let before = server.resident_bytes();
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let mut stream = Client::connect(server.addr).await;
        stream
            .send(&format!(
                "GET /stream HTTP/1.1\r\nHost: test\r\nUser-Agent: {}\r\nCookie: {}\r\n\r\n",
                "x".repeat(120),
                "y".repeat(60)
            ))
            .await;
        stream.until(HELLO).await;
        streams.push(stream);
    }
    let each = (server.resident_bytes() - before) / STREAMS as u64;
    assert!(each < MOST_BYTES, "{each} bytes");
}
