//! A store that goes away and comes back.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::SystemTime;

use pleach_driver::backend::{
    BoxFuture, BucketBackend, Change, Guard, KvBackend, Since, Snapshot, Upstream, Write,
};
use pleach_driver::{Error, Filter, Kv, Operation, Revision};

use super::*;

/// A store in memory that forgets no value by itself, tells of no change, and is away whenever a test says so.
#[derive(Clone, Default)]
struct Fragile(Arc<Shared>);

#[derive(Default)]
struct Shared {
    is_away: AtomicBool,
    is_read_only: AtomicBool,
    entries: Mutex<BTreeMap<String, Entry>>,
}

/// One bucket of it; keys are told apart by the bucket's name.
struct Part {
    name: String,
    store: Fragile,
}

impl Fragile {
    async fn driver(&self) -> Driver {
        let kv = Kv::new(self.clone(), SECOND);
        Driver::builder("memory:")
            .kv(kv)
            .open()
            .await
            .expect("a driver")
    }

    fn check(&self, switch: &AtomicBool) -> Result<MutexGuard<'_, BTreeMap<String, Entry>>, Error> {
        if switch.load(Ordering::Relaxed) {
            Err(Error::unavailable("away"))
        } else {
            Ok(self.0.entries.lock().expect("no panic"))
        }
    }

    fn read(&self) -> Result<MutexGuard<'_, BTreeMap<String, Entry>>, Error> {
        self.check(&self.0.is_away)
    }

    fn set_away(&self, is_away: bool) {
        self.0.is_away.store(is_away, Ordering::Relaxed);
    }
}

impl KvBackend for Fragile {
    fn open(&self, config: BucketConfig) -> BoxFuture<'_, Result<Arc<dyn BucketBackend>, Error>> {
        let part: Arc<dyn BucketBackend> = Arc::new(Part {
            name: config.name().to_owned(),
            store: self.clone(),
        });
        Box::pin(async { self.read().map(|_| part) })
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            drop(self.read()?);
            Ok(())
        })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}

impl BucketBackend for Part {
    fn epoch(&self) -> &str {
        "one"
    }

    fn write<'a>(&'a self, key: &'a str, write: Write) -> BoxFuture<'a, Result<Revision, Error>> {
        Box::pin(async move {
            drop(self.store.check(&self.store.0.is_read_only)?);
            let mut entries = self.store.read()?;
            let path = format!("{} {key}", self.name);
            let present = entries
                .get(&path)
                .map_or(Revision::NONE, |entry| entry.revision);
            match write.guard {
                Guard::At(expected) if expected != present => {
                    return Err(Error::conflict(key, expected, present));
                }
                Guard::Absent if entries.get(&path).is_some_and(Entry::is_live) => {
                    return Err(Error::exists(key, present));
                }
                _ => {}
            }
            let revision = Revision(
                1 + entries
                    .values()
                    .map(|entry| entry.revision.0)
                    .max()
                    .unwrap_or(0),
            );
            let (value, operation) = match write.change {
                Change::Put { value, .. } => (value, Operation::Put),
                Change::Delete | Change::Purge => (bytes::Bytes::new(), Operation::Delete),
            };
            entries.insert(
                path,
                Entry::new(
                    key.to_owned(),
                    value,
                    revision,
                    SystemTime::now(),
                    operation,
                ),
            );
            Ok(revision)
        })
    }

