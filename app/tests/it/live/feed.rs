//! The latest state of a bucket, for any number of pages.

mod hostile;

use hostile::Hostile;
use pleach::driver::{Bucket, BucketConfig, Driver, Entry, WriteOptions};
use pleach::live::{EventId, Feed, Item, Snapshot};
use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, atomic::Ordering},
    time::Duration,
};
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A bucket in memory with a feed of its texts.
struct World {
    bucket: Bucket,
    feed: Feed<String>,
    stop: CancellationToken,
    tasks: TaskTracker,
    driver: Driver,
}

fn read(entry: &Entry) -> Result<String, std::string::FromUtf8Error> {
    String::from_utf8(entry.value.to_vec())
}

impl World {
    async fn new() -> Self {
        let driver = Driver::open("memory:").await.unwrap();
        let bucket = driver
            .kv()
            .bucket(BucketConfig::new("texts"))
            .await
            .unwrap();
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (feed, task) = Feed::new(bucket.clone(), stop.clone(), read);
        tasks.spawn(task);
        Self {
            bucket,
            feed,
            stop,
            tasks,
            driver,
        }
    }

    async fn put(&self, key: &str, value: &str) -> u64 {
        self.bucket.put(key, value.to_owned()).await.unwrap().0
    }
}

/// Under a deadline: what is waited for must come.
async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(10), future)
        .await
        .expect("in time")
}

fn texts(state: &Snapshot<String>) -> BTreeMap<&str, &str> {
    state
        .iter()
        .map(|(key, item)| (key, item.value.as_str()))
        .collect()
}

fn text(item: &Option<Item<String>>) -> Option<&str> {
    item.as_ref().map(|item| item.value.as_str())
}

#[tokio::test]
async fn a_follower_is_handed_the_whole_state_and_then_every_newer_one() {
    let world = World::new().await;
    world.put("a", "1").await;
    let revision = world.put("b", "2").await;
    let mut follower = world.feed.follow();
    let state = soon(async {
        loop {
            let state = follower.next().await;
            if state.revision() == revision {
                return state;
            }
        }
    })
    .await;
    assert_eq!(texts(&state), BTreeMap::from([("a", "1"), ("b", "2")]));
    assert_eq!(
        state.id(),
        EventId::new(EventId::epoch_of(world.bucket.epoch()), revision)
    );

    let revision = world.put("a", "3").await;
    let state = soon(follower.next()).await;
    assert_eq!(texts(&state), BTreeMap::from([("a", "3"), ("b", "2")]));
    assert_eq!(
        (state.revision(), state.get("a").unwrap().revision),
        (revision, revision)
    );
    assert_eq!(state.id_of(state.get("b").unwrap()).revision, revision - 1);

    let late = soon(world.feed.follow().next()).await;
    assert!(Arc::ptr_eq(&late, &state), "all pages share one state");
}

#[tokio::test]
async fn an_empty_bucket_is_a_state_too() {
    let world = World::new().await;
    assert!(soon(world.feed.follow().next()).await.is_empty());
    assert!(world.feed.latest().is_some());
    assert_eq!(
        soon(world.feed.follow_key("a").next())
            .await
            .map(|item| item.revision),
        None
    );
}

#[tokio::test]
async fn what_is_deleted_or_expires_leaves_the_state_and_has_a_revision() {
    let world = World::new().await;
    world.put("a", "1").await;
    world.put("c", "1").await;
    let brief = WriteOptions::new().ttl(Duration::from_millis(50));
    world.bucket.put_with("b", "2", brief).await.unwrap();
    let deleted = world.bucket.delete("a").await.unwrap().0;
    let mut follower = world.feed.follow();
    let state = soon(async {
        loop {
            let state = follower.next().await;
            if state.len() == 1 && state.revision() > deleted {
                return state;
            }
        }
    })
    .await;
    assert_eq!(texts(&state), BTreeMap::from([("c", "1")]));
}

#[tokio::test]
async fn a_newest_change_that_was_a_delete_still_counts_for_the_id() {
    let world = World::new().await;
    soon(world.feed.ready()).await;
    world.put("a", "1").await;
    let deleted = world.bucket.delete("a").await.unwrap().0;
    let (feed, task) = Feed::new(world.bucket.clone(), world.stop.clone(), read);
    world.tasks.spawn(task);
    assert_eq!(soon(feed.ready()).await.revision(), deleted);
}

#[tokio::test]
async fn a_follower_that_does_not_look_skips_what_happened_in_between() {
    let world = World::new().await;
    let mut follower = world.feed.follow();
    soon(follower.next()).await;
    let mut witness = world.feed.follow();
    let mut last = 0;
    for n in 0..3_000 {
        last = world.put("a", &n.to_string()).await;
    }
    soon(async { while witness.next().await.revision() < last {} }).await;
    let state = soon(follower.next()).await;
    assert_eq!(
        (state.revision(), texts(&state)),
        (last, BTreeMap::from([("a", "2999")])),
        "the newest at once"
    );
}

#[tokio::test]
async fn a_key_is_followed_from_what_stands_there_to_its_end() {
    let world = World::new().await;
    let first = world.put("a", "1").await;
    soon(async { while world.feed.follow().next().await.revision() < first {} }).await;
    let mut follower = world.feed.follow_key("a");
    assert_eq!(text(&soon(follower.next()).await), Some("1"));
    world.put("a", "2").await;
    assert_eq!(text(&soon(follower.next()).await), Some("2"));
    world.bucket.delete("a").await.unwrap();
    assert_eq!(text(&soon(follower.next()).await), None);
}

