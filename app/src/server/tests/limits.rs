//! Time limits, sizes and budgets.

use std::time::{Duration, Instant};

use super::Running;
use super::client::Client;
use super::probe::HELLO;
use crate::server::ServerOptions;

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(60);

/// Asserts that a limit was kept: not before its time, and not long after.
#[track_caller]
fn assert_about(took: Duration, limit: Duration) {
    assert!(took >= limit, "{took:?} is before {limit:?}");
    assert!(
        took < limit + Duration::from_secs(3),
        "{took:?} is long after {limit:?}"
    );
}

#[tokio::test]
async fn a_client_that_says_nothing_is_cut_at_the_header_timeout() {
    let server = Running::start(ServerOptions {
        header_timeout: SHORT,
        idle_timeout: LONG,
        ..ServerOptions::default()
    })
    .await;
    let began = Instant::now();
    assert_eq!(Client::connect(server.addr).await.rest().await, "");
    assert_about(began.elapsed(), SHORT);
}

#[tokio::test]
async fn a_client_that_dribbles_its_head_is_cut_at_the_header_timeout() {
    let server = Running::start(ServerOptions {
        header_timeout: SHORT,
        idle_timeout: LONG,
        ..ServerOptions::default()
    })
    .await;
    let began = Instant::now();
    let mut client = Client::connect(server.addr).await;
    let (mut read, mut write) = client.socket.split();
    let dribble = async {
        for byte in b"GET / HTTP/1.1\r\nHost: test\r\nX-Slow: "
            .iter()
            .chain(std::iter::repeat(&b'x'))
        {
            if tokio::io::AsyncWriteExt::write_all(&mut write, &[*byte])
                .await
                .is_err()
            {
                return;
            }
            tokio::time::sleep(SHORT / 20).await;
        }
    };
    let closed = async {
        let mut byte = [0];
        let read = tokio::io::AsyncReadExt::read(&mut read, &mut byte).await;
        assert!(!matches!(read, Ok(1..)), "an answer to half a head");
    };
    tokio::select! {
        () = dribble => {}
        () = closed => {}
    }
    assert_about(began.elapsed(), SHORT);
}

#[tokio::test]
async fn the_head_of_a_later_request_has_the_same_time() {
    let server = Running::start(ServerOptions {
        header_timeout: SHORT,
        idle_timeout: LONG,
        ..ServerOptions::default()
    })
    .await;
    let mut client = Client::get(server.addr, "/").await;
    client.until("hello").await;
    let began = Instant::now();
    client.send("GET / HT").await;
    assert_eq!(client.rest().await, "");
    assert_about(began.elapsed(), SHORT);
}

#[tokio::test]
async fn an_idle_connection_is_closed_at_the_idle_timeout_and_not_at_the_header_timeout() {
    let idle = SHORT * 4;
    let server = Running::start(ServerOptions {
        header_timeout: SHORT,
        idle_timeout: idle,
        ..ServerOptions::default()
    })
    .await;
    let mut client = Client::get(server.addr, "/").await;
    client.until("hello").await;
    let began = Instant::now();
    assert_eq!(client.rest().await, "");
    assert_about(began.elapsed(), idle);
}

