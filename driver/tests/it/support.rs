//! What the tests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;
use std::time::Duration;

use pleach_driver::{
    Bucket, BucketConfig, Driver, Entry, Error, Operation, Revision, Stream, StreamConfig, Watch,
    WatchEvent,
};

/// Counts how often a task would have been woken.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for what must come.
#[track_caller]
pub(crate) fn soon<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(PATIENCE, future).await {
            Ok(output) => output,
            Err(_) => panic!("nothing came within {PATIENCE:?} at {caller}"),
        }
    }
}

/// A name that no other test uses, on any server.
fn name() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("test-{}-{next}", std::process::id())
}

/// The settings of a bucket of this test's own.
pub(crate) fn config() -> BucketConfig {
    BucketConfig::new(name())
}

/// The settings of a stream of this test's own, whose subjects begin with its name.
pub(crate) fn stream_config() -> StreamConfig {
    let name = name();
    let subjects = [format!("{name}.>")];
    StreamConfig::new(name).subjects(subjects)
}

pub(crate) async fn stream(driver: &Driver) -> Stream {
    driver.streams().ensure(stream_config()).await.unwrap()
}

pub(crate) async fn bucket(driver: &Driver) -> Bucket {
    driver.kv().bucket(config()).await.unwrap()
}

/// An entry in a line: `a=1`, `a deleted`, `a purged`.
pub(crate) fn show(entry: &Entry) -> String {
    let key = &entry.key;
    match entry.operation {
        Operation::Put => format!("{key}={}", String::from_utf8_lossy(&entry.value)),
        Operation::Delete => format!("{key} deleted"),
        Operation::Purge => format!("{key} purged"),
        other => panic!("unknown operation {other:?}"),
    }
}

pub(crate) fn show_all(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(show).collect()
}

pub(crate) async fn history(bucket: &Bucket, key: &str) -> Vec<String> {
    show_all(&bucket.history(key).await.unwrap())
}

pub(crate) async fn value(bucket: &Bucket, key: &str) -> Option<String> {
    let entry = bucket.get(key).await.unwrap()?;
    assert_eq!(entry.key, key);
    Some(String::from_utf8(entry.value.to_vec()).unwrap())
}

/// The next event in a line; the caught-up mark is `--`.
#[track_caller]
pub(crate) fn next(watch: &mut Watch) -> impl Future<Output = String> {
    let event = soon(watch.next());
    async move {
        match event.await {
            Some(Ok(WatchEvent::Entry(entry))) => show(&entry),
            Some(Ok(WatchEvent::CaughtUp)) => "--".to_owned(),
            other => panic!("the watch ended: {other:?}"),
        }
    }
}

/// Expects these events next, and in this order.
pub(crate) async fn expect(watch: &mut Watch, events: &[&str]) {
    for event in events {
        assert_eq!(&next(watch).await, event);
    }
}

/// The next change; the caught-up mark is passed over.
pub(crate) async fn next_entry(watch: &mut Watch) -> Result<(String, Revision), Error> {
    loop {
        match soon(watch.next()).await.expect("the watch goes on") {
            Ok(WatchEvent::Entry(entry)) => return Ok((show(&entry), entry.revision)),
            Ok(_) => {}
            Err(error) => return Err(error),
        }
    }
}
