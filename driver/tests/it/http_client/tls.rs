//! Calls over TLS. The certificate is that of the server's tests: for `localhost`, signed by itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pleach_driver::Http;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::server::read_request;
use crate::support::soon;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../app/src/server/tests")
        .join(name)
}

async fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let chain = vec![CertificateDer::from_pem_file(file("localhost.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(file("localhost-key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            // A client that does not trust us hangs up here.
            if let Ok(mut socket) = acceptor.accept(socket).await
                && read_request(&mut socket, &mut Vec::new()).await.is_some()
            {
                let _ = socket
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nsafe")
                    .await;
            }
        }
    });
    port
}

#[tokio::test]
async fn only_trusted_certificates_are_taken() {
    let url = format!("https://localhost:{}/", server().await);
    let pem = std::fs::read(file("localhost.pem")).unwrap();
    let trusting = Http::builder()
        .root_certificate(pem.clone())
        .build()
        .unwrap();
    assert_eq!(
        soon(trusting.get(&url).send()).await.unwrap().text(),
        "safe"
    );
    let wary = Http::builder().build().unwrap();
    let error = soon(wary.get(&url).retries(0).send()).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    // Trusted, but for another name.
    let error = soon(
        trusting
            .get(url.replace("localhost", "127.0.0.1"))
            .retries(0)
            .send(),
    )
    .await
    .unwrap_err();
    assert!(error.is_unavailable(), "{error}");
}

#[test]
fn a_root_that_is_none_is_told() {
    for pem in [
        "",
        "nothing",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        assert!(
            Http::builder()
                .root_certificate(pem)
                .build()
                .unwrap_err()
                .is_invalid(),
            "{pem}"
        );
    }
}