#[tokio::test]
async fn a_request_at_work_and_a_stream_outlive_every_timeout() {
    let server = Running::start(ServerOptions {
        header_timeout: SHORT / 8,
        idle_timeout: SHORT / 8,
        ..ServerOptions::default()
    })
    .await;
    let mut stream = Client::get(server.addr, "/stream").await;
    stream.until(HELLO).await;
    let stuck = Client::get(server.addr, "/stuck").await;
    // A third connection, idle, shows that the limits have passed many times over.
    for _ in 0..4 {
        let mut idle = Client::get(server.addr, "/").await;
        idle.until("hello").await;
        assert_eq!(idle.rest().await, "");
    }
    assert_eq!(server.gauges.connections.get(), 2);
    drop(stuck);
    server.shutdown.begin();
    stream.until("retry: 1500").await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_cut_at_the_idle_timeout() {
    let server = Running::start(ServerOptions {
        idle_timeout: SHORT,
        ..ServerOptions::default()
    })
    .await;
    let client = Client::get(server.addr, "/large").await;
    client.socket.readable().await.expect("it begins");
    until_open(&server, 0).await;
}

#[tokio::test]
async fn a_head_above_the_limit_is_431_and_one_at_the_limit_is_served() {
    let server = Running::start(ServerOptions {
        max_header_bytes: 64 << 10,
        ..ServerOptions::default()
    })
    .await;
    for (size, status) in [
        (60 << 10, "HTTP/1.1 200 OK"),
        ((64 << 10) - 1, "HTTP/1.1 200 OK"),
        (64 << 10, "HTTP/1.1 200 OK"),
        ((64 << 10) + 1, "HTTP/1.1 431"),
        (70 << 10, "HTTP/1.1 431"),
        (1 << 20, "HTTP/1.1 431"),
    ] {
        let frame = "GET / HTTP/1.1\r\nHost: test\r\nX-Large: \r\n\r\n".len();
        let mut client = Client::connect(server.addr).await;
        client
            .send(&format!(
                "GET / HTTP/1.1\r\nHost: test\r\nX-Large: {}\r\n\r\n",
                "x".repeat(size - frame)
            ))
            .await;
        let answer = client.until("\r\n\r\n").await;
        assert!(answer.starts_with(status), "{size}: {answer}");
    }
}

#[tokio::test]
async fn many_small_headers_are_431_too() {
    let server = Running::started().await;
    let mut client = Client::connect(server.addr).await;
    client
        .send(&format!(
            "GET / HTTP/1.1\r\nHost: test\r\n{}\r\n",
            "X-Small: 1\r\n".repeat(1000)
        ))
        .await;
    assert!(client.rest().await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn refusals_are_the_applications_and_close() {
    let server = Running::started().await;
    for (request, status) in [
        (
            "GET / HTTP/1.1\r\nHost: test\r\nbroken\r\n\r\n",
            "400 Bad Request",
        ),
        ("\u{1}\u{2}\u{3}\r\n\r\n", "400 Bad Request"),
    ] {
        let mut client = Client::connect(server.addr).await;
        client.send(request).await;
        let answer = client.rest().await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}\r\n")),
            "{answer}"
        );
        for line in [
            "x-request-id: probe-1\r\n",
            "connection: close\r\n",
            "content-length: 7\r\n",
            "\r\n\r\nrefused",
        ] {
            assert!(answer.contains(line), "{line:?} in {answer}");
        }
    }
}

#[tokio::test]
async fn at_the_limit_of_connections_a_client_gets_503_and_a_place_that_is_freed_serves_again() {
    let server = Running::start(ServerOptions {
        max_connections: 20,
        ..ServerOptions::default()
    })
    .await;
    let mut open = Vec::new();
    for _ in 0..20 {
        open.push(Client::get(server.addr, "/stuck").await);
    }
    until_open(&server, 20).await;
    let answer = Client::get(server.addr, "/").await.rest().await;
    assert!(
        answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("retry-after: 5\r\n")
            && answer.contains("connection: close\r\n")
            && answer.contains("x-request-id: "),
        "{answer}"
    );

    drop(open);
    until_open(&server, 0).await;
    Client::get(server.addr, "/").await.until("hello").await;
}

#[tokio::test]
async fn near_the_limit_of_connections_answers_close() {
    let server = Running::start(ServerOptions {
        max_connections: 20,
        ..ServerOptions::default()
    })
    .await;
    let mut stuck = Vec::new();
    for open in 1..=19 {
        let answer = Client::get(server.addr, "/").await.until("hello").await;
        assert_eq!(
            answer.contains("connection: close\r\n"),
            open > 18,
            "with {open} open: {answer}"
        );
        until_open(&server, open - 1).await;
        stuck.push(Client::get(server.addr, "/stuck").await);
        until_open(&server, open).await;
    }
}

#[tokio::test]
async fn near_the_limit_idle_connections_make_room() {
    let server = Running::start(ServerOptions {
        max_connections: 10,
        idle_timeout: LONG,
        ..ServerOptions::default()
    })
    .await;
    let mut idle = Vec::new();
    for _ in 0..9 {
        let mut client = Client::get(server.addr, "/").await;
        client.until("hello").await;
        idle.push(client);
    }
    let _stuck = Client::get(server.addr, "/stuck").await;
    until_open(&server, 10).await;
    let waited = tokio::time::timeout(super::PATIENCE, async {
        while server.gauges.connections.get() == 10 {
            tokio::task::yield_now().await;
        }
    });
    waited
        .await
        .expect("long before their own time, some are closed");
    Client::get(server.addr, "/").await.until("hello").await;
}

#[tokio::test]
async fn open_streams_never_shut_visitors_out() {
    let server = Running::start(ServerOptions {
        max_connections: 2,
        max_streams: 5,
        ..ServerOptions::default()
    })
    .await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut stream = Client::get(server.addr, "/stream").await;
        stream.until(HELLO).await;
        streams.push(stream);
    }
    assert_eq!(server.gauges.streams.get(), 5);
    Client::get(server.addr, "/").await.until("hello").await;

    let answer = Client::get(server.addr, "/stream")
        .await
        .until("refused")
        .await;
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 5\r\n"),
        "{answer}"
    );

    drop(streams);
    until_open(&server, 0).await;
    assert_eq!(server.gauges.streams.get(), 0);
    Client::get(server.addr, "/stream").await.until(HELLO).await;
}

