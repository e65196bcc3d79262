//! Where rows lie.
//!
//! The seam between what the store means and how it is kept. An engine knows nothing of buckets, keys
//! or revisions; the store above knows nothing of files. That is what lets the whole semantics run over
//! memory, over one table file, and over a log in front of that table.

mod cache;
mod checkpoint;
mod files;
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
use super::row::Range;

/// Rows, sorted, in memory or in files. All calls may block; one thread writes, any number read.
pub(super) trait Engine: Send + Sync + 'static {
    /// Returns the row at `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Fault>;

    /// Visits the rows of all `ranges`, one range after the other, each in order, as they stood at one
    /// moment between two batches. The visitor says whether to go on.
    fn scan(&self, ranges: &[Range], visit: &mut Visit<'_>) -> Result<(), Fault>;

    /// Makes all changes of a batch. When it returns they are durable, and all later reads see them; no
    /// read saw a part of them, or any before they were durable.
    ///
    /// When it fails no read sees any of them. After a power loss they may turn out to have been made,
    /// unless another batch came after.
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
