//! The store beside a plain model, through random operations, lifetimes, restarts and kills.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::disk::FakeDisk;
use super::{FakeClock, open};
use crate::kv::{
    Bucket, BucketConfig, Kv, Operation, Revision, WatchEvent, WatchFrom, WriteOptions,
};
use crate::{Error, Filter};

const KEYS: [&str; 5] = ["a", "b", "a.b", "a.c.d", ""];
const FILTERS: [&str; 5] = [">", "a", "a.>", "*", "a.*"];
const MARKER_TTL: u64 = 50;

#[derive(Clone, Debug)]
enum Step {
    Put {
        key: usize,
        ttl: Option<u64>,
        bytes: usize,
    },
    Create {
        key: usize,
        ttl: Option<u64>,
    },
    Update {
        key: usize,
        right: bool,
    },
    Delete {
        key: usize,
    },
    DeleteIf {
        key: usize,
        right: bool,
    },
    Purge {
        key: usize,
    },
    Advance {
        seconds: u64,
    },
    Configure {
        history: u8,
        ttl: Option<u64>,
    },
    Close,
    Kill,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || 0..KEYS.len();
    let ttl = || prop::option::weighted(0.3, 1..40_u64);
    let step = prop_oneof![
        6 => (key(), ttl(), 0..600_usize)
            .prop_map(|(key, ttl, bytes)| Step::Put { key, ttl, bytes }),
        3 => (key(), ttl()).prop_map(|(key, ttl)| Step::Create { key, ttl }),
        3 => (key(), any::<bool>()).prop_map(|(key, right)| Step::Update { key, right }),
        2 => key().prop_map(|key| Step::Delete { key }),
        1 => (key(), any::<bool>()).prop_map(|(key, right)| Step::DeleteIf { key, right }),
        1 => key().prop_map(|key| Step::Purge { key }),
        2 => (1..30_u64).prop_map(|seconds| Step::Advance { seconds }),
        1 => (1..5_u8, ttl()).prop_map(|(history, ttl)| Step::Configure { history, ttl }),
        1 => Just(Step::Close),
        1 => Just(Step::Kill),
    ];
    prop::collection::vec(step, 1..60)
}

/// An entry of the model.
#[derive(Clone, Debug, PartialEq)]
struct Past {
    operation: Operation,
    value: Vec<u8>,
    revision: Revision,
    written: u64,
    ttl: Option<u64>,
}

/// What the store should be.
#[derive(Default)]
struct Model {
    keys: BTreeMap<&'static str, Vec<Past>>,
    head: Revision,
    floor: Revision,
    /// Seconds.
    now: u64,
    history: u8,
    ttl: Option<u64>,
}

impl Model {
    fn latest(&self, key: &str) -> Option<&Past> {
        self.keys.get(key)?.last()
    }

    fn revision(&self, key: &str) -> Revision {
        self.latest(key)
            .map_or(Revision::NONE, |past| past.revision)
    }

    fn is_live(&self, key: &str) -> bool {
        self.latest(key)
            .is_some_and(|past| past.operation == Operation::Put)
    }

    fn write(&mut self, key: &'static str, past: Past) {
        assert!(past.revision > self.head, "revisions only rise");
        self.head = past.revision;
        let keep = if past.operation == Operation::Purge {
            1
        } else {
            usize::from(self.history)
        };
        let history = self.keys.entry(key).or_default();
        history.push(past);
        let excess = history.len().saturating_sub(keep);
        history.drain(..excess);
    }

    fn trim(&mut self) {
        for history in self.keys.values_mut() {
            let excess = history.len().saturating_sub(self.history.into());
            history.drain(..excess);
        }
    }

    fn has_ended(&self, past: &Past) -> bool {
        let lifetime = match past.operation {
            Operation::Put => past.ttl.into_iter().chain(self.ttl).min(),
            _ => Some(MARKER_TTL),
        };
        lifetime.is_some_and(|lifetime| past.written + lifetime <= self.now)
    }
}

struct Pair {
    model: Model,
    disk: FakeDisk,
    clock: FakeClock,
    kv: Kv,
    bucket: Bucket,
}

