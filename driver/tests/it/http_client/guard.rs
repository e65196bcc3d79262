//! Calls whose URL comes from a user.

use std::io;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use pleach_driver::backend::BoxFuture;
use pleach_driver::{Http, HttpBuilder, Resolve};

use super::server::{Server, ok, redirect};
use crate::support::soon;

const INSIDE: [u8; 4] = [127, 0, 0, 1];
const OUTSIDE: [u8; 4] = [127, 0, 0, 2];

/// Gives each of its answers once, whatever the name; the last one over and over.
struct Script(Mutex<Vec<Vec<IpAddr>>>);

impl Script {
    fn new<const N: usize>(answers: [&[[u8; 4]]; N]) -> Self {
        let address = |bytes: &[u8; 4]| IpAddr::from(*bytes);
        Self(Mutex::new(
            answers
                .iter()
                .rev()
                .map(|answer| answer.iter().map(address).collect())
                .collect(),
        ))
    }
}

impl Resolve for Script {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 {
            answers.pop().unwrap()
        } else {
            answers[0].clone()
        };
        Box::pin(async move { Ok(answer) })
    }
}

fn builder() -> HttpBuilder {
    Http::builder()
        .deadline(Duration::from_secs(20))
        .guard_admits(OUTSIDE.into())
}

async fn inside() -> Server {
    Server::start_on(INSIDE.into(), |_| ok("secret")).await
}

#[tokio::test]
async fn private_addresses_are_refused_in_any_spelling() {
    let server = inside().await;
    let port = server.addr.port();
    let http = Http::builder().build().unwrap();
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "2130706433",
        "0x7f000001",
        "127.0.0.1.",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[::127.0.0.1]",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.0.1",
        "172.16.0.1",
        "100.64.0.1",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "224.0.0.1",
        "１２７.0.0.1",
        "127。0。0。1",
        "localhost",
        "LOCALHOST",
    ] {
        let url = format!("http://{host}:{port}/");
        let error = soon(http.get(&url).guarded().redirects(3).send())
            .await
            .unwrap_err();
        assert!(error.is_refused(), "{host}: {error}");
    }
    assert_eq!(server.connections(), 0);
    assert_eq!(
        http.get(server.url("/")).send().await.unwrap().text(),
        "secret"
    );
}

#[tokio::test]
async fn other_schemes_are_refused() {
    let http = Http::builder().build().unwrap();
    for url in [
        "file:///etc/passwd",
        "ftp://127.0.0.2/",
        "gopher://127.0.0.2/_x",
        "unix:///run/docker.sock",
    ] {
        assert!(
            http.get(url)
                .guarded()
                .send()
                .await
                .unwrap_err()
                .is_refused(),
            "{url}"
        );
    }
}

#[tokio::test]
async fn a_name_is_judged_by_its_addresses() {
    let server = inside().await;
    let url = format!("http://evil.test:{}/", server.addr.port());
    let http = builder()
        .resolver(Script::new([&[INSIDE, [10, 0, 0, 1]]]))
        .build()
        .unwrap();
    let error = soon(http.get(&url).guarded().send()).await.unwrap_err();
    assert!(error.is_refused(), "{error}");
    assert!(
        !format!("{error:?}").contains("127.0.0.1"),
        "the inside is not told: {error:?}"
    );
    assert_eq!(server.connections(), 0);

    let outside = Server::start_on(OUTSIDE.into(), |_| ok("public")).await;
    let url = format!("http://mixed.test:{}/", outside.addr.port());
    let http = builder()
        .resolver(Script::new([&[INSIDE, OUTSIDE]]))
        .build()
        .unwrap();
    assert_eq!(
        soon(http.get(&url).guarded().send()).await.unwrap().text(),
        "public"
    );
}

#[tokio::test]
async fn a_name_that_changes_between_two_look_ups_gains_nothing() {
    let outside = Server::start_on(OUTSIDE.into(), |_| {
        Some("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 6\r\n\r\npublic".to_owned())
    })
    .await;
    // The same port on the inside, where the name leads from its second look-up on.
    let inside = tokio::net::TcpListener::bind((IpAddr::from(INSIDE), outside.addr.port()))
        .await
        .unwrap();
    let url = format!("http://rebind.test:{}/", outside.addr.port());
    let http = builder()
        .resolver(Script::new([&[OUTSIDE], &[INSIDE]]))
        .build()
        .unwrap();
    assert_eq!(
        soon(http.get(&url).guarded().send()).await.unwrap().text(),
        "public"
    );
    let error = soon(http.get(&url).guarded().send()).await.unwrap_err();
    assert!(error.is_refused(), "{error}");
    let knock = tokio::time::timeout(Duration::from_millis(50), inside.accept()).await;
    assert!(knock.is_err(), "somebody came to the inside");
}

#[tokio::test]
async fn no_redirect_leads_inside() {
    let inside = inside().await;
    let targets = [
        inside.url("/"),
        format!("http://localhost:{}/", inside.addr.port()),
        format!("//0x7f.1:{}/", inside.addr.port()),
    ];
    for to in targets {
        let shown = to.clone();
        let outside = Server::start_on(OUTSIDE.into(), move |_| redirect("302 Found", &to)).await;
        let http = builder().build().unwrap();
        let error = soon(http.get(outside.url("/")).guarded().redirects(3).send())
            .await
            .unwrap_err();
        assert!(error.is_refused(), "{shown}: {error}");
        assert_eq!(outside.requests().len(), 1);
        // Not guarded, the same call arrives.
        assert_eq!(
            http.get(outside.url("/"))
                .redirects(3)
                .send()
                .await
                .unwrap()
                .text(),
            "secret"
        );
    }
    assert_eq!(inside.requests().len(), 3);
}

#[tokio::test]
async fn no_connection_of_an_open_call_serves_a_guarded_one() {
    let inside = inside().await;
    let url = format!("http://name.test:{}/", inside.addr.port());
    let http = builder()
        .resolver(Script::new([&[INSIDE]]))
        .build()
        .unwrap();
    assert_eq!(http.get(&url).send().await.unwrap().text(), "secret");
    assert!(
        soon(http.get(&url).guarded().send())
            .await
            .unwrap_err()
            .is_refused()
    );
    // It was kept alive all the while.
    assert_eq!(http.get(&url).send().await.unwrap().text(), "secret");
    assert_eq!((inside.connections(), inside.requests().len()), (1, 2));
}