#[tokio::test]
async fn a_key_is_not_woken_by_others() {
    let world = World::new().await;
    let mut follower = world.feed.follow_key("a");
    assert_eq!(text(&soon(follower.next()).await), None);
    let other = world.put("b", "1").await;
    let mut all = world.feed.follow();
    soon(async { while all.next().await.revision() < other {} }).await;
    assert!(timeout(Duration::ZERO, follower.next()).await.is_err());
}

#[tokio::test]
async fn followers_of_a_key_never_miss_a_change_however_they_come_and_go() {
    let world = World::new().await;
    soon(world.feed.ready()).await;
    for round in 0..200 {
        let key = format!("k{round}");
        // The follower begins while the change is on its way.
        let (feed, name) = (world.feed.clone(), key.clone());
        let seen = tokio::spawn(async move {
            let mut follower = feed.follow_key(&name);
            while follower.next().await.is_none() {}
        });
        tokio::task::yield_now().await;
        world.put(&key, "x").await;
        soon(seen).await.unwrap();
    }
}

#[tokio::test]
async fn a_value_that_cannot_be_read_is_as_if_it_were_not_there() {
    let world = World::new().await;
    world.put("a", "1").await;
    let revision = world.bucket.put("a", &b"\xff"[..]).await.unwrap().0;
    let mut follower = world.feed.follow();
    let state = soon(async {
        loop {
            let state = follower.next().await;
            if state.revision() == revision {
                return state;
            }
        }
    })
    .await;
    assert!(state.is_empty());
    world.put("a", "2").await;
    let state = soon(follower.next()).await;
    assert_eq!(texts(&state), BTreeMap::from([("a", "2")]));
}

#[tokio::test]
async fn the_task_ends_with_its_token_and_with_the_driver() {
    let world = World::new().await;
    soon(world.feed.ready()).await;
    world.stop.cancel();
    world.tasks.close();
    soon(world.tasks.wait()).await;

    let world = World::new().await;
    soon(world.feed.ready()).await;
    world.driver.close().await.unwrap();
    world.tasks.close();
    soon(world.tasks.wait()).await;
    assert!(world.feed.latest().is_some(), "the last state stays");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_at_the_start_is_asked_again_and_again() {
    let store = Arc::new(Hostile::default());
    store.change("a", Some("1"));
    store.failures.store(7, Ordering::SeqCst);
    let (feed, task) = Feed::new(store.bucket().await, CancellationToken::new(), read);
    let task = tokio::spawn(task);
    assert!(feed.latest().is_none());
    let state = timeout(Duration::from_secs(30), feed.ready())
        .await
        .expect("within the backoff's sum");
    assert_eq!(texts(&state), BTreeMap::from([("a", "1")]));
    assert!(store.snapshots.load(Ordering::SeqCst) >= 8);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_gap_that_the_store_cannot_close_is_read_anew_and_the_state_is_never_partial() {
    let store = Arc::new(Hostile::default());
    store.change("a", Some("1"));
    store.change("b", Some("1"));
    let (feed, task) = Feed::new(store.bucket().await, CancellationToken::new(), read);
    let task = tokio::spawn(task);
    let (mut follower, mut a, mut b) = (feed.follow(), feed.follow_key("a"), feed.follow_key("b"));
    assert_eq!(follower.next().await.len(), 2);
    assert_eq!(
        (text(&a.next().await), text(&b.next().await)),
        (Some("1"), Some("1"))
    );

    // What happens in the gap is told to nobody, and the first attempts to read anew fail.
    store.change_in_silence("a", None);
    store.change_in_silence("b", Some("2"));
    store.change_in_silence("c", Some("2"));
    store.failures.store(3, Ordering::SeqCst);
    store.forget();
    let state = follower.next().await;
    assert_eq!(
        texts(&state),
        BTreeMap::from([("b", "2"), ("c", "2")]),
        "in one step"
    );
    assert_eq!((state.revision(), state.id().epoch), (5, 0xbeef));
    assert_eq!(text(&a.next().await), None, "a key's followers see it too");
    assert_eq!(text(&b.next().await), Some("2"));

    store.change("a", Some("3"));
    assert_eq!(follower.next().await.len(), 3, "and it goes on");
    task.abort();
}

/// A reader that stands still until it is let go.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    fn set(&self, open: bool) {
        *self.open.lock().unwrap() = open;
        self.changed.notify_all();
    }

    fn pass(&self) {
        drop(
            self.changed
                .wait_while(self.open.lock().unwrap(), |open| !*open)
                .unwrap(),
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_lags_behind_its_bucket_resumes_without_a_gap() {
    let driver = Driver::open("memory:").await.unwrap();
    let bucket = driver
        .kv()
        .bucket(BucketConfig::new("texts"))
        .await
        .unwrap();
    let gate = Arc::new(Gate::default());
    gate.set(true);
    let passes = gate.clone();
    let (feed, task) = Feed::new(bucket.clone(), CancellationToken::new(), move |entry| {
        passes.pass();
        read(entry)
    });
    let task = tokio::spawn(task);
    soon(feed.ready()).await;
    gate.set(false);
    // More than a watch holds for one that does not read: it is cut off in the middle.
    let mut last = 0;
    for n in 0..2_500 {
        last = bucket.put(&format!("k{n}"), "x").await.unwrap().0;
    }
    gate.set(true);
    let mut follower = feed.follow();
    let state = soon(async {
        loop {
            let state = follower.next().await;
            if state.revision() == last {
                return state;
            }
        }
    })
    .await;
    assert_eq!(state.len(), 2_500);
    task.abort();
}
