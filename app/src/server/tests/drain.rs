//! The end of a server.

use std::time::Duration;

use tokio::net::TcpStream;

use super::Running;
use super::client::Client;
use super::probe::{GOODBYE, HELLO};
use crate::server::runtime::allow_descriptors;
use crate::server::{Layout, Outcome, ServerOptions};

/// CONTRACT: with nothing but streams open, a drain ends within this.
const STREAMS_END: Duration = Duration::from_secs(2);

#[tokio::test]
async fn an_idle_server_ends_at_once() {
    let server = Running::started().await;
    let mut idle = Client::get(server.addr, "/").await;
    idle.until("hello").await;
    let silent = Client::connect(server.addr).await;
    let mut half = Client::connect(server.addr).await;
    half.send("G").await;
    let (outcome, took) = server.stop().await;
    assert_eq!(outcome, Outcome { cut: 0 });
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(idle.rest().await, "");
    assert_eq!(silent.rest().await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_open_streams_say_goodbye_within_two_seconds() {
    allow_descriptors();
    for layout in [Layout::Shared, Layout::PerCore] {
        let server = Running::start(ServerOptions {
            layout,
            ..ServerOptions::default()
        })
        .await;
        let mut streams = Vec::new();
        for _ in 0..1000 {
            let mut stream = Client::get(server.addr, "/stream").await;
            stream.until(HELLO).await;
            streams.push(stream);
        }
        assert_eq!(server.gauges.streams.get(), 1000);
        let gauges = server.gauges.clone();
        let (outcome, took) = server.stop().await;
        assert!(took < STREAMS_END, "{layout:?}: {took:?}");
        assert_eq!(outcome, Outcome { cut: 0 });
        assert_eq!((gauges.connections.get(), gauges.streams.get()), (0, 0));
        for stream in streams {
            // The end of a chunked body, not a break.
            let end = format!("{:X}\r\n{GOODBYE}\r\n0\r\n\r\n", GOODBYE.len());
            let rest = stream.rest().await;
            assert!(rest.ends_with(&end), "{rest:?}");
        }
    }
}

#[tokio::test]
async fn streams_whose_clients_do_not_read_or_that_do_not_end_are_cut_within_two_seconds() {
    let server = Running::started().await;
    let mut stubborn = Client::get(server.addr, "/stubborn-stream").await;
    stubborn.until(HELLO).await;
    let mut half = Client::connect(server.addr).await;
    half.send("GET / HTTP/1.1\r\nHost:").await;
    let (outcome, took) = server.stop().await;
    assert!(took < STREAMS_END, "{took:?}");
    assert_eq!(outcome, Outcome { cut: 0 }, "they are not requests at work");
}

#[tokio::test]
async fn a_request_at_work_is_finished_and_its_connection_closed() {
    let server = Running::started().await;
    let mut client = Client::connect(server.addr).await;
    client
        .send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\n")
        .await;
    let (addr, shutdown) = (server.addr, server.shutdown.clone());
    let stopped = tokio::spawn(server.stop());
    shutdown.draining().cancelled().await;
    // The port is closed for others as soon as the drain has begun.
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
    client.send("done").await;
    let answer = client.rest().await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n")
            && answer.contains("connection: close\r\n")
            && answer.ends_with("done"),
        "{answer}"
    );
    let (outcome, _) = stopped.await.expect("no panic");
    assert_eq!(outcome, Outcome { cut: 0 });
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_within_the_drain() {
    let drain = Duration::from_secs(3);
    let server = Running::start(ServerOptions {
        drain,
        ..ServerOptions::default()
    })
    .await;
    let stuck = Client::get(server.addr, "/stuck").await;
    while server.gauges.connections.get() == 0 {
        tokio::task::yield_now().await;
    }
    let deadline = server.shutdown.deadline().clone();
    let (outcome, took) = server.stop().await;
    assert_eq!(outcome, Outcome { cut: 1 });
    assert!(
        took > drain - Duration::from_secs(1) && took < drain,
        "{took:?}"
    );
    assert!(deadline.is_cancelled());
    assert_eq!(stuck.rest().await, "");
}

#[tokio::test]
async fn a_slow_download_is_not_cut_with_the_streams() {
    let server = Running::start(ServerOptions {
        drain: Duration::from_secs(20),
        ..ServerOptions::default()
    })
    .await;
    let client = Client::get(server.addr, "/large").await;
    client.socket.readable().await.expect("it begins");
    let (shutdown, deadline) = (server.shutdown.clone(), server.shutdown.deadline().clone());
    let stopped = tokio::spawn(server.stop());
    shutdown.draining().cancelled().await;
    // Longer than streams are given.
    tokio::time::sleep(STREAMS_END).await;
    assert!(!deadline.is_cancelled());
    let answer = client.rest().await;
    assert_eq!(
        answer.len() - answer.find("\r\n\r\n").expect("a head") - 4,
        64 << 20
    );
    assert_eq!(stopped.await.expect("no panic").0, Outcome { cut: 0 });
}

#[tokio::test]
async fn an_upgraded_connection_is_waited_for() {
    let server = Running::start(ServerOptions {
        drain: Duration::from_secs(20),
        ..ServerOptions::default()
    })
    .await;
    let mut socket = Client::connect(server.addr).await;
    socket
        .send("GET /upgrade HTTP/1.1\r\nHost: test\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        .await;
    socket.until("\r\n\r\n").await;
    let shutdown = server.shutdown.clone();
    let stopped = tokio::spawn(server.stop());
    shutdown.draining().cancelled().await;
    socket.send("still there").await;
    socket.until("still there").await;
    assert!(!stopped.is_finished());
    drop(socket);
    assert_eq!(stopped.await.expect("no panic").0, Outcome { cut: 0 });
}

#[tokio::test]
async fn a_dropped_run_cuts_all_connections() {
    let server = Running::started().await;
    let mut stream = Client::get(server.addr, "/stubborn-stream").await;
    stream.until(HELLO).await;
    stream.until("\r\n").await;
    server.run.abort();
    assert_eq!(stream.rest().await, "");
}
