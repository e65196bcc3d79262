//! Deadlines, limits, redirects and retries.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use http::HeaderValue;
use pleach_driver::backend::BoxFuture;
use pleach_driver::{Driver, Http, Resolve};
use serde::{Deserialize, Serialize};

use super::server::{Server, answer, ok, redirect};
use crate::support::soon;

fn http() -> Http {
    Http::builder()
        .deadline(Duration::from_secs(20))
        .build()
        .unwrap()
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Move {
    cell: u8,
}

#[tokio::test]
async fn the_driver_hands_out_a_client() {
    let server = Server::start(|_| ok("hi")).await;
    let driver = Driver::open("memory:").await.unwrap();
    let answer = driver
        .http()
        .get(server.url("/a?b=c"))
        .send()
        .await
        .unwrap();
    assert_eq!((answer.status().as_u16(), &*answer.text()), (200, "hi"));
    assert_eq!(answer.url(), server.url("/a?b=c"));
    let request = server.only_request();
    assert_eq!(request.line, "GET /a?b=c HTTP/1.1");
    assert!(
        request.has(&format!("host: {}", server.addr)),
        "{request:?}"
    );
    assert!(!request.has_name("accept-encoding"), "{request:?}");
}

#[tokio::test]
async fn bodies_headers_and_queries_arrive() {
    let server = Server::start(|_| answer("201 Created", "x-answer: 1\r\n", r#"{"cell":4}"#)).await;
    let http = Http::builder().user_agent("arena/1").build().unwrap();
    let call = http
        .post(server.url("/moves"))
        .query("q", "a b&c")
        .header("x-test", "1")
        .bearer("token")
        .json(&Move { cell: 3 });
    let answer = call.send().await.unwrap();
    assert_eq!(answer.headers()["x-answer"], "1");
    assert_eq!(answer.json::<Move>().unwrap(), Move { cell: 4 });
    let request = server.only_request();
    assert_eq!(
        (request.line.as_str(), request.body.as_str()),
        ("POST /moves?q=a+b%26c HTTP/1.1", r#"{"cell":3}"#)
    );
    for header in [
        "x-test: 1",
        "authorization: Bearer token",
        "content-type: application/json",
        "user-agent: arena/1",
    ] {
        assert!(request.has(header), "{header}: {request:?}");
    }
    http.put(server.url("/"))
        .basic("me", "pass")
        .form([("a", "1 2"), ("b", "&")])
        .send()
        .await
        .unwrap();
    let request = server.requests().remove(1);
    assert_eq!(request.body, "a=1+2&b=%26");
    assert!(
        request.has("authorization: Basic bWU6cGFzcw=="),
        "{request:?}"
    );
}

#[tokio::test]
async fn what_is_malformed_is_told_before_anything_is_sent() {
    let server = Server::start(|_| ok("")).await;
    let http = http();
    let to = server.url("/?token=secret");
    for call in [
        http.get("no url"),
        http.get("http://me:secret@127.0.0.1/"),
        http.get(&to).header("x y", "1"),
        http.get(&to).header("x", "secret\r\ny: 2"),
        http.get(&to).bearer("secret\n"),
    ] {
        let error = call.send().await.unwrap_err();
        assert!(
            error.is_invalid() && !format!("{error:?}").contains("secret"),
            "{error:?}"
        );
    }
    assert!(
        http.get("file:///etc/passwd")
            .send()
            .await
            .unwrap_err()
            .is_refused()
    );
    assert_eq!(server.connections(), 0);
    assert!(!format!("{:?}", http.get(&to).bearer("secret")).contains("secret"));
}

#[tokio::test]
async fn a_status_is_an_answer_until_success_is_asked_for() {
    let server = Server::start(|_| answer("404 Not Found", "", "[1")).await;
    let url = server.url("/x?token=secret");
    let answer = http().get(&url).send().await.unwrap();
    assert_eq!(answer.status(), 404);
    let error = answer.clone().success().unwrap_err();
    assert_eq!(
        (error.status_code(), error.is_retryable()),
        (Some(404), false)
    );
    assert_eq!(
        error.to_string(),
        format!("GET {} was answered with 404", server.url("/x"))
    );
    assert_eq!(
        answer.json::<Vec<u8>>().unwrap_err().status_code(),
        Some(404)
    );
    let broken = Server::start(|_| ok("[1")).await;
    let error = http()
        .get(broken.url("/"))
        .send()
        .await
        .unwrap()
        .json::<Vec<u8>>()
        .unwrap_err();
    assert!(error.is_invalid(), "{error}");
}

#[tokio::test]
async fn a_server_that_hangs_is_left_at_the_deadline() {
    let server = Server::start(|request| match request.line.as_str() {
        "GET /silent HTTP/1.1" => Some(String::new()),
        _ => Some("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_owned()),
    })
    .await;
    for path in ["/silent", "/half"] {
        let begun = Instant::now();
        let limit = Duration::from_millis(300);
        let error = soon(http().get(server.url(path)).deadline(limit).send())
            .await
            .unwrap_err();
        assert!(error.is_timeout() && error.is_retryable(), "{error}");
        assert!(begun.elapsed() >= limit);
    }
}

/// Never finds an address.
struct Nowhere;

impl Resolve for Nowhere {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, std::io::Result<Vec<IpAddr>>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn connecting_has_a_deadline_of_its_own() {
    let http = Http::builder()
        .resolver(Nowhere)
        .connect_deadline(Duration::from_millis(100))
        .deadline(Duration::from_secs(600))
        .build()
        .unwrap();
    let error = soon(http.get("http://a.test/").retries(0).send())
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains("connecting"), "{error}");
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let server = Server::start(|_| ok("")).await;
    let url = server.url("/path?secret");
    drop(server);
    // The port is closed when the task has ended.
    let error = soon(async {
        loop {
            if let Err(error) = http().get(&url).retries(0).send().await {
                break error;
            }
        }
    })
    .await;
    assert!(error.is_unavailable() && error.is_retryable(), "{error}");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}

#[tokio::test]
async fn an_answer_above_the_limit_is_an_error_whether_its_size_is_told_or_not() {
    let server = Server::start(|request| match request.line.as_str() {
        "GET /told HTTP/1.1" => {
            Some("HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n".to_owned())
        }
        "HEAD /told HTTP/1.1" => {
            Some("HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n".to_owned())
        }
        "GET /untold HTTP/1.1" => {
            let chunks = "400\r\n".to_owned() + &"x".repeat(0x400) + "\r\n";
            Some(format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}",
                chunks.repeat(3)
            ))
        }
        _ => ok(&"x".repeat(2048)),
    })
    .await;
    for path in ["/told", "/untold"] {
        let error = soon(http().get(server.url(path)).max_body_bytes(2048).send())
            .await
            .unwrap_err();
        assert!(error.is_too_large() && !error.is_retryable(), "{error}");
    }
    let answer = http()
        .get(server.url("/exact"))
        .max_body_bytes(2048)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.body().len(), 2048);
    assert!(
        http()
            .head(server.url("/told"))
            .send()
            .await
            .unwrap()
            .body()
            .is_empty()
    );
}

#[tokio::test]
async fn redirects_are_answers_unless_asked_for_and_bounded() {
    let server = Server::start(|request| match request.line.as_str() {
        "GET /a HTTP/1.1" => redirect("302 Found", "/b"),
        "GET /b HTTP/1.1" => redirect("307 Temporary Redirect", "/c"),
        "GET /loop HTTP/1.1" => redirect("302 Found", "/loop"),
        _ => ok("here"),
    })
    .await;
    let http = http();
    let answer = http.get(server.url("/a")).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["location"]),
        (302, &HeaderValue::from_static("/b"))
    );
    let answer = http
        .get(server.url("/a"))
        .redirects(2)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (answer.url(), &*answer.text()),
        (server.url("/c").as_str(), "here")
    );
    assert!(
        http.get(server.url("/a"))
            .redirects(1)
            .send()
            .await
            .unwrap_err()
            .is_refused()
    );
    assert!(
        http.get(server.url("/loop"))
            .redirects(5)
            .send()
            .await
            .unwrap_err()
            .is_refused()
    );
    assert_eq!(server.requests().len(), 1 + 3 + 2 + 6);
}

