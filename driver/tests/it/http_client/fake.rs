//! A backend of one's own, and what stands above it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use pleach_driver::backend::{BoxFuture, Exchange, HttpBackend};
use pleach_driver::{Driver, Error, Http};
use tokio::time::Instant;

/// Fails as often as told, and notes when it was called.
struct Hostile {
    failures: usize,
    calls: Arc<Mutex<Vec<Instant>>>,
}

impl HttpBackend for Hostile {
    fn exchange(&self, exchange: Exchange) -> BoxFuture<'_, Result<http::Response<Bytes>, Error>> {
        let mut calls = self.calls.lock().unwrap();
        calls.push(Instant::now());
        let fails = calls.len() <= self.failures;
        Box::pin(async move {
            if fails {
                return Err(Error::unavailable("away"));
            }
            let mut response = http::Response::new(Bytes::from_static(b"there"));
            if exchange.request.uri().path() == "/inside" {
                *response.status_mut() = http::StatusCode::FOUND;
                response
                    .headers_mut()
                    .insert("location", "http://[::1]/".parse().unwrap());
            }
            Ok(response)
        })
    }
}

fn hostile(failures: usize) -> (Http, Arc<Mutex<Vec<Instant>>>) {
    let calls = Arc::default();
    let backend = Hostile {
        failures,
        calls: Arc::clone(&calls),
    };
    (Http::new(backend), calls)
}

#[tokio::test(start_paused = true)]
async fn waits_between_tries_grow() {
    let (http, calls) = hostile(4);
    assert_eq!(
        http.get("http://a.test/")
            .retries(4)
            .send()
            .await
            .unwrap()
            .text(),
        "there"
    );
    let calls = calls.lock().unwrap();
    let waits: Vec<_> = calls.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (wait, most) in waits.iter().zip([100, 200, 400, 800]) {
        let most = Duration::from_millis(most);
        // The timer counts whole milliseconds.
        assert!(
            *wait >= most / 2 && *wait <= most + Duration::from_millis(2),
            "{waits:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn tries_end_with_the_deadline() {
    let (http, calls) = hostile(usize::MAX);
    let begun = Instant::now();
    let error = http
        .get("http://a.test/")
        .retries(u32::MAX)
        .deadline(Duration::from_secs(5))
        .send()
        .await
        .unwrap_err();
    assert!(
        error.is_unavailable(),
        "the last failure is told, not the deadline: {error}"
    );
    assert!(begun.elapsed() <= Duration::from_secs(5));
    assert!(calls.lock().unwrap().len() >= 4);
}

#[tokio::test]
async fn the_guard_of_addresses_stands_above_every_backend() {
    let (http, calls) = hostile(0);
    let driver = Driver::open("memory:").await.unwrap().with_http(http);
    assert!(
        driver
            .http()
            .get("http://127.0.0.1/")
            .guarded()
            .send()
            .await
            .unwrap_err()
            .is_refused()
    );
    assert!(calls.lock().unwrap().is_empty());
    let call = driver
        .http()
        .get("http://a.test/inside")
        .guarded()
        .redirects(2);
    assert!(call.send().await.unwrap_err().is_refused());
    assert_eq!(calls.lock().unwrap().len(), 1);
}