impl Pair {
    async fn new() -> Self {
        let (disk, clock) = (FakeDisk::default(), FakeClock::new());
        let kv = open(&disk, &clock).unwrap();
        let model = Model {
            history: 1,
            ..Model::default()
        };
        let bucket = kv.bucket(config(&model)).await.unwrap();
        Self {
            model,
            disk,
            clock,
            kv,
            bucket,
        }
    }

    async fn step(&mut self, number: usize, step: &Step) {
        match *step {
            Step::Put { key, ttl, bytes } => {
                let value = vec![number as u8; bytes];
                let result = self
                    .bucket
                    .put_with(KEYS[key], value.clone(), living(ttl))
                    .await;
                self.written(KEYS[key], Operation::Put, value, ttl, result.unwrap());
            }
            Step::Create { key, ttl } => {
                let value = vec![number as u8];
                let result = self
                    .bucket
                    .create_with(KEYS[key], value.clone(), living(ttl))
                    .await;
                match self.model.is_live(KEYS[key]) {
                    true => {
                        let error = result.unwrap_err();
                        assert!(error.is_exists());
                        assert_eq!(error.actual(), Some(self.model.revision(KEYS[key])));
                    }
                    false => self.written(KEYS[key], Operation::Put, value, ttl, result.unwrap()),
                }
            }
            Step::Update { key, right } => {
                let (expected, value) = (self.expected(KEYS[key], right), vec![number as u8]);
                let result = self.bucket.update(KEYS[key], expected, value.clone()).await;
                self.guarded(KEYS[key], right, Operation::Put, value, result);
            }
            Step::DeleteIf { key, right } => {
                let expected = self.expected(KEYS[key], right);
                let result = self.bucket.delete_if(KEYS[key], expected).await;
                self.guarded(KEYS[key], right, Operation::Delete, Vec::new(), result);
            }
            Step::Delete { key } => {
                let revision = self.bucket.delete(KEYS[key]).await.unwrap();
                self.written(KEYS[key], Operation::Delete, Vec::new(), None, revision);
            }
            Step::Purge { key } => {
                let revision = self.bucket.purge(KEYS[key]).await.unwrap();
                self.written(KEYS[key], Operation::Purge, Vec::new(), None, revision);
            }
            Step::Advance { seconds } => {
                self.model.now += seconds;
                self.clock.advance(Duration::from_secs(seconds));
                self.sweep().await;
            }
            Step::Configure { history, ttl } => {
                (self.model.history, self.model.ttl) = (history, ttl);
                self.bucket = self.kv.bucket(config(&self.model)).await.unwrap();
                self.model.trim();
                self.sweep().await;
            }
            Step::Close => {
                self.kv.close().await.unwrap();
                self.open().await;
            }
            Step::Kill => {
                self.disk = self.disk.after_a_kill();
                self.open().await;
            }
        }
    }

    async fn open(&mut self) {
        self.kv = open(&self.disk, &self.clock).unwrap();
        self.bucket = self.kv.bucket(config(&self.model)).await.unwrap();
    }

    fn expected(&self, key: &str, right: bool) -> Revision {
        Revision(self.model.revision(key).0 + u64::from(!right))
    }

    fn written(
        &mut self,
        key: &'static str,
        operation: Operation,
        value: Vec<u8>,
        ttl: Option<u64>,
        revision: Revision,
    ) {
        let written = self.model.now;
        self.model.write(
            key,
            Past {
                operation,
                value,
                revision,
                written,
                ttl,
            },
        );
    }

    fn guarded(
        &mut self,
        key: &'static str,
        right: bool,
        operation: Operation,
        value: Vec<u8>,
        result: Result<Revision, Error>,
    ) {
        match right {
            true => self.written(key, operation, value, None, result.unwrap()),
            false => {
                let error = result.unwrap_err();
                assert!(error.is_conflict(), "{error}");
                assert_eq!(error.actual(), Some(self.model.revision(key)));
            }
        }
    }