#[tokio::test]
async fn another_server_learns_no_secret_by_a_redirect() {
    let other = Server::start(|_| ok("")).await;
    let to = other.url("/");
    let server = Server::start(move |_| redirect("302 Found", &to)).await;
    let mut key = HeaderValue::from_static("secret");
    key.set_sensitive(true);
    let call = http()
        .get(server.url("/"))
        .bearer("secret")
        .header("cookie", "a=secret")
        .header("x-key", key)
        .header("x-plain", "1");
    call.redirects(1).send().await.unwrap();
    assert!(server.only_request().headers.contains("secret"));
    let request = other.only_request();
    assert!(
        request.has("x-plain: 1") && !request.headers.contains("secret"),
        "{request:?}"
    );
}

#[tokio::test]
async fn idempotent_calls_are_tried_again() {
    let server = Server::start(|request| match request.number {
        1 => answer("503 Service Unavailable", "", ""),
        2 => None,
        _ => ok("at last"),
    })
    .await;
    let answer = soon(http().get(server.url("/")).send()).await.unwrap();
    assert_eq!(answer.text(), "at last");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn other_calls_are_made_once_unless_marked() {
    let server = Server::start(|request| match request.number {
        1 | 2 => answer("503 Service Unavailable", "", ""),
        3 => None,
        _ => ok(""),
    })
    .await;
    let post = || http().post(server.url("/")).body("text/plain", "x");
    assert_eq!(post().send().await.unwrap().status(), 503);
    assert_eq!(
        http().patch(server.url("/")).send().await.unwrap().status(),
        503
    );
    assert!(soon(post().send()).await.unwrap_err().is_unavailable());
    assert_eq!(server.requests().len(), 3);
    let marked = Server::start(|request| if request.number == 1 { None } else { ok("") }).await;
    let call = http()
        .post(marked.url("/"))
        .body("text/plain", "x")
        .idempotent();
    assert_eq!(soon(call.send()).await.unwrap().status(), 200);
    assert!(marked.requests().iter().all(|request| request.body == "x"));
}

#[tokio::test]
async fn retry_after_is_waited_for_within_the_deadline() {
    let server = Server::start(|request| match request.number {
        1 => answer("429 Too Many Requests", "retry-after: 1\r\n", ""),
        _ => ok(""),
    })
    .await;
    let begun = Instant::now();
    assert_eq!(
        soon(http().get(server.url("/")).send())
            .await
            .unwrap()
            .status(),
        200
    );
    assert!(begun.elapsed() >= Duration::from_secs(1));

    let later =
        Server::start(|_| answer("503 Service Unavailable", "retry-after: 25\r\n", "")).await;
    let answer = soon(http().get(later.url("/")).send()).await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(later.requests().len(), 1);
}
