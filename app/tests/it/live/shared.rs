//! One rendering per distinct view.

use http_body_util::BodyExt;
use pleach::live::{Encoded, Error, EventId, PatchElements, Shared, StreamOptions, stream};
use std::sync::{
    Arc, Barrier,
    atomic::{AtomicUsize, Ordering},
};
use tokio_util::sync::CancellationToken;

fn render(text: &str) -> Result<Encoded, Error> {
    PatchElements::new(text).id(EventId::new(1, 1)).encode()
}

#[test]
fn a_view_is_rendered_once_per_version() {
    let shared = Shared::new(8);
    for version in [1, 1, 2, 2, 2] {
        shared.get("lobby", version, || render("<a>")).unwrap();
    }
    assert_eq!(shared.renders(), 2);
}

#[test]
fn all_who_ask_get_the_same_bytes() {
    let shared = Shared::new(8);
    let first = shared.get("lobby", 1, || render("<a>")).unwrap();
    let second = shared.get("lobby", 1, || render("<never>")).unwrap();
    assert!(
        std::ptr::eq(first.bytes().as_ptr(), second.bytes().as_ptr()),
        "one allocation"
    );
}

#[test]
fn callers_at_the_same_time_wait_for_one_rendering() {
    let shared = Shared::new(8);
    let (barrier, calls) = (Barrier::new(16), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                barrier.wait();
                shared.get("lobby", 1, || {
                    calls.fetch_add(1, Ordering::SeqCst);
                    // The others arrive while this one is at work.
                    std::thread::yield_now();
                    render("<a>")
                })
            });
        }
    });
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn an_older_version_never_replaces_a_newer_one() {
    let shared = Shared::new(8);
    shared.get("lobby", 2, || render("<new>")).unwrap();
    let late = shared.get("lobby", 1, || render("<old>")).unwrap();
    assert!(
        late.bytes().ends_with(b"<old>\n\n"),
        "a late caller gets what it asked for"
    );
    let kept = shared.get("lobby", 2, || render("<never>")).unwrap();
    assert!(kept.bytes().ends_with(b"<new>\n\n"));
}

#[test]
fn a_failed_or_panicked_rendering_is_tried_again() {
    let shared = Shared::new(8);
    assert_eq!(
        shared.get("lobby", 1, || Err::<Encoded, _>("no template")),
        Err("no template")
    );
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        shared.get::<Error>("lobby", 1, || panic!("on purpose"))
    }));
    assert!(panicked.is_err());
    assert!(shared.get("lobby", 1, || render("<a>")).is_ok());
}

#[test]
fn memory_is_bounded_and_views_that_nobody_asks_for_go_first() {
    let shared = Shared::new(100);
    for viewer in 0..50 {
        shared.get(viewer, 1, || render("gone")).unwrap();
    }
    for version in 2..=10 {
        for viewer in 50..100 {
            shared.get(viewer, version, || render("here")).unwrap();
        }
    }
    let before = shared.renders();
    shared.get(100, 10, || render("new")).unwrap();
    for viewer in 50..100 {
        shared.get(viewer, 10, || render("here")).unwrap();
    }
    assert_eq!(
        shared.renders() - before,
        1,
        "who is here kept its rendering"
    );
    shared.get(0, 1, || render("back")).unwrap();
    assert_eq!(shared.renders() - before, 2, "who had gone was forgotten");
}

#[tokio::test]
async fn one_change_reaches_two_thousand_pages_with_one_rendering_per_distinct_view() {
    let shared = Arc::new(Shared::new(64));
    let (change, state) = tokio::sync::watch::channel(1u64);
    let mut bodies: Vec<_> =
        (0..2_000)
            .map(|viewer| {
                let (shared, mut state) = (shared.clone(), state.clone());
                stream(
                    StreamOptions::new(CancellationToken::new()),
                    move |mut page| async move {
                        loop {
                            let version = *state.borrow_and_update();
                            // Three kinds of viewers see three kinds of lobby.
                            let view = viewer % 3;
                            page.send(shared.get(view, version, || {
                                render(&format!("<p>{view} at {version}"))
                            })?)
                            .await?;
                            if state.changed().await.is_err() {
                                return Ok::<_, Error>(());
                            }
                        }
                    },
                )
            })
            .collect();
    for version in 1..=3 {
        change.send_replace(version);
        for (viewer, body) in bodies.iter_mut().enumerate() {
            let bytes = body.frame().await.unwrap().unwrap().into_data().unwrap();
            let expected = format!("<p>{} at {version}\n\n", viewer % 3);
            assert!(bytes.ends_with(expected.as_bytes()), "{bytes:?}");
        }
        assert_eq!(shared.renders(), version * 3);
    }
}