    /// Ends what has ended in the model and in the store. Which of several values ends first is the
    /// store's choice: the model takes their revisions from it.
    async fn sweep(&mut self) {
        self.kv.bucket(config(&self.model)).await.unwrap();
        let mut purged = Vec::new();
        for key in KEYS {
            let Some(latest) = self
                .model
                .latest(key)
                .filter(|past| self.model.has_ended(past))
            else {
                continue;
            };
            if latest.operation == Operation::Put {
                let entry = self.bucket.entry(key).await.unwrap().expect("a marker");
                assert_eq!(entry.operation, Operation::Purge);
                purged.push((entry.revision, key));
            } else {
                self.model.floor = self.model.floor.max(latest.revision);
                self.model.keys.remove(key);
            }
        }
        purged.sort_unstable();
        for (revision, key) in purged {
            self.written(key, Operation::Purge, Vec::new(), None, revision);
        }
    }

    async fn compare(&self, resume: u64) {
        let Self { model, bucket, .. } = self;
        for key in KEYS {
            let history = bucket.history(key).await.unwrap();
            let found: Vec<_> = history
                .iter()
                .map(|e| (e.operation, e.value.to_vec(), e.revision))
                .collect();
            let past = model.keys.get(key).map_or(&[][..], Vec::as_slice);
            // Values above a lifetime that has passed are gone before the key is.
            let past = past
                .iter()
                .filter(|past| !(is_value(past) && model.has_ended(past)));
            let expected: Vec<_> = past
                .map(|past| (past.operation, past.value.clone(), past.revision))
                .collect();
            assert_eq!(found, expected, "history of {key:?}");
            let entry = bucket.entry(key).await.unwrap();
            assert_eq!(
                entry.map_or(Revision::NONE, |e| e.revision),
                model.revision(key)
            );
            assert_eq!(
                bucket.get(key).await.unwrap().is_some(),
                model.is_live(key),
                "{key:?}"
            );
        }
        for filter in FILTERS {
            let matching = Filter::new(filter).unwrap();
            let expected: Vec<_> = model
                .keys
                .keys()
                .copied()
                .filter(|key| model.is_live(key) && matching.matches(key))
                .collect();
            assert_eq!(bucket.keys(filter).await.unwrap(), expected, "{filter}");
            self.compare_resume(filter, &matching, Revision(resume % (model.head.0 + 3)))
                .await;
        }
    }

    async fn compare_resume(&self, filter: &str, matching: &Filter, after: Revision) {
        let Self { model, bucket, .. } = self;
        let watch = bucket.watch(filter, WatchFrom::Revision(after)).await;
        if after < model.floor || after > model.head {
            assert!(watch.unwrap_err().is_too_old(), "{filter} after {after}");
            return;
        }
        let mut expected: Vec<_> = model
            .keys
            .iter()
            .filter(|(key, _)| matching.matches(key))
            .flat_map(|(key, history)| history.iter().map(move |past| (past, *key)))
            .filter(|(past, _)| past.revision > after)
            .filter(|(past, _)| !(is_value(past) && model.has_ended(past)))
            .map(|(past, key)| (past.revision, key.to_owned(), past.operation))
            .collect();
        expected.sort_unstable_by_key(|(revision, ..)| *revision);
        let (mut watch, mut found) = (watch.unwrap(), Vec::new());
        while let WatchEvent::Entry(entry) = watch.next().await.unwrap().unwrap() {
            found.push((entry.revision, entry.key.clone(), entry.operation));
        }
        assert_eq!(found, expected, "{filter} after {after}");
        assert_eq!(watch.position(), model.head.max(after));
    }
}

fn is_value(past: &Past) -> bool {
    past.operation == Operation::Put
}

fn config(model: &Model) -> BucketConfig {
    BucketConfig::new("b")
        .history(model.history)
        .ttl(model.ttl.map(Duration::from_secs))
        .marker_ttl(Duration::from_secs(MARKER_TTL))
}

fn living(ttl: Option<u64>) -> WriteOptions {
    WriteOptions::new().ttl(ttl.map(Duration::from_secs))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_store_agrees_with_the_model(steps in steps(), resume in any::<u64>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut pair = Pair::new().await;
            for (number, step) in steps.iter().enumerate() {
                pair.step(number, step).await;
                pair.compare(resume.rotate_left(number as u32)).await;
            }
        });
    }
}
