//! An event stream from its first byte to its last.

use super::decoder::decode;
use bytes::Bytes;
use http::HeaderValue;
use http_body::Body;
use http_body_util::BodyExt;
use pleach::live::{
    Encoded, Error, Event, EventId, LiveBody, LivePage, PatchElements, StreamOptions, stream,
};
use std::{
    future::pending,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Waker},
    time::Duration,
};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

fn options() -> StreamOptions {
    StreamOptions::new(CancellationToken::new())
}

fn event(text: &str, revision: u64) -> Encoded {
    PatchElements::new(text)
        .id(EventId::new(1, revision))
        .encode()
        .unwrap()
}

/// The next bytes of the stream, `None` at its end.
async fn next(body: &mut LiveBody) -> Option<Bytes> {
    let frame = body.frame().await?;
    Some(
        frame
            .expect("an infallible body")
            .into_data()
            .expect("data"),
    )
}

/// Reads to the end.
async fn rest(body: LiveBody) -> Vec<u8> {
    body.collect()
        .await
        .expect("an infallible body")
        .to_bytes()
        .to_vec()
}

/// True when nothing comes unless something happens.
async fn is_silent(body: &mut LiveBody) -> bool {
    timeout(Duration::ZERO, next(body)).await.is_err()
}

#[tokio::test]
async fn a_stream_ends_behind_the_last_event_of_its_producer() {
    let body = stream(options(), |mut page| async move {
        page.send(event("<a>", 1)).await?;
        page.send(PatchElements::new("<b>").id("other")).await?;
        page.send(&Event::from(PatchElements::new("<c>"))).await
    });
    let stream = decode(&rest(body).await);
    assert_eq!(
        stream
            .events
            .iter()
            .filter_map(|event| event.argument("elements"))
            .collect::<Vec<_>>(),
        ["<a>", "<b>", "<c>"]
    );
    assert!(stream.comments.is_empty());
}

#[tokio::test]
async fn the_response_is_an_event_stream_that_nobody_caches() {
    let response = stream(options(), |_| async { Ok::<_, Error>(()) }).into_response();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-cache");
}

