//! Where rows lie.
//!
//! The seam between what the store means and how it is kept. An engine knows nothing of buckets,
//! keys or revisions; the store above knows nothing of files. That is what lets the whole semantics
//! run over memory, over one table file, and over a log in front of that table.

mod cache;
mod checkpoint;
mod files;
mod layers;
mod log;
mod memory;
mod overlay;
mod record;
mod replay;
mod table;
mod trial;

use std::collections::BTreeMap;

use bytes::Bytes;

pub(super) use self::files::Files;
pub(super) use self::memory::Memory;
use super::fault::Fault;

/// Rows, sorted, in memory or in files. All calls may block; one thread writes, any number read.
pub(super) trait Engine: Send + Sync + 'static {
    /// Returns the row at `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Fault>;

    /// Visits the rows of all `ranges`, one range after the other, each in order, as they stood at
    /// one moment between two batches. The visitor says whether to go on.
    fn scan(&self, ranges: &[Range], visit: &mut Visit<'_>) -> Result<(), Fault>;

    /// Returns the first `most` rows of a range, or the last ones with the last first, as they stood
    /// at one moment between two batches. Reads little more than it returns, however long the range.
    fn page(&self, range: &Range, order: Direction, most: usize) -> Result<Page, Fault>;

    /// Makes all changes of a batch. When it returns they are durable, and all later reads see
    /// them; no read saw a part of them, or any before they were durable.
    ///
    /// When it fails no read sees any of them. After a power loss they may turn out to have been
    /// made, unless another batch came after.
    fn apply(&self, batch: Batch) -> Result<(), Fault>;

    /// Called when nothing was written for a while: a time to tidy up, in steps that take no longer
    /// than a batch may wait.
    fn rest(&self) -> Result<Rest, Fault>;

    /// Brings the files into the shape that opens fastest. Called once, last.
    fn close(&self) -> Result<(), Fault>;
}

/// Whether there is more to tidy up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    Done,
    Again,
}

/// A stretch of rows, from the first to before the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: Bytes,
    pub(super) to: Bytes,
}

impl Range {
    /// All rows that begin with `prefix`, of which one byte at least is not `FF`.
    pub(super) fn of(prefix: Vec<u8>) -> Self {
        let mut to = prefix.clone();
        while to.pop_if(|last| *last == 0xFF).is_some() {}
        if let Some(last) = to.last_mut() {
            *last += 1;
        }
        Self {
            from: prefix.into(),
            to: to.into(),
        }
    }

    /// The one row of this key.
    pub(super) fn single(row: Bytes) -> Self {
        let mut to = row.to_vec();
        to.push(0);
        Self {
            from: row,
            to: to.into(),
        }
    }
}

/// Which way a page goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Backward,
}

/// Rows with their keys.
pub(super) type Page = Vec<(Bytes, Bytes)>;

/// Takes a row's key and value.
pub(super) type Visit<'a> = dyn FnMut(&[u8], &Bytes) -> Go + 'a;

/// Whether a scan goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Go {
    On,
    Stop,
}

/// Rows to put, and, without a value, to remove.
pub(super) type Batch = BTreeMap<Bytes, Option<Bytes>>;
