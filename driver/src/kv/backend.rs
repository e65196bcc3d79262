//! What a backend of the key-value store must do.
//!
//! The seam is narrow on purpose. Deadlines, checks of keys and limits, handles, local watchers,
//! lag and resume stand above it, once for all backends; a backend stores, reads and follows. It is
//! held to its contract by the conformance suite in `tests/it/conformance.rs`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{BucketConfig, Entry, Revision};
use crate::boxed::BoxFuture;
use crate::fanout::Upstream;
use crate::{Error, Filter};

/// A store of buckets.
///
/// Every future may be dropped at any point; what it was to change has then changed whole or not at
/// all.
pub trait KvBackend: Send + Sync + 'static {
    /// Opens the bucket that `config` names: makes it, or gives the existing one these settings.
    /// The settings are in range. Repeats do no harm.
    fn open(&self, config: BucketConfig) -> BoxFuture<'_, Result<Arc<dyn BucketBackend>, Error>>;

    /// Returns the names of all buckets, in any order.
    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, Error>>;

    /// Returns Ok when reads and writes can be expected to succeed.
    fn ready(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Writes what is left to write, lets go of files and connections, and makes all later calls
    /// fail with [`Error::closed`]. Repeats do nothing.
    fn close(&self) -> BoxFuture<'_, Result<(), Error>>;
}

/// One bucket of a backend.
///
/// Keys are at most [`key::MAX_BYTES`](crate::key::MAX_BYTES) long, values within the bucket's
/// limit; filters are well formed.
pub trait BucketBackend: Send + Sync + 'static {
    /// Returns the id that was made with the bucket and is never given to another.
    fn epoch(&self) -> &str;

    /// Makes one change, atomically, and returns its revision once it is durable. Later reads see
    /// it.
    ///
    /// Fails with [`Error::is_exists`] or [`Error::is_conflict`], and changes nothing, when the
    /// guard does not hold.
    fn write<'a>(&'a self, key: &'a str, write: Write) -> BoxFuture<'a, Result<Revision, Error>>;

    /// Returns the latest entry of `key`, a marker included. A value past its lifetime is not
    /// returned as a value.
    fn entry<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, Error>>;

    /// Returns what is kept of `key`, markers included, oldest first.
    fn history<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Error>>;

    /// Returns the keys with a living value that `filter` matches, in any order.
    fn keys<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<String>, Error>>;

    /// Returns entries that `filter` matches, as they stood at one revision.
    ///
    /// That revision is no less than any that [`follow`](Self::follow) had delivered in this
    /// process, or a write had returned, when the call began: a watcher joins its snapshot and what
    /// it hears by it.
    fn snapshot<'a>(
        &'a self,
        filter: &'a Filter,
        since: Since,
    ) -> BoxFuture<'a, Result<Snapshot, Error>>;

    /// Returns the revision of the last change of the bucket, under the same promise as
    /// [`snapshot`](Self::snapshot).
    fn head(&self) -> BoxFuture<'_, Result<Revision, Error>>;

    /// Follows all changes of the bucket after `after`. Called once per bucket and process, and
    /// again after a failure.
    ///
    /// Fails with [`Error::is_too_old`] when changes after `after` are gone without a trace.
    fn follow(&self, after: Revision) -> BoxFuture<'_, Result<Box<dyn Upstream<Entry>>, Error>>;
}

/// A change, and what must hold for it to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// What to do.
    pub change: Change,
    /// What must hold.
    pub guard: Guard,
}

/// What a write does to its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Puts a value that lives for `ttl`, if given, or for the lifetime that the bucket sets,
    /// whichever is shorter. A backend may round `ttl` up to whole seconds, and may drop the key's
    /// history with it.
    Put {
        /// The value.
        value: Bytes,
        /// Its lifetime.
        ttl: Option<Duration>,
    },
    /// Leaves a marker above the history; also where nothing was.
    Delete,
    /// Leaves a marker in place of the history; also where nothing was.
    Purge,
}

/// What must hold for a write to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Nothing.
    Any,
    /// The key has no living value.
    Absent,
    /// The latest entry of the key, marker or value, is at this revision; [`Revision::NONE`]: there
    /// is none.
    At(Revision),
}

/// Which entries a snapshot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// The living value of each key.
    Latest,
    /// All that is kept of what was written after this revision, markers included.
    /// [`Error::is_too_old`] when markers after it are gone, or when it is not a revision of this
    /// bucket.
    After(Revision),
}

/// Entries as they stood at one revision.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The entries, by rising revision.
    pub entries: Vec<Entry>,
    /// The revision at which they stood: of the last change of the bucket, whatever its key.
    pub revision: Revision,
}
