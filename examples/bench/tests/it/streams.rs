//! The broadcast.

use std::time::Duration;

use http_body_util::BodyExt as _;
use pleach::Body;
use pleach::http::{Request, StatusCode};
use tokio::time::{Instant, timeout};

use crate::asked::{app, ask};

/// Reads a stream up to its next event, and returns the number of its tick.
async fn next_tick(stream: &mut Body) -> u64 {
    loop {
        let frame = timeout(Duration::from_secs(10), stream.frame())
            .await
            .expect("ten ticks a second");
        let bytes = frame
            .expect("a stream without end")
            .expect("a whole frame")
            .into_data()
            .expect("data");
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        if let Some((_, tick)) = text.split_once("data: signals {\"tick\":") {
            return tick
                .trim_end()
                .trim_end_matches('}')
                .parse()
                .expect("a number");
        }
    }
}

#[tokio::test]
async fn every_stream_gets_every_tick_of_the_clock_and_the_posted_ones_at_once() {
    let app = app().await;
    // From here on the clock stands still as long as there is anything else to do.
    tokio::time::pause();
    let open = || Request::get("/sse").body(Body::empty()).expect("a request");
    let mut first = ask(&app, open()).await;
    let mut second = ask(&app, open()).await;
    assert_eq!(first.headers()["content-type"], "text/event-stream");
    let mut last = next_tick(first.body_mut()).await;
    assert_eq!(next_tick(second.body_mut()).await, last);

    let posted = Instant::now();
    for _ in 0..3 {
        let tick = Request::post("/tick")
            .body(Body::empty())
            .expect("a request");
        assert_eq!(ask(&app, tick).await.status(), StatusCode::NO_CONTENT);
    }
    for (ticks, waited) in [
        (3, Duration::ZERO),
        (1, Duration::from_millis(100)),
        (1, Duration::from_millis(200)),
    ] {
        for _ in 0..ticks {
            last += 1;
            assert_eq!(next_tick(first.body_mut()).await, last);
            assert_eq!(next_tick(second.body_mut()).await, last);
        }
        assert_eq!(posted.elapsed(), waited);
    }
}