#[tokio::test]
async fn an_upgraded_connection_counts_as_a_stream_until_its_socket_is_dropped() {
    let server = Running::start(ServerOptions {
        max_connections: 1,
        max_streams: 1,
        ..ServerOptions::default()
    })
    .await;
    let mut socket = Client::connect(server.addr).await;
    socket
        .send("GET /upgrade HTTP/1.1\r\nHost: test\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        .await;
    assert!(socket.until("\r\n\r\n").await.starts_with("HTTP/1.1 101 "));
    // What is no longer HTTP is never taken for it.
    for text in [
        "ping",
        "HTTP/1.1 404 Not Found\r\n",
        "GET / HTTP/1.1\r\n\r\n",
    ] {
        socket.send(text).await;
        socket.until(text).await;
    }

    let answer = Client::get(server.addr, "/stream")
        .await
        .until("refused")
        .await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert_eq!(
        server.gauges.streams.get(),
        0,
        "a socket is not an event stream"
    );
    until_open(&server, 1).await;
    drop(socket);
    until_open(&server, 0).await;
    Client::get(server.addr, "/stream").await.until(HELLO).await;
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_frees_everything() {
    let server = Running::started().await;
    for request in [
        "GET / HT",
        "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\nhalf",
        "GET /stuck HTTP/1.1\r\nHost: test\r\n\r\n",
        "GET /stream HTTP/1.1\r\nHost: test\r\n\r\n",
    ] {
        let mut client = Client::connect(server.addr).await;
        client.send(request).await;
        until_open(&server, 1).await;
        drop(client);
        until_open(&server, 0).await;
    }
    assert_eq!(server.gauges.streams.get(), 0);
}

#[tokio::test]
async fn an_answer_to_a_body_that_nobody_reads_is_not_lost_in_a_reset() {
    let server = Running::started().await;
    for _ in 0..20 {
        let mut client = Client::connect(server.addr).await;
        client
            .send("POST /ignores-body HTTP/1.1\r\nHost: test\r\nContent-Length: 3000000\r\n\r\n")
            .await;
        client.send(&"x".repeat(3_000_000)).await;
        client.until("no, thank you").await;
    }
}

#[tokio::test]
async fn a_panic_costs_its_own_connection_alone() {
    let server = Running::started().await;
    let mut bystander = Client::get(server.addr, "/stream").await;
    bystander.until(HELLO).await;
    assert_eq!(Client::get(server.addr, "/panic").await.rest().await, "");
    Client::get(server.addr, "/").await.until("hello").await;
    server.shutdown.begin();
    bystander.until("retry: 1500").await;
}

/// Waits until that many connections are open.
async fn until_open(server: &Running, count: i64) {
    let waited = tokio::time::timeout(super::PATIENCE, async {
        while server.gauges.connections.get() != count {
            tokio::task::yield_now().await;
        }
    });
    assert!(
        waited.await.is_ok(),
        "{} connections are open, not {count}",
        server.gauges.connections.get()
    );
}
