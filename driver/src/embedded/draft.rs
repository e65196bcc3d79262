//! A batch in the making: what changes of buckets and streams do to rows.
//!
//! Everything here is decided on rows that are read and rows that are to be written; nothing is
//! changed until the finished batch is applied. A draft that is dropped has done nothing.

mod consumer;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::bucket::State;
use super::clock::{Micros, Millis};
use super::engine::Batch;
use super::fault::Fault;
use super::reader::Reader;
use super::row::{self, BucketId, BucketRow, Head, Settings, Stored};
use super::stream::Published;
use crate::kv::{Change, Entry, Guard, Operation, Revision, Write};
use crate::{Error, kv};

pub(super) use self::consumer::Handed;

/// A batch in the making.
pub(super) struct Draft<'a> {
    reader: &'a Reader,
    now: Micros,
    rows: Batch,
    changes: Vec<Told>,
    published: Vec<Published>,
    /// The earliest timer that was set.
    timer: Option<Millis>,
}

/// A change of a key, to tell of.
pub(super) struct Told {
    pub(super) bucket: Arc<State>,
    key: Bytes,
    row: Bytes,
}

impl Told {
    /// Makes the entry that watchers get, which costs something and is not always asked for.
    pub(super) fn entry(&self, reader: &Reader) -> Result<Entry, Fault> {
        reader.sound(row::entry(&self.key, &self.row))
    }
}

/// A finished draft.
pub(super) struct Drafted {
    /// The rows to apply.
    pub(super) rows: Batch,
    /// The changes to tell of once they are applied, in order.
    pub(super) changes: Vec<Told>,
    /// The messages to tell of once they are applied, in order.
    pub(super) published: Vec<Published>,
    /// The earliest timer that was set.
    pub(super) timer: Option<Millis>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(reader: &'a Reader) -> Self {
        let now = reader.clock().now();
        Self {
            reader,
            now,
            rows: Batch::new(),
            changes: Vec::new(),
            published: Vec::new(),
            timer: None,
        }
    }

    /// A draft that changes nothing, to see whether a batch can be applied.
    pub(super) fn probe(reader: &'a Reader) -> Result<Drafted, Fault> {
        let mut draft = Self::new(reader);
        let store = reader.store_row(draft.get(&row::store_key())?)?;
        draft.set(row::store_key(), store.encode());
        Ok(draft.finish())
    }

    pub(super) fn finish(self) -> Drafted {
        let Self {
            reader: _,
            now: _,
            rows,
            changes,
            published,
            timer,
        } = self;
        Drafted {
            rows,
            changes,
            published,
            timer,
        }
    }
}

/// Changes of keys.
impl Draft<'_> {
    /// Makes one change if its guard holds. The outer error fails the whole draft.
    pub(super) fn write(
        &mut self,
        bucket: &Arc<State>,
        key: &str,
        write: &Write,
    ) -> Result<Result<Revision, Error>, Fault> {
        let settings = bucket.settings();
        let mut latest = self.latest(bucket.id, key)?;
        if let Some(expired) = latest.take_if(|latest| latest.has_expired(&settings, || self.now)) {
            latest = Some(self.put(bucket, &settings, key, Some(expired), New::purge())?);
        }
        let actual = latest
            .as_ref()
            .map_or(Revision::NONE, |latest| latest.revision);
        match write.guard {
            Guard::Absent if latest.as_ref().is_some_and(Stored::is_value) => {
                return Ok(Err(Error::exists(key, actual)));
            }
            Guard::At(expected) if expected != actual => {
                return Ok(Err(Error::conflict(key, expected, actual)));
            }
            Guard::Any | Guard::Absent | Guard::At(_) => {}
        }
        let new = match &write.change {
            Change::Put { value, ttl } => New {
                operation: Operation::Put,
                value: value.clone(),
                ttl: *ttl,
            },
            Change::Delete => New {
                operation: Operation::Delete,
                ..New::purge()
            },
            Change::Purge => New::purge(),
        };
        Ok(Ok(self.put(bucket, &settings, key, latest, new)?.revision))
    }

    /// Puts a new latest entry in the place of the one before.
    fn put(
        &mut self,
        bucket: &Arc<State>,
        settings: &Settings,
        key: &str,
        before: Option<Stored>,
        new: New,
    ) -> Result<Stored, Fault> {
        let mut head = self.head(bucket.id)?;
        head.last = Revision(head.last.0 + 1);
        self.set(row::head_key(bucket.id), head.encode());

        let New {
            operation,
            value,
            ttl,
        } = new;
        let keep = if operation == Operation::Purge {
            0
        } else {
            usize::from(settings.history) - 1
        };
        let timer = before.as_ref().and_then(|before| before.timer);
        let older = before.map_or_else(Vec::new, |before| self.age(bucket.id, key, before, keep));
        let mut stored = Stored {
            operation,
            revision: head.last,
            created: self.now,
            ttl,
            timer: None,
            older,
            value,
        };
        stored.timer = self.set_timer(bucket.id, key, timer, stored.deadline(settings));
        let (key, row) = (row::latest_key(bucket.id, key), stored.encode());
        self.set(key.clone(), row.clone());
        self.changes.push(Told {
            bucket: bucket.clone(),
            key,
            row,
        });
        Ok(stored)
    }

    /// Makes a latest entry an older one, of which no more than `keep` stay; returns which.
    fn age(&mut self, bucket: BucketId, key: &str, before: Stored, keep: usize) -> Vec<Revision> {
        let mut older = before.older.clone();
        if keep > 0 {
            older.push(before.revision);
            let row = Stored {
                timer: None,
                older: Vec::new(),
                ..before
            };
            self.set(row::older_key(bucket, key, row.revision), row.encode());
        }
        let excess = older.len().saturating_sub(keep);
        for gone in older.drain(..excess) {
            self.remove(row::older_key(bucket, key, gone));
        }
        older
    }

    /// Sees to it that a timer goes off at `deadline` or before, and returns when. One that goes
    /// off earlier stays as it is: it is cheaper to look once more than to move a row with every
    /// write.
    fn set_timer(
        &mut self,
        bucket: BucketId,
        key: &str,
        set: Option<Millis>,
        deadline: Option<Millis>,
    ) -> Option<Millis> {
        if let (Some(set), Some(deadline)) = (set, deadline)
            && set <= deadline
        {
            return Some(set);
        }
        if let Some(set) = set {
            self.remove(row::timer_key(set, bucket, key));
        }
        if let Some(deadline) = deadline {
            self.set(row::timer_key(deadline, bucket, key), Bytes::new());
            self.timer = Some(self.timer.map_or(deadline, |timer| timer.min(deadline)));
        }
        deadline
    }

    /// Does what is due when the timer at `at` goes off: ends a value, forgets a marker, or sets
    /// the timer anew.
    pub(super) fn fire(&mut self, at: Millis, bucket: &Arc<State>, key: &str) -> Result<(), Fault> {
        self.remove(row::timer_key(at, bucket.id, key));
        // A latest row that does not name this timer has another one.
        let Some(mut latest) = self
            .latest(bucket.id, key)?
            .filter(|row| row.timer == Some(at))
        else {
            return Ok(());
        };
        latest.timer = None;
        let settings = bucket.settings();
        let deadline = latest.deadline(&settings);
        if deadline.is_none_or(|deadline| deadline > self.now.millis()) {
            latest.timer = self.set_timer(bucket.id, key, None, deadline);
            self.set(row::latest_key(bucket.id, key), latest.encode());
        } else if latest.is_value() {
            self.put(bucket, &settings, key, Some(latest), New::purge())?;
        } else {
            self.forget(bucket.id, key, latest)?;
        }
        Ok(())
    }

    /// Removes the last trace of a key, after which nobody can resume from before it.
    fn forget(&mut self, bucket: BucketId, key: &str, marker: Stored) -> Result<(), Fault> {
        let mut head = self.head(bucket)?;
        head.floor = head.floor.max(marker.revision);
        self.set(row::head_key(bucket), head.encode());
        self.remove(row::latest_key(bucket, key));
        self.age(bucket, key, marker, 0);
        Ok(())
    }
}

