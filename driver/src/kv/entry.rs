//! What stands at a key.

use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;

use crate::fanout::Item;

/// The number of a change: unique within a bucket and growing with each, also over restarts.
/// Numbers may be skipped.
///
/// It means nothing in another bucket or another [`epoch`](crate::Bucket::epoch) of this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// Before the first change: the revision of a key without any entry.
    pub const NONE: Self = Self(0);
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a change did to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// A value was put.
    Put,
    /// The key was deleted; earlier values are still in its history.
    Delete,
    /// The key was purged, or it expired: its history is gone too.
    Purge,
}

/// One change of a key: a value, or the marker of its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value; empty in a marker. A clone shares the bytes.
    pub value: Bytes,
    /// The number of the change.
    pub revision: Revision,
    /// When it was written, by the clock of the store; to the microsecond at best.
    pub created: SystemTime,
    /// What it did.
    pub operation: Operation,
}

impl Entry {
    /// Makes an entry, for a backend.
    pub fn new(
        key: String,
        value: Bytes,
        revision: Revision,
        created: SystemTime,
        operation: Operation,
    ) -> Self {
        Self {
            key,
            value,
            revision,
            created,
            operation,
        }
    }

    /// Returns true when the entry is a value and not the marker of a delete, purge or expiry.
    pub fn is_live(&self) -> bool {
        self.operation == Operation::Put
    }
}

impl Item for Entry {
    fn key(&self) -> &str {
        &self.key
    }

    fn position(&self) -> u64 {
        self.revision.0
    }

    fn bytes(&self) -> usize {
        self.value.len()
    }
}
