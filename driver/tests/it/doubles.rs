//! Backends that misbehave, beneath the layer that all backends share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use pleach_driver::backend::{
    BoxFuture, BucketBackend, Change, KvBackend, Since, Snapshot, Upstream, Write,
};
use pleach_driver::{
    Bucket, BucketConfig, Driver, Entry, Error, Filter, Kv, Operation, Revision, WatchFrom,
};
use tokio::sync::watch;

use crate::support::{expect, next_entry, soon};

/// A store in memory whose upstream breaks off after a few changes. A clone is the same store.
#[derive(Clone)]
struct Flaky {
    changes: Arc<Mutex<Vec<Arc<Entry>>>>,
    head: watch::Sender<u64>,
    /// Changes from before this one cannot be followed.
    floor: Arc<AtomicUsize>,
    follows: Arc<AtomicUsize>,
    /// How many changes an upstream yields before it breaks off.
    patience: usize,
}

impl Flaky {
    fn new(patience: usize) -> Self {
        Self {
            changes: Arc::default(),
            head: watch::Sender::new(0),
            floor: Arc::default(),
            follows: Arc::default(),
            patience,
        }
    }

    async fn bucket(&self) -> Bucket {
        let kv = Kv::new(self.clone(), Duration::from_secs(5));
        kv.bucket(BucketConfig::new("flaky")).await.unwrap()
    }

    fn add(&self, key: &str, change: Change) -> Revision {
        let mut changes = self.changes.lock().unwrap();
        let revision = Revision(changes.len() as u64 + 1);
        let (value, operation) = match change {
            Change::Put { value, .. } => (value, Operation::Put),
            Change::Delete => (Default::default(), Operation::Delete),
            Change::Purge => (Default::default(), Operation::Purge),
        };
        let entry = Entry::new(
            key.to_owned(),
            value,
            revision,
            SystemTime::now(),
            operation,
        );
        changes.push(Arc::new(entry));
        self.head.send_replace(revision.0);
        revision
    }

    fn after(&self, after: Revision) -> Vec<Arc<Entry>> {
        let changes = self.changes.lock().unwrap();
        changes
            .iter()
            .filter(|change| change.revision > after)
            .cloned()
            .collect()
    }
}

impl KvBackend for Flaky {
    fn open(&self, _: BucketConfig) -> BoxFuture<'_, Result<Arc<dyn BucketBackend>, Error>> {
        Box::pin(async { Ok(Arc::new(self.clone()) as Arc<dyn BucketBackend>) })
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        Box::pin(async { Ok(vec!["flaky".to_owned()]) })
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}

impl BucketBackend for Flaky {
    fn epoch(&self) -> &str {
        "only"
    }

    fn write<'a>(&'a self, key: &'a str, write: Write) -> BoxFuture<'a, Result<Revision, Error>> {
        Box::pin(async move { Ok(self.add(key, write.change)) })
    }

    fn entry<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        Box::pin(async move {
            let changes = self.after(Revision::NONE);
            Ok(changes
                .iter()
                .rfind(|change| change.key == key)
                .map(|change| (**change).clone()))
        })
    }

    fn history<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        Box::pin(std::future::pending())
    }

    fn keys<'a>(&'a self, _: &'a Filter) -> BoxFuture<'a, Result<Vec<String>, Error>> {
        Box::pin(async { Err(Error::unavailable("keys are away today")) })
    }

    fn snapshot<'a>(
        &'a self,
        filter: &'a Filter,
        since: Since,
    ) -> BoxFuture<'a, Result<Snapshot, Error>> {
        Box::pin(async move {
            let after = match since {
                Since::After(after) => after,
                Since::Latest => Revision::NONE,
            };
            let changes = self.after(after);
            let revision = changes.last().map_or(after, |change| change.revision);
            let matching = changes.iter().filter(|change| filter.matches(&change.key));
            Ok(Snapshot {
                entries: matching.map(|change| (**change).clone()).collect(),
                revision,
            })
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Revision, Error>> {
        Box::pin(async { Ok(Revision(*self.head.borrow())) })
    }

    fn follow(&self, after: Revision) -> BoxFuture<'_, Result<Box<dyn Upstream<Entry>>, Error>> {
        Box::pin(async move {
            self.follows.fetch_add(1, Ordering::SeqCst);
            if after.0 < self.floor.load(Ordering::SeqCst) as u64 {
                return Err(Error::too_old("what came before is gone"));
            }
            let upstream = FlakyUpstream {
                store: self.clone(),
                after,
                left: self.patience,
                head: self.head.subscribe(),
            };
            Ok(Box::new(upstream) as Box<dyn Upstream<Entry>>)
        })
    }
}