#[tokio::test(start_paused = true)]
async fn a_producer_with_nothing_to_say_yet_sends_a_comment_at_once_and_every_fifteen_seconds() {
    let start = Instant::now();
    let mut body = stream(options(), |mut page: LivePage| async move {
        tokio::time::sleep(Duration::from_secs(40)).await;
        page.send(event("<a>", 1)).await?;
        pending::<Result<(), Error>>().await
    });
    let mut times = Vec::new();
    for _ in 0..5 {
        let bytes = next(&mut body).await.unwrap();
        let stream = decode(&bytes);
        times.push((
            start.elapsed().as_secs(),
            stream.comments.len(),
            stream.events.len(),
        ));
    }
    // The fourth: an event counts as a sign of life, so the next comment is due fifteen seconds after it.
    assert_eq!(
        times,
        [(0, 1, 0), (15, 1, 0), (30, 1, 0), (40, 0, 1), (55, 1, 0)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_first_event_needs_no_comment_before_it() {
    let mut body = stream(options(), |mut page| async move {
        page.send(event("<a>", 1)).await?;
        pending::<Result<(), Error>>().await
    });
    assert_eq!(decode(&next(&mut body).await.unwrap()).events.len(), 1);
    assert!(is_silent(&mut body).await);
}

#[tokio::test]
async fn last_event_id_is_read_and_a_malformed_one_counts_as_none() {
    let ask = async |header: Option<&str>| {
        let header = header.map(|text| HeaderValue::from_bytes(text.as_bytes()).unwrap());
        let (tell, told) = tokio::sync::oneshot::channel();
        let body = stream(
            options().last_event_id(header.as_ref()),
            |page| async move {
                tell.send(page.last_event_id()).expect("someone listens");
                Ok::<_, Error>(())
            },
        );
        rest(body).await;
        told.await.unwrap()
    };
    assert_eq!(ask(None).await, None);
    assert_eq!(ask(Some("ff-7")).await, Some(EventId::new(0xff, 7)));
    for malformed in ["", "7", "x-7", "ff-", "ff-07", "ff-7, ff-8", "é"] {
        assert_eq!(ask(Some(malformed)).await, None, "{malformed:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_the_last_event_and_ends_a_producer_that_goes_on() {
    let body = stream(options(), |mut page| async move {
        page.send(event("<a>", 7)).await?;
        page.redirect("/game/1").await?;
        pending::<Result<(), Error>>().await
    });
    let events = decode(&rest(body).await).events;
    assert_eq!(events.len(), 2);
    assert_eq!(events[1].event, "datastar-patch-signals");
    assert_eq!(
        events[1].argument("signals").unwrap(),
        r#"{"_redirect":"/game/1"}"#
    );
    assert_eq!(events[1].last_event_id, "1-7", "it shows no new state");
}

#[tokio::test]
async fn a_redirect_to_another_site_is_an_error_of_the_producer() {
    let body = stream(options(), |page| async move {
        let refused = page.redirect("//evil").await;
        assert!(
            refused
                .as_ref()
                .is_err_and(|error| error.is_invalid_event())
        );
        refused
    });
    assert!(decode(&rest(body).await).events.is_empty());
}

#[tokio::test]
async fn a_drain_ends_every_stream_at_once_and_spreads_the_return() {
    let drain = CancellationToken::new();
    let window = Duration::from_secs(1)..Duration::from_secs(5);
    let mut returns = Vec::new();
    let bodies: Vec<_> = (0..200)
        .map(|_| {
            stream(
                StreamOptions::new(drain.clone()).return_within(window.clone()),
                |mut page| async move {
                    page.send(event("<a>", 1)).await?;
                    pending::<Result<(), Error>>().await
                },
            )
        })
        .collect();
    drain.cancel();
    for body in bodies {
        let bytes = timeout(Duration::from_secs(1), rest(body))
            .await
            .expect("a drained stream ends");
        let retry = decode(&bytes).retry_ms.expect("a time to come back");
        assert!(window.contains(&Duration::from_millis(retry)), "{retry} ms");
        returns.push(retry);
    }
    // 200 in four buckets of a second each: an even spread leaves none nearly empty.
    let buckets: Vec<usize> = (1..5)
        .map(|second| {
            returns
                .iter()
                .filter(|&&retry| retry / 1000 == second)
                .count()
        })
        .collect();
    assert!(buckets.iter().all(|&clients| clients >= 20), "{buckets:?}");
}

#[tokio::test]
async fn a_drain_reaches_a_stream_that_waits() {
    let drain = CancellationToken::new();
    let mut body = stream(StreamOptions::new(drain.clone()), |_| {
        pending::<Result<(), Error>>()
    });
    assert!(next(&mut body).await.is_some(), "the comment");
    let reader = tokio::spawn(rest(body));
    tokio::task::yield_now().await;
    drain.cancel();
    let bytes = timeout(Duration::from_secs(1), reader)
        .await
        .expect("woken")
        .unwrap();
    assert!(decode(&bytes).retry_ms.is_some());
}

#[tokio::test]
async fn an_ended_session_sends_the_page_home() {
    let ended = CancellationToken::new();
    let body = stream(
        options().ends_with(ended.clone().cancelled_owned()),
        |mut page| async move {
            page.send(event("<a>", 3)).await?;
            pending::<Result<(), Error>>().await
        },
    );
    let mut body = body;
    next(&mut body).await.unwrap();
    ended.cancel();
    let events = decode(&rest(body).await).events;
    assert_eq!(events.len(), 1);
    assert_eq!(
        events[0].argument("signals").unwrap(),
        r#"{"_redirect":"/"}"#
    );
    assert_eq!(events[0].last_event_id, "1-3");
}

#[tokio::test]
async fn a_producer_that_fails_or_panics_ends_its_stream_behind_what_it_sent() {
    for panics in [false, true] {
        let body = stream(options(), move |mut page| async move {
            page.send(event("<a>", 1))
                .await
                .map_err(|error| error.to_string())?;
            assert!(!panics, "a panic on purpose");
            Err::<(), _>("a failure on purpose".to_owned())
        });
        assert_eq!(decode(&rest(body).await).events.len(), 1);
    }
}

/// Counts the producers that live.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn dropping_the_body_drops_the_producer_with_all_it_holds() {
    let count = Arc::default();
    let alive = Alive::new(&count);
    let mut body = stream(options(), |_| async move {
        let _alive = alive;
        pending::<Result<(), Error>>().await
    });
    next(&mut body).await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 1);
    drop(body);
    assert_eq!(count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_ended_producer_is_dropped_before_its_last_bytes_are_read() {
    let count = Arc::default();
    let alive = Alive::new(&count);
    let mut body = stream(options(), |mut page| async move {
        let _alive = alive;
        page.send(event("<a>", 1)).await?;
        page.send(event("<b>", 2)).await
    });
    next(&mut body).await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 0);
    assert_eq!(decode(&rest(body).await).events.len(), 1);
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_its_producer_at_a_bound() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    let one = event(&"x".repeat(1_000), 1);
    let bytes = one.bytes().len();
    let mut body = stream(options().queue_bytes(10_000), |mut page| async move {
        loop {
            page.send(one.clone()).await?;
            counter.fetch_add(1, Ordering::SeqCst);
        }
        #[expect(unreachable_code)]
        Ok::<_, Error>(())
    });
    next(&mut body).await.unwrap();
    let queued = sent.load(Ordering::SeqCst);
    assert_eq!(
        queued,
        10_000_usize.div_ceil(bytes),
        "the bound, and the event that crosses it"
    );
    // Reading on lets the producer go on, round after round, to the same bound.
    for _ in 0..queued * 3 {
        next(&mut body).await.unwrap();
        assert!(sent.load(Ordering::SeqCst) <= queued * 5);
    }
    assert!(sent.load(Ordering::SeqCst) > queued * 2, "it went on");
}

#[tokio::test]
async fn a_page_may_be_fed_by_another_task() {
    let (hand_over, page) = tokio::sync::oneshot::channel::<LivePage>();
    let mut body = stream(options().queue_bytes(1), |page| async move {
        hand_over.send(page).expect("someone waits");
        pending::<Result<(), Error>>().await
    });
    let feeder = tokio::spawn(async move {
        let mut page = page.await.unwrap();
        for revision in 0..100 {
            page.send(event("<a>", revision)).await.unwrap();
        }
        page.redirect("/").await.unwrap();
    });
    assert!(next(&mut body).await.is_some(), "the comment");
    let bytes = timeout(Duration::from_secs(5), rest(body))
        .await
        .expect("no wake-up is lost");
    assert_eq!(decode(&bytes).events.len(), 101);
    feeder.await.unwrap();
}

#[tokio::test]
async fn an_idle_stream_holds_less_than_a_kibibyte() {
    let (_change, state) = tokio::sync::watch::channel(0_u64);
    let drain = CancellationToken::new();
    let mut body = None;
    let cost = allocation_counter::measure(|| {
        let options =
            StreamOptions::new(drain.clone()).ends_with(drain.child_token().cancelled_owned());
        let mut state = state.clone();
        let mut open = stream(options, async move |mut page| {
            loop {
                let revision = *state.borrow_and_update();
                page.send(event("<a>", revision)).await?;
                if state.changed().await.is_err() {
                    return Ok::<_, Error>(());
                }
            }
        });
        // The first event goes out; then nothing happens any more.
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut open).poll_frame(&mut cx).is_ready());
        assert!(Pin::new(&mut open).poll_frame(&mut cx).is_pending());
        body = Some(open);
    });
    assert!(cost.bytes_current < 1_024, "{cost:?}");
    drop(body);
}
