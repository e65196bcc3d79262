//! Event streams over HTTP/1.1, byte by byte.

use super::Running;
use super::client::Client;
use super::probe::HELLO;
use crate::server::Outcome;

/// The events of the probe, as chunks.
const CHUNKS: &str = "B\r\ndata: one\n\n\r\nB\r\ndata: two\n\n\r\n27\r\ndata: three, which is a little longer\n\n\r\n0\r\n\r\n";

/// Asks for the events of the probe, and returns the head of the answer and its rest.
async fn events(server: &Running, request: &str) -> (String, String) {
    let mut client = Client::connect(server.addr).await;
    client.send(request).await;
    let head = client.until("\r\n\r\n").await;
    (head, client.rest().await)
}

#[tokio::test]
async fn a_stream_of_ours_is_to_the_byte_what_hyper_would_write() {
    let server = Running::started().await;
    let (our_head, ours) = events(
        &server,
        "GET /events HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
    )
    .await;
    // A request with a body is left to hyper.
    let (its_head, its) = events(
        &server,
        "POST /events HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody",
    )
    .await;
    assert_eq!(ours, CHUNKS);
    assert_eq!(its, CHUNKS);
    let without_date = |head: &str| {
        head.lines()
            .filter(|line| !line.starts_with("date: "))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(without_date(&our_head), without_date(&its_head));
}

#[tokio::test]
async fn a_connection_goes_on_after_a_stream() {
    let server = Running::started().await;
    let mut client = Client::connect(server.addr).await;
    for _ in 0..3 {
        client.ask("/events").await;
        let head = client.until("\r\n\r\n").await;
        assert!(
            head.starts_with("HTTP/1.1 200 OK\r\n") && !head.contains("connection: close"),
            "{head}"
        );
        assert_eq!(client.until("0\r\n\r\n").await, CHUNKS);
        client.ask("/").await;
        assert!(
            client
                .until("hello")
                .await
                .starts_with("HTTP/1.1 200 OK\r\n")
        );
    }
    assert_eq!(
        (server.gauges.connections.get(), server.gauges.streams.get()),
        (1, 0)
    );
}

#[tokio::test]
async fn requests_that_come_during_a_stream_are_answered_after_it() {
    let server = Running::started().await;
    let mut client = Client::connect(server.addr).await;
    // Together with the first request, and so already read by hyper.
    client
        .send(
            &["/events", "/", "/events", "/peer"]
                .map(|path| format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"))
                .concat(),
        )
        .await;
    assert!(client.until("0\r\n\r\n").await.ends_with(CHUNKS));
    client.until("hello").await;
    assert!(client.until("0\r\n\r\n").await.ends_with(CHUNKS));
    client.until("false HTTP/1.1").await;

    // During the stream, and then never listened to again until it ends.
    client.ask("/stream").await;
    client.until(HELLO).await;
    client.ask("/peer").await;
    server.shutdown.begin();
    assert!(
        client
            .rest()
            .await
            .ends_with("retry: 1500\n\n\r\n0\r\n\r\n")
    );
}

#[tokio::test]
async fn a_malformed_request_that_comes_during_a_stream_is_refused_after_it() {
    let server = Running::started().await;
    let mut client = Client::connect(server.addr).await;
    client
        .send("GET /events HTTP/1.1\r\nHost: test\r\n\r\nbroken\r\n\r\n")
        .await;
    assert!(client.until("0\r\n\r\n").await.ends_with(CHUNKS));
    let refusal = client.rest().await;
    assert!(
        refusal.starts_with("HTTP/1.1 400 ") && refusal.ends_with("refused"),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_stream_that_fails_breaks_off_without_an_end() {
    let server = Running::started().await;
    for method in ["GET", "POST"] {
        let mut client = Client::connect(server.addr).await;
        client.send(&format!("{method} /broken-events HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")).await;
        let answer = client.rest().await;
        assert!(
            answer.ends_with("three, which is a little longer\n\n\r\n"),
            "{method}: {answer}"
        );
    }
    let mut client = Client::connect(server.addr).await;
    client.ask("/broken-events").await;
    assert!(
        client
            .rest()
            .await
            .ends_with("three, which is a little longer\n\n\r\n")
    );
    assert_eq!(server.stop().await.0, Outcome { cut: 0 });
}

#[tokio::test]
async fn a_head_request_gets_the_head_of_a_stream_alone() {
    let server = Running::started().await;
    let mut client = Client::connect(server.addr).await;
    client
        .send("HEAD /stream HTTP/1.1\r\nHost: test\r\n\r\n")
        .await;
    client.until("\r\n\r\n").await;
    client.ask("/").await;
    assert!(
        client
            .until("hello")
            .await
            .starts_with("HTTP/1.1 200 OK\r\n")
    );
    assert_eq!(server.gauges.streams.get(), 0);
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_a_stream_that_ends_with_the_connection() {
    let server = Running::started().await;
    let mut client = Client::connect(server.addr).await;
    client.send("GET /events HTTP/1.0\r\n\r\n").await;
    let answer = client.rest().await;
    assert!(
        answer.ends_with(
            "\r\n\r\ndata: one\n\ndata: two\n\ndata: three, which is a little longer\n\n"
        ),
        "{answer}"
    );
}

#[tokio::test]
async fn a_stream_over_a_body_that_was_not_read_leaves_no_request_behind() {
    let server = Running::started().await;
    let mut client = Client::connect(server.addr).await;
    let smuggled = "GET /peer HTTP/1.1\r\nHost: test\r\n\r\n";
    client
        .send(&format!(
            "POST /events HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n{smuggled}",
            smuggled.len()
        ))
        .await;
    assert!(client.until("0\r\n\r\n").await.ends_with(CHUNKS));
    client.ask("/").await;
    let next = client.rest_or_until("hello").await;
    assert!(!next.contains("false HTTP/1.1"), "{next}");
}
