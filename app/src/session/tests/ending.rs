//! Sessions end once, for everybody, and at once.

use super::*;

#[tokio::test]
async fn a_request_in_flight_does_not_bring_a_destroyed_session_back() {
    let driver = memory().await;
    let mut browser = Browser::new(&instance(&driver).await);
    browser.log_in("u1").await;
    let in_flight = browser.request();
    assert_eq!(
        in_flight.user_id().await.expect("user").as_deref(),
        Some("u1")
    );

    let leaving = browser.request();
    leaving.destroy().await.expect("destroy");
    let cookie = browser
        .receive(&leaving)
        .await
        .expect("the cookie is cleared");
    assert!(
        cookie.starts_with("session=;") && cookie.ends_with("; Max-Age=0"),
        "{cookie}"
    );

    in_flight.set("a", "a").await.expect("set");
    assert_eq!(browser.receive(&in_flight).await, None);
    in_flight
        .set("b", "after the answer began")
        .await
        .expect("set");
    assert!(stolen(&driver).await.is_empty());
}

#[tokio::test]
async fn what_is_set_after_destroying_begins_another_session() {
    let mut browser = Browser::new(&instance(&memory().await).await);
    browser.log_in("u1").await;
    browser.set("private", "x").await;
    let old = browser.clone();
    let session = browser.request();
    session.destroy().await.expect("destroy");
    session.flash("Good-bye.").await.expect("flash");
    browser.receive(&session).await.expect("a fresh cookie");

    assert!(!old.exists().await);
    assert_eq!(browser.user().await, None);
    let session = browser.request();
    assert!(session.keys().await.expect("keys").is_empty());
    assert_eq!(session.flashes().await.expect("flashes"), ["Good-bye."]);
}

#[tokio::test]
async fn a_session_ends_when_it_rests_too_long() {
    let driver = memory().await;
    let options = SessionOptions::new().idle(SECOND / 2);
    let mut browser = Browser::new(&instance_with(&driver, options).await);
    browser.log_in("u1").await;
    let stream = browser.request();
    assert!(stream.exists().await.expect("exists"));
    soon(stream.ended()).await;
    assert!(!browser.exists().await);
    assert_eq!(browser.user().await, None);
    // A request that was under way all the time does not bring it back either.
    stream.set("a", "a").await.expect("set");
    assert_eq!(browser.receive(&stream).await, None);
    assert!(!browser.exists().await);
}

#[tokio::test]
async fn a_session_that_is_used_outlives_its_idle_time() {
    let idle = SECOND;
    let mut browser =
        Browser::new(&instance_with(&memory().await, SessionOptions::new().idle(idle)).await);
    browser.log_in("u1").await;
    let began = std::time::Instant::now();
    let mut pause = tokio::time::interval(idle / 20);
    while began.elapsed() < idle * 2 {
        pause.tick().await;
        let session = browser.request();
        assert_eq!(
            session.user_id().await.expect("user").as_deref(),
            Some("u1"),
            "after {:?}",
            began.elapsed()
        );
        assert_eq!(browser.receive(&session).await, None);
    }
}

#[tokio::test]
async fn reading_notes_the_use_at_most_every_tenth_of_the_idle_time() {
    let driver = memory().await;
    let idle = Duration::from_secs(2);
    let mut browser = Browser::new(&instance_with(&driver, SessionOptions::new().idle(idle)).await);
    browser.set("a", "a").await;
    let first = stolen(&driver).await.remove(0);
    let touched = async {
        loop {
            let session = browser.request();
            session.get::<String>("a").await.expect("get");
            browser.receive(&session).await;
            let entry = stolen(&driver).await.remove(0);
            if entry.revision != first.revision {
                return entry;
            }
            tokio::task::yield_now().await;
        }
    };
    let touched = soon(touched).await;
    let between = touched
        .created
        .duration_since(first.created)
        .expect("time goes on");
    assert!(
        between >= idle / 10 - Duration::from_millis(20),
        "{between:?}"
    );
}

#[tokio::test]
async fn a_session_ends_at_its_absolute_age_however_much_it_is_used() {
    let options = SessionOptions::new().absolute(Duration::from_millis(500));
    let mut browser = Browser::new(&instance_with(&memory().await, options).await);
    browser.log_in("u1").await;
    let mut ended = Box::pin(browser.request().ended());
    assert!(is_pending(&mut ended).await);
    let used_all_the_time = async {
        let mut uses = 0;
        while browser.user().await.is_some() {
            uses += 1;
            browser.set("uses", &uses.to_string()).await;
        }
        uses
    };
    assert!(soon(used_all_the_time).await > 1);
    soon(ended).await;
}

#[tokio::test]
async fn streams_end_on_every_instance_within_a_second() {
    let driver = memory().await;
    let (here, there) = (instance(&driver).await, instance(&driver).await);
    let mut browser = Browser::new(&here);
    browser.log_in("u1").await;
    let elsewhere = Browser {
        sessions: there.clone(),
        ..browser.clone()
    };

    let mut streams: Vec<_> = (0..20)
        .map(|_| Box::pin(elsewhere.request().ended()))
        .collect();
    for stream in &mut streams {
        assert!(is_pending(stream).await);
    }
    browser.set("a", "a change is no end").await;
    browser.request().destroy().await.expect("destroy");
    let all = futures_util::future::join_all(streams);
    tokio::time::timeout(SECOND, all)
        .await
        .expect("within a second");
    assert!(!elsewhere.exists().await);
}

#[tokio::test]
async fn an_end_that_came_before_anybody_listened_is_heard() {
    let mut browser = Browser::new(&instance(&memory().await).await);
    browser.log_in("u1").await;
    let stream = browser.request();
    assert!(stream.exists().await.expect("exists"));
    browser.request().destroy().await.expect("destroy");
    soon(stream.ended()).await;
}

#[tokio::test]
async fn without_a_session_there_is_no_end() {
    let sessions = instance(&memory().await).await;
    let mut ended = Box::pin(Browser::new(&sessions).request().ended());
    assert!(is_pending(&mut ended).await);
    let mut other = Browser::new(&sessions);
    other.log_in("u1").await;
    other.request().destroy().await.expect("destroy");
    assert!(is_pending(&mut ended).await);
}

#[test]
fn waiting_for_the_end_costs_less_than_a_kilobyte() {
    const STREAMS: usize = 1000;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let driver = runtime.block_on(memory());
    let mut browsers = vec![Browser::new(&runtime.block_on(instance(&driver))); STREAMS];
    for browser in &mut browsers {
        runtime.block_on(browser.log_in("u1"));
    }
    let mut streams = Vec::with_capacity(STREAMS);
    let mut wait = |browser: &Browser| {
        let mut ended = Box::pin(browser.request().ended());
        let watchers = driver.kv().watchers();
        runtime.block_on(async {
            while driver.kv().watchers() == watchers {
                assert!(is_pending(&mut ended).await);
                tokio::task::yield_now().await;
            }
        });
        streams.push(ended);
    };
    let counted = allocation_counter::measure(|| browsers.iter().for_each(&mut wait));
    let each = counted.bytes_current / STREAMS as i64;
    assert!(each < 1024, "{each} bytes each");
}