/// What is put.
struct New {
    operation: Operation,
    value: Bytes,
    ttl: Option<Duration>,
}

impl New {
    fn purge() -> Self {
        Self {
            operation: Operation::Purge,
            value: Bytes::new(),
            ttl: None,
        }
    }
}

/// Buckets.
impl Draft<'_> {
    /// Makes a bucket, or gives it other settings; returns its row.
    pub(super) fn open(&mut self, config: &kv::BucketConfig) -> Result<BucketRow, Fault> {
        let settings = Settings::of(config);
        let key = row::bucket_key(config.name());
        let Some(row) = self.get(&key)? else {
            let mut store = self.reader.store_row(self.get(&row::store_key())?)?;
            let bucket = BucketRow {
                id: store.next_bucket,
                epoch: new_epoch(),
                settings,
            };
            store.next_bucket = BucketId(store.next_bucket.0 + 1);
            self.set(row::store_key(), store.encode());
            self.set(key, bucket.encode());
            return Ok(bucket);
        };
        let mut bucket = self.reader.sound(BucketRow::decode(&row))?;
        if bucket.settings != settings {
            bucket.settings = settings;
            self.set(key, bucket.encode());
            self.settle(bucket.id, &settings)?;
        }
        Ok(bucket)
    }

    /// Brings all keys of a bucket in line with new settings: surplus history goes, and timers are
    /// set that go off in time.
    fn settle(&mut self, bucket: BucketId, settings: &Settings) -> Result<(), Fault> {
        let keep = usize::from(settings.history) - 1;
        for key in self.reader.all_keys(bucket)? {
            // A timer may just have ended it.
            let Some(mut latest) = self.latest(bucket, &key)? else {
                continue;
            };
            let before = (latest.timer, latest.older.len());
            let excess = latest.older.len().saturating_sub(keep);
            for gone in latest.older.drain(..excess) {
                self.remove(row::older_key(bucket, &key, gone));
            }
            latest.timer = self.set_timer(bucket, &key, latest.timer, latest.deadline(settings));
            if before != (latest.timer, latest.older.len()) {
                self.set(row::latest_key(bucket, &key), latest.encode());
            }
        }
        Ok(())
    }
}

/// Rows.
impl Draft<'_> {
    fn get(&self, key: &Bytes) -> Result<Option<Bytes>, Fault> {
        match self.rows.get(key) {
            Some(row) => Ok(row.clone()),
            None => self.reader.engine().get(key),
        }
    }

    fn set(&mut self, key: Bytes, row: Bytes) {
        self.rows.insert(key, Some(row));
    }

    fn remove(&mut self, key: Bytes) {
        self.rows.insert(key, None);
    }

    fn latest(&self, bucket: BucketId, key: &str) -> Result<Option<Stored>, Fault> {
        let row = self.get(&row::latest_key(bucket, key))?;
        row.map(|row| self.reader.sound(Stored::decode(&row)))
            .transpose()
    }

    fn head(&self, bucket: BucketId) -> Result<Head, Fault> {
        let row = self.get(&row::head_key(bucket))?;
        self.reader.head_row(row)
    }
}

/// Makes an id that no other bucket has: 64 random bits, from the seed that the standard library
/// draws for its maps.
fn new_epoch() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("{:016x}", RandomState::new().hash_one(std::process::id()))
}
