//! Rows of the table that were used lately, in memory.
//!
//! It holds what the table holds and never more, so that it may forget anything at any time. Rows
//! come in two ways: from the overlay when they have reached the table, and from reads that missed.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::Batch;

/// How much is held, keys and rows together.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Locks are taken per shard, so that readers seldom wait for each other.
const SHARDS: usize = 16;

/// What an entry costs besides its bytes.
const ENTRY_BYTES: usize = 96;

pub(super) struct Cache {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    /// Counts the times that the table changed.
    changes: AtomicU64,
}

/// Two generations: what is used moves to the young one, and when that is full the old one goes.
#[derive(Default)]
struct Shard {
    young: HashMap<Bytes, Bytes>,
    young_bytes: usize,
    old: HashMap<Bytes, Bytes>,
}

/// The state of the table that a read saw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen(u64);

impl Cache {
    pub(super) fn new() -> Self {
        Self {
            shards: Default::default(),
            hasher: RandomState::new(),
            changes: AtomicU64::new(0),
        }
    }

    fn shard(&self, key: &[u8]) -> MutexGuard<'_, Shard> {
        let shard = self.hasher.hash_one(key) as usize % SHARDS;
        self.shards[shard]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a token to be taken before the overlay and the table are read.
    pub(super) fn begin(&self) -> Seen {
        Seen(self.changes.load(Ordering::SeqCst))
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<Bytes> {
        self.shard(key).get(key)
    }

    /// Holds a row that was read from the table, unless the table has changed since.
    pub(super) fn fill(&self, seen: Seen, key: &[u8], row: &Bytes) {
        let mut shard = self.shard(key);
        // Looked at under the lock: a change that comes after this look puts its row after ours.
        if self.begin().0 == seen.0 {
            shard.put(Bytes::copy_from_slice(key), row.clone());
        }
    }

    /// Takes over what the table has now. To be called while the overlay still hides these rows.
    pub(super) fn update(&self, rows: &Batch) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        for (key, row) in rows {
            let mut shard = self.shard(key);
            match row {
                Some(row) => shard.put(key.clone(), row.clone()),
                None => shard.remove(key),
            }
        }
    }
}

impl Shard {
    fn get(&mut self, key: &[u8]) -> Option<Bytes> {
        if let Some(row) = self.young.get(key) {
            return Some(row.clone());
        }
        let (key, row) = self.old.remove_entry(key)?;
        self.put(key, row.clone());
        Some(row)
    }

    fn put(&mut self, key: Bytes, row: Bytes) {
        self.old.remove(&key);
        self.young_bytes += key.len() + row.len() + ENTRY_BYTES;
        if let Some(before) = self.young.insert(key.clone(), row) {
            self.young_bytes -= key.len() + before.len() + ENTRY_BYTES;
        }
        if self.young_bytes > MAX_BYTES / SHARDS / 2 {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
    }

    fn remove(&mut self, key: &[u8]) {
        self.old.remove(key);
        if let Some(row) = self.young.remove(key) {
            self.young_bytes -= key.len() + row.len() + ENTRY_BYTES;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(&'static str, Option<&'static str>)]) -> Batch {
        rows.iter()
            .map(|(key, row)| (Bytes::from(*key), row.map(Bytes::from)))
            .collect()
    }

    #[test]
    fn it_holds_what_the_table_has_now() {
        let cache = Cache::new();
        cache.update(&rows(&[("a", Some("1")), ("b", Some("1"))]));
        cache.update(&rows(&[("a", Some("2")), ("b", None)]));
        assert_eq!(cache.get(b"a"), Some("2".into()));
        assert_eq!(cache.get(b"b"), None);
    }

    #[test]
    fn a_row_read_before_a_change_is_not_held() {
        let cache = Cache::new();
        let seen = cache.begin();
        cache.update(&rows(&[("a", Some("2"))]));
        cache.fill(seen, b"a", &"1".into());
        assert_eq!(cache.get(b"a"), Some("2".into()));
        cache.update(&rows(&[("a", None)]));
        cache.fill(seen, b"a", &"1".into());
        assert_eq!(cache.get(b"a"), None);
    }

    #[test]
    fn it_forgets_what_is_not_used() {
        let cache = Cache::new();
        let row = Bytes::from(vec![0; 4096]);
        cache.fill(cache.begin(), b"used", &row);
        cache.fill(cache.begin(), b"unused", &row);
        for number in 0..2 * MAX_BYTES / 4096 {
            cache.fill(cache.begin(), &number.to_be_bytes(), &row);
            assert!(cache.get(b"used").is_some());
        }
        assert_eq!(cache.get(b"unused"), None);
        for shard in &cache.shards {
            let shard = shard.lock().unwrap();
            let held: usize = shard
                .young
                .values()
                .chain(shard.old.values())
                .map(Bytes::len)
                .sum();
            assert!(held <= MAX_BYTES / SHARDS + 4096);
        }
    }
}
