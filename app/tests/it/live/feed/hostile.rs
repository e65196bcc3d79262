//! A store that fails when it is told to.

use pleach::driver::backend::{
    BoxFuture, BucketBackend, KvBackend, Since, Snapshot, Upstream, Write,
};
use pleach::driver::{Bucket, BucketConfig, Entry, Error, Filter, Kv, Operation, Revision};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};
use tokio::sync::watch;

/// The one bucket of a store, of which a test decides what it does.
#[derive(Default)]
pub(super) struct Hostile {
    /// Every change, in order: key, value, revision. `None` is a delete.
    changes: Mutex<Vec<(String, Option<String>)>>,
    /// How many changes have been told of; moves to wake the upstream.
    told: watch::Sender<usize>,
    /// How many of the next snapshots fail.
    pub(super) failures: AtomicUsize,
    /// How many snapshots were asked for.
    pub(super) snapshots: AtomicUsize,
    /// Changes before this one are forgotten: who resumes from before it is told that it is too old.
    forgotten: AtomicUsize,
}

impl Hostile {
    pub(super) async fn bucket(self: &Arc<Self>) -> Bucket {
        let kv = Kv::new(Store(self.clone()), Duration::from_secs(60));
        kv.bucket(BucketConfig::new("hostile")).await.unwrap()
    }

    /// Makes a change and tells of it.
    pub(super) fn change(&self, key: &str, value: Option<&str>) {
        self.change_in_silence(key, value);
        self.told.send_replace(self.changes.lock().unwrap().len());
    }

    /// Makes a change of which no watch is told.
    pub(super) fn change_in_silence(&self, key: &str, value: Option<&str>) {
        self.changes
            .lock()
            .unwrap()
            .push((key.to_owned(), value.map(str::to_owned)));
    }

    /// Forgets all changes and ends the watches that have not heard of them.
    pub(super) fn forget(&self) {
        let changes = self.changes.lock().unwrap().len();
        self.forgotten.store(changes, Ordering::SeqCst);
        self.told.send_replace(changes);
    }

    fn entries(&self, after: usize) -> Vec<Entry> {
        let changes = self.changes.lock().unwrap();
        let entry = |(index, (key, value)): (usize, &(String, Option<String>))| {
            let operation = if value.is_some() {
                Operation::Put
            } else {
                Operation::Delete
            };
            let value = value.clone().unwrap_or_default().into();
            Entry::new(
                key.clone(),
                value,
                Revision(index as u64 + 1),
                SystemTime::now(),
                operation,
            )
        };
        changes.iter().enumerate().skip(after).map(entry).collect()
    }
}

struct Store(Arc<Hostile>);

impl KvBackend for Store {
    fn open(&self, _: BucketConfig) -> BoxFuture<'_, Result<Arc<dyn BucketBackend>, Error>> {
        let bucket: Arc<dyn BucketBackend> = Arc::new(OneBucket(self.0.clone()));
        Box::pin(async { Ok(bucket) })
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        Box::pin(async { Ok(vec!["hostile".to_owned()]) })
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}

struct OneBucket(Arc<Hostile>);

impl BucketBackend for OneBucket {
    fn epoch(&self) -> &str {
        "000000000000beef"
    }

    fn write<'a>(&'a self, _: &'a str, _: Write) -> BoxFuture<'a, Result<Revision, Error>> {
        Box::pin(async { Err(Error::unsupported("the test writes by itself")) })
    }

    fn entry<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        Box::pin(async { Ok(None) })
    }

    fn history<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn keys<'a>(&'a self, _: &'a Filter) -> BoxFuture<'a, Result<Vec<String>, Error>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn snapshot<'a>(
        &'a self,
        _: &'a Filter,
        since: Since,
    ) -> BoxFuture<'a, Result<Snapshot, Error>> {
        let store = &self.0;
        store.snapshots.fetch_add(1, Ordering::SeqCst);
        let fails = store
            .failures
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            })
            .is_ok();
        Box::pin(async move {
            if fails {
                return Err(Error::unavailable("on purpose"));
            }
            let mut entries = store.entries(0);
            let revision = Revision(entries.len() as u64);
            match since {
                Since::After(after)
                    if (after.0 as usize) < store.forgotten.load(Ordering::SeqCst) =>
                {
                    return Err(Error::too_old("on purpose"));
                }
                Since::After(after) => entries.retain(|entry| entry.revision > after),
                Since::Latest => {
                    let last = entries.clone();
                    entries.retain(|entry| {
                        entry.is_live()
                            && !last.iter().any(|other| {
                                other.key == entry.key && other.revision > entry.revision
                            })
                    });
                }
            }
            Ok(Snapshot { entries, revision })
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Revision, Error>> {
        let revision = Revision(self.0.changes.lock().unwrap().len() as u64);
        Box::pin(async move { Ok(revision) })
    }

    fn follow(&self, after: Revision) -> BoxFuture<'_, Result<Box<dyn Upstream<Entry>>, Error>> {
        let upstream = Changes {
            store: self.0.clone(),
            told: self.0.told.subscribe(),
            after: after.0 as usize,
        };
        Box::pin(async move { Ok(Box::new(upstream) as Box<dyn Upstream<Entry>>) })
    }
}

struct Changes {
    store: Arc<Hostile>,
    told: watch::Receiver<usize>,
    after: usize,
}

impl Upstream<Entry> for Changes {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Arc<Entry>>, Error>> {
        Box::pin(async move {
            let after = self.after;
            let told = *self
                .told
                .wait_for(|told| *told > after)
                .await
                .expect("the store holds the sender");
            if after < self.store.forgotten.load(Ordering::SeqCst) {
                return Err(Error::too_old("on purpose"));
            }
            self.after = told;
            Ok(self
                .store
                .entries(after)
                .into_iter()
                .map(Arc::new)
                .collect())
        })
    }
}
