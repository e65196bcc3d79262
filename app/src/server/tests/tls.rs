//! The same server behind TLS. The certificate beside this file is for `localhost`, signed by itself, good for a hundred years, and of no
//! worth anywhere else.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::Running;
use super::client::Client;
use crate::body::Body;
use crate::server::{Outcome, ServerOptions, Tls};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/server/tests")
        .join(name)
}

fn tls() -> Tls {
    Tls::read(&file("localhost.pem"), &file("localhost-key.pem")).expect("they fit")
}

async fn started() -> Running {
    Running::start(ServerOptions {
        tls: Some(tls()),
        header_timeout: Duration::from_millis(500),
        ..ServerOptions::default()
    })
    .await
}

/// Connects with what a client offers to speak.
async fn connect(server: &Running, protocol: &[u8]) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(file("localhost.pem")).expect("PEM"))
        .expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions();
    let mut config = config
        .expect("versions that ring has")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let socket = TcpStream::connect(server.addr)
        .await
        .expect("the port is open");
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config))
        .connect(name, socket)
        .await
        .expect("a session")
}

#[tokio::test]
async fn http1_is_spoken_over_tls() {
    let server = started().await;
    let mut socket = connect(&server, b"http/1.1").await;
    socket
        .write_all(b"GET /peer HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .expect("the server takes it");
    let mut answer = String::new();
    socket
        .read_to_string(&mut answer)
        .await
        .expect("it closes in the manner of TLS");
    assert!(answer.ends_with("true HTTP/1.1"), "{answer}");
}

#[tokio::test]
async fn http2_is_negotiated_over_tls() {
    let server = started().await;
    let socket = connect(&server, b"h2").await;
    assert_eq!(socket.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
            .await
            .expect("HTTP/2");
    tokio::spawn(connection);
    let request = Request::get("https://localhost/")
        .body(Body::empty())
        .expect("a request");
    assert_eq!(
        sender
            .send_request(request)
            .await
            .expect("an answer")
            .version(),
        Version::HTTP_2
    );
}

#[tokio::test]
async fn an_event_stream_over_tls_says_goodbye_in_a_drain() {
    let server = started().await;
    let mut socket = connect(&server, b"http/1.1").await;
    socket
        .write_all(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .expect("the server takes it");
    let mut seen = Vec::new();
    while !seen.ends_with(b"data: hello\n\n\r\n") {
        seen.push(socket.read_u8().await.expect("a byte"));
    }
    assert_eq!(server.gauges.streams.get(), 1);
    let (outcome, took) = server.stop().await;
    assert_eq!(outcome, Outcome { cut: 0 });
    assert!(took < Duration::from_secs(2), "{took:?}");
    let mut rest = String::new();
    socket
        .read_to_string(&mut rest)
        .await
        .expect("it closes in the manner of TLS");
    assert!(rest.ends_with("retry: 1500\n\n\r\n0\r\n\r\n"), "{rest}");
}

#[tokio::test]
async fn a_client_without_tls_or_without_a_handshake_is_cut() {
    let server = started().await;
    let mut plain = Client::get(server.addr, "/").await;
    assert!(!plain.rest_or_until("hello").await.contains("hello"));
    assert_eq!(
        Client::connect(server.addr).await.rest().await,
        "",
        "it said nothing for longer than the header timeout"
    );
}

#[test]
fn files_that_are_not_what_they_should_be_are_named() {
    let (cert, key) = (file("localhost.pem"), file("localhost-key.pem"));
    for (cert, key, blamed) in [
        (file("nowhere.pem"), key.clone(), "nowhere.pem: "),
        (cert.clone(), file("nowhere.pem"), "nowhere.pem: "),
        (cert.clone(), cert.clone(), "localhost.pem: "),
        (key.clone(), key.clone(), "localhost-key.pem: "),
        (file("tls.rs"), key, "tls.rs: "),
    ] {
        let error = Tls::read(&cert, &key)
            .expect_err("something is wrong")
            .to_string();
        assert!(error.contains(blamed), "{error}");
    }
}