struct FlakyUpstream {
    store: Flaky,
    after: Revision,
    left: usize,
    head: watch::Receiver<u64>,
}

impl Upstream<Entry> for FlakyUpstream {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Arc<Entry>>, Error>> {
        Box::pin(async move {
            if self.left == 0 {
                return Err(Error::unavailable("the upstream broke off"));
            }
            self.head
                .wait_for(|head| *head > self.after.0)
                .await
                .unwrap();
            let mut changes = self.store.after(self.after);
            changes.truncate(self.left);
            self.left -= changes.len();
            self.after = changes.last().unwrap().revision;
            Ok(changes)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn watchers_do_not_notice_that_the_upstream_broke_off() {
    let store = Flaky::new(3);
    let bucket = store.bucket().await;
    let mut all = bucket.watch(">", WatchFrom::Current).await.unwrap();
    let mut one = bucket.watch("k.7", WatchFrom::Current).await.unwrap();
    for number in 0..50 {
        bucket
            .put(&format!("k.{}", number % 10), number.to_string())
            .await
            .unwrap();
    }
    expect(&mut all, &["--"]).await;
    for number in 0..50 {
        expect(&mut all, &[&format!("k.{}={number}", number % 10)]).await;
    }
    expect(
        &mut one,
        &["--", "k.7=7", "k.7=17", "k.7=27", "k.7=37", "k.7=47"],
    )
    .await;
    assert!(
        store.follows.load(Ordering::SeqCst) > 10,
        "the upstream broke off often"
    );
}

#[tokio::test]
async fn a_hundred_watchers_make_one_upstream() {
    let store = Flaky::new(usize::MAX);
    let bucket = store.bucket().await;
    let mut watches = Vec::new();
    for number in 0..100 {
        let filter = ["a", ">", "*", "b"][number % 4];
        watches.push(bucket.watch(filter, WatchFrom::Current).await.unwrap());
    }
    bucket.put("a", "1").await.unwrap();
    for watch in watches
        .iter_mut()
        .filter(|watch| !format!("{watch:?}").contains("\"b\""))
    {
        expect(watch, &["--", "a=1"]).await;
    }
    assert_eq!(store.follows.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_gap_in_the_upstream_ends_the_watchers_who_can_start_whole() {
    let store = Flaky::new(1);
    let bucket = store.bucket().await;
    let mut watch = bucket.watch(">", WatchFrom::New).await.unwrap();
    // The next upstream is refused: what it would go on from is gone.
    store.floor.store(2, Ordering::SeqCst);
    bucket.put("a", "1").await.unwrap();
    expect(&mut watch, &["a=1"]).await;
    bucket.put("b", "1").await.unwrap();
    let error = next_entry(&mut watch).await.unwrap_err();
    assert!(error.is_too_old(), "{error}");
    assert!(soon(watch.next()).await.is_none());
    let mut watch = bucket.watch(">", WatchFrom::Current).await.unwrap();
    expect(&mut watch, &["a=1", "b=1", "--"]).await;
    bucket.put("c", "1").await.unwrap();
    expect(&mut watch, &["c=1"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_times_out() {
    let bucket = Flaky::new(1).bucket().await;
    let error = bucket.history("a").await.unwrap_err();
    assert!(error.is_timeout() && error.is_retryable(), "{error}");
    assert_eq!(error.to_string(), "reading a history took longer than 5s");
}

#[tokio::test]
async fn an_error_of_the_backend_comes_through() {
    let bucket = Flaky::new(1).bucket().await;
    let error = bucket.keys(">").await.unwrap_err();
    assert!(error.is_unavailable() && error.is_retryable(), "{error}");
    assert_eq!(error.to_string(), "keys are away today");
}

#[tokio::test]
async fn one_part_of_a_driver_can_be_replaced() {
    let driver = Driver::open("memory:").await.unwrap();
    let replaced = driver.with_kv(Kv::new(Flaky::new(1), Duration::from_secs(5)));
    assert_eq!(replaced.kv().buckets().await.unwrap(), ["flaky"]);
    assert!(driver.kv().buckets().await.unwrap().is_empty());
    let mut heard = driver.pubsub().subscribe("a").await.unwrap();
    replaced.pubsub().publish("a", "1").await.unwrap();
    assert_eq!(soon(heard.next()).await.unwrap().unwrap().payload, "1");
}