    fn entry<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        Box::pin(async move {
            Ok(self
                .store
                .read()?
                .get(&format!("{} {key}", self.name))
                .cloned())
        })
    }

    fn history<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn keys<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<String>, Error>> {
        Box::pin(async move {
            Ok(self
                .snapshot(filter, Since::Latest)
                .await?
                .entries
                .into_iter()
                .map(|entry| entry.key)
                .collect())
        })
    }

    fn snapshot<'a>(
        &'a self,
        filter: &'a Filter,
        _: Since,
    ) -> BoxFuture<'a, Result<Snapshot, Error>> {
        Box::pin(async move {
            let entries = self.store.read()?;
            let here = entries
                .range(format!("{} ", self.name)..format!("{}!", self.name))
                .map(|(_, entry)| entry);
            let entries = here
                .filter(|entry| entry.is_live() && filter.matches(&entry.key))
                .cloned()
                .collect();
            Ok(Snapshot {
                entries,
                revision: Revision::NONE,
            })
        })
    }

    fn head(&self) -> BoxFuture<'_, Result<Revision, Error>> {
        Box::pin(async { self.store.read().map(|_| Revision::NONE) })
    }

    fn follow(&self, _: Revision) -> BoxFuture<'_, Result<Box<dyn Upstream<Entry>>, Error>> {
        Box::pin(async {
            self.store
                .read()
                .map(|_| Box::new(Silent) as Box<dyn Upstream<Entry>>)
        })
    }
}

struct Silent;

impl Upstream<Entry> for Silent {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Arc<Entry>>, Error>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn while_the_store_is_away_a_session_is_503() {
    let store = Fragile::default();
    let mut browser = Browser::new(&instance(&store.driver().await).await);
    browser.set("a", "a").await;
    let written = browser.request();
    written.set("a", "b").await.expect("set");

    store.set_away(true);
    assert_eq!(
        browser
            .request()
            .get::<String>("a")
            .await
            .expect_err("away")
            .status(),
        503
    );
    assert_eq!(
        written
            .commit(&mut HeaderMap::new())
            .await
            .expect_err("away")
            .status(),
        503
    );
    assert_eq!(
        browser
            .request()
            .destroy()
            .await
            .expect_err("away")
            .status(),
        503
    );
    assert_eq!(
        browser
            .sessions
            .list("u1")
            .await
            .expect_err("away")
            .status(),
        503
    );
    // Whoever is no visitor yet needs no store.
    assert!(!Browser::new(&browser.sessions).exists().await);

    store.set_away(false);
    assert_eq!(browser.get("a").await.as_deref(), Some("a"));
}

#[tokio::test]
async fn what_failed_after_the_answer_began_is_written_with_the_next_change() {
    let store = Fragile::default();
    let mut browser = Browser::new(&instance(&store.driver().await).await);
    browser.set("a", "a").await;
    let stream = browser.request();
    browser.receive(&stream).await;
    stream.set("a", "b").await.expect("set");
    store.set_away(true);
    assert_eq!(stream.set("c", "c").await.expect_err("away").status(), 503);
    store.set_away(false);
    stream.set("d", "d").await.expect("set");
    assert_eq!(
        browser.request().keys().await.expect("keys"),
        ["a", "c", "d"]
    );
}

#[tokio::test]
async fn a_use_that_can_not_be_noted_fails_nobody() {
    let store = Fragile::default();
    // So short that every use is worth noting, and over before the test: this store forgets nothing, but the record
    // tells.
    let options = SessionOptions::new().idle(Duration::from_millis(500));
    let mut browser = Browser::new(&instance_with(&store.driver().await, options).await);
    browser.set("a", "a").await;
    store.0.is_read_only.store(true, Ordering::Relaxed);
    let began = std::time::Instant::now();
    let used_to_the_end = async {
        while browser.get("a").await.is_some() {
            let session = browser.request();
            session.get::<String>("a").await.expect("get");
            assert_eq!(browser.receive(&session).await, None);
            tokio::task::yield_now().await;
        }
    };
    soon(used_to_the_end).await;
    assert!(
        began.elapsed() > Duration::from_millis(400),
        "no use could be noted, and the record ran out"
    );
}

#[tokio::test]
async fn a_stream_waits_for_a_store_that_is_away_and_ends_when_it_is_back_without_the_session() {
    let store = Fragile::default();
    let mut browser = Browser::new(&instance(&store.driver().await).await);
    browser.log_in("u1").await;
    let session = browser.request();
    assert!(session.exists().await.expect("exists"));
    store.set_away(true);
    let mut ended = Box::pin(session.ended());
    assert!(is_pending(&mut ended).await);
    store.0.entries.lock().expect("no panic").clear();
    assert!(is_pending(&mut ended).await);
    store.set_away(false);
    soon(ended).await;
}
