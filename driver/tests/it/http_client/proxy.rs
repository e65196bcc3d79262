//! Calls through a proxy.

use std::process::Command;

use pleach_driver::Http;

use super::server::{Server, ok};
use crate::support::soon;

const CHILD: &str = "PLEACH_TEST_PROXY_CHILD";

#[tokio::test]
async fn calls_go_through_the_proxy_and_guarded_ones_do_not() {
    let proxy = Server::start(|_| ok("by proxy")).await;
    let url = format!("http://me:pass@{}", proxy.addr);
    let http = Http::builder().proxy(url).build().unwrap();
    assert_eq!(
        soon(http.get("http://a.test/x?y").send())
            .await
            .unwrap()
            .text(),
        "by proxy"
    );
    let request = proxy.only_request();
    assert_eq!(request.line, "GET http://a.test/x?y HTTP/1.1");
    assert!(
        request.has("proxy-authorization: Basic bWU6cGFzcw=="),
        "{request:?}"
    );
    let error = soon(http.get("http://127.0.0.1:1/").guarded().send())
        .await
        .unwrap_err();
    assert!(error.is_refused(), "{error}");
    let error = soon(http.get("http://localhost:1/").guarded().send())
        .await
        .unwrap_err();
    assert!(error.is_refused(), "{error}");
    assert_eq!(proxy.requests().len(), 1);
}

#[test]
fn a_proxy_url_that_is_none_is_told_without_its_password() {
    for url in ["socks5://me:secret@h:1", "me:secret@h", "http://me:secret@"] {
        let error = Http::builder().proxy(url).build().unwrap_err();
        assert!(
            error.is_invalid() && !format!("{error:?}").contains("secret"),
            "{url}: {error:?}"
        );
    }
}

/// The environment belongs to the process, so that a process of its own is asked.
#[tokio::test]
async fn the_environment_is_asked_only_when_told_to() {
    let proxy = Server::start(|_| ok("by proxy")).await;
    let direct = Server::start(|_| ok("directly")).await;
    let (address, url) = (format!("http://{}", proxy.addr), direct.url("/"));
    let child = tokio::task::spawn_blocking(move || {
        Command::new(std::env::current_exe().unwrap())
            .args([
                "http_client::proxy::child",
                "--exact",
                "--include-ignored",
                "--nocapture",
            ])
            .env(CHILD, url)
            .env("http_proxy", address)
            .env_remove("no_proxy")
            .env_remove("NO_PROXY")
            .env_remove("REQUEST_METHOD")
            .output()
            .unwrap()
    });
    let output = child.await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains("asked: by proxy") && said.contains("not asked: directly"),
        "{said}"
    );
}

#[tokio::test]
#[ignore = "a child of the test above"]
#[expect(clippy::print_stdout, reason = "its parent reads it")]
async fn child() {
    let Ok(url) = std::env::var(CHILD) else {
        return;
    };
    let asking = Http::builder().proxy_from_environment().build().unwrap();
    println!("asked: {}", asking.get(&url).send().await.unwrap().text());
    let plain = Http::builder().build().unwrap();
    println!(
        "not asked: {}",
        plain.get(&url).send().await.unwrap().text()
    );
}
