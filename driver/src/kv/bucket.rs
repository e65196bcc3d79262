//! A handle on one bucket.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::backend::{BucketBackend, Change, Guard, Since, Write};
use super::watch::{Watch, WatchFrom};
use super::{BucketConfig, Entry, Revision};
use crate::boxed::BoxFuture;
use crate::deadline::within;
use crate::fanout::{Hub, Source, Upstream};
use crate::stats::Gauge;
use crate::{Error, Filter, key};

/// A bucket: keys with revisioned values, their history, and a watch on their changes. A clone is a
/// handle on the same bucket.
///
/// Every operation fails with [`Error::is_timeout`] after the driver's deadline, with
/// [`Error::is_unavailable`] or [`Error::is_full`] while the store cannot serve it, and with
/// [`Error::is_closed`] after the driver was closed; these are not repeated below. A key longer
/// than [`key::MAX_BYTES`] is [`Error::is_too_large`].
///
/// # Cancel safety
/// All operations are cancel safe: a dropped write has been made whole or not at all. Read the
/// entry to learn which.
#[derive(Clone)]
pub struct Bucket {
    core: Arc<Core>,
}

/// What all handles and watches of one bucket share.
pub(super) struct Core {
    name: String,
    backend: Arc<dyn BucketBackend>,
    deadline: Duration,
    value_limit_bytes: AtomicUsize,
    watchers: Gauge,
    hub: Hub<Entry>,
}

impl Core {
    pub(super) fn new(
        name: String,
        backend: Arc<dyn BucketBackend>,
        deadline: Duration,
        watchers: Gauge,
    ) -> Self {
        let hub = Hub::new(name.clone(), Arc::new(Changes(backend.clone())));
        Self {
            name,
            backend,
            deadline,
            value_limit_bytes: AtomicUsize::new(super::MAX_VALUE_BYTES),
            watchers,
            hub,
        }
    }

    pub(super) fn epoch(&self) -> &str {
        self.backend.epoch()
    }

    /// Takes over the settings that the handles check for themselves.
    pub(super) fn configure(&self, config: &BucketConfig) {
        self.value_limit_bytes
            .store(config.value_limit_bytes(), Ordering::Relaxed);
    }

    pub(super) fn close(&self) {
        self.hub.close();
    }
}

/// A bucket as a hub follows it.
struct Changes(Arc<dyn BucketBackend>);

impl Source<Entry> for Changes {
    fn head(&self) -> BoxFuture<'_, Result<u64, Error>> {
        Box::pin(async { Ok(self.0.head().await?.0) })
    }

    fn follow(&self, after: u64) -> BoxFuture<'_, Result<Box<dyn Upstream<Entry>>, Error>> {
        self.0.follow(Revision(after))
    }
}

/// How a value is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteOptions {
    /// How long the value lives, if shorter than the bucket's own setting. Default: as the bucket
    /// has it.
    ///
    /// Expiry reads as a purge, within 100 ms on the embedded store. NATS counts in whole seconds,
    /// rounded up.
    pub ttl: Option<Duration>,
}

impl WriteOptions {
    /// Begins with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long the value lives. Default: as the bucket has it.
    #[must_use]
    pub fn ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.ttl = ttl.into();
        self
    }
}

impl Bucket {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Returns the bucket's name.
    pub fn name(&self) -> &str {
        &self.core.name
    }

    /// Returns the id that was made with the bucket. Revisions of another epoch mean nothing here.
    pub fn epoch(&self) -> &str {
        self.core.epoch()
    }
}

/// Reading.
impl Bucket {
    /// Returns the living value at `key`.
    pub async fn get(&self, key: &str) -> Result<Option<Entry>, Error> {
        Ok(self.entry(key).await?.filter(Entry::is_live))
    }

    /// Returns the latest entry at `key`, be it a value or the marker of a delete, purge or expiry.
    pub async fn entry(&self, key: &str) -> Result<Option<Entry>, Error> {
        key::check(key)?;
        within(
            "reading an entry",
            self.core.deadline,
            self.core.backend.entry(key),
        )
        .await
    }

    /// Returns the living values at `keys`, in their order, `None` where there is none.
    pub async fn get_many<K: AsRef<str>>(&self, keys: &[K]) -> Result<Vec<Option<Entry>>, Error> {
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            entries.push(self.get(key.as_ref()).await?);
        }
        Ok(entries)
    }

    /// Returns what is kept of `key`, markers included, oldest first.
    pub async fn history(&self, key: &str) -> Result<Vec<Entry>, Error> {
        key::check(key)?;
        within(
            "reading a history",
            self.core.deadline,
            self.core.backend.history(key),
        )
        .await
    }

    /// Returns the keys with a living value that `filter` matches, sorted.
    ///
    /// # Errors
    /// [`Error::is_invalid`] for a malformed filter.
    pub async fn keys(
        &self,
        filter: impl TryInto<Filter, Error: Into<Error>>,
    ) -> Result<Vec<String>, Error> {
        let filter = filter.try_into().map_err(Into::into)?;
        let mut keys = within(
            "listing keys",
            self.core.deadline,
            self.core.backend.keys(&filter),
        )
        .await?;
        keys.sort_unstable();
        Ok(keys)
    }

    /// Returns the living values that `filter` matches, sorted by key, as they stood at one
    /// revision.
    ///
    /// # Errors
    /// [`Error::is_invalid`] for a malformed filter.
    pub async fn scan(
        &self,
        filter: impl TryInto<Filter, Error: Into<Error>>,
    ) -> Result<Vec<Entry>, Error> {
        let filter = filter.try_into().map_err(Into::into)?;
        let snapshot = self.core.backend.snapshot(&filter, Since::Latest);
        let mut entries = within("scanning a bucket", self.core.deadline, snapshot)
            .await?
            .entries;
        entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }
}

/// Writing.
impl Bucket {
    /// Puts a value, whatever stands there, and returns its revision once it is durable.
    ///
    /// # Errors
    /// [`Error::is_too_large`] above the bucket's limit.
    pub async fn put(&self, key: &str, value: impl Into<Bytes>) -> Result<Revision, Error> {
        self.put_with(key, value, WriteOptions::default()).await
    }

    /// Puts a value as [`put`](Self::put) does, with options.
    ///
    /// # Errors
    /// As [`put`](Self::put); [`Error::is_invalid`] for a lifetime of zero.
    pub async fn put_with(
        &self,
        key: &str,
        value: impl Into<Bytes>,
        options: WriteOptions,
    ) -> Result<Revision, Error> {
        self.write_value(key, value.into(), options, Guard::Any)
            .await
    }

    /// Puts a value where none lives: at a key that was never written, or was deleted, was purged,
    /// or has expired.
    ///
    /// # Errors
    /// [`Error::is_exists`] when a value lives there; [`Error::is_too_large`] above the bucket's
    /// limit.
    pub async fn create(&self, key: &str, value: impl Into<Bytes>) -> Result<Revision, Error> {
        self.create_with(key, value, WriteOptions::default()).await
    }

    /// Creates as [`create`](Self::create) does, with options.
    ///
    /// # Errors
    /// As [`create`](Self::create); [`Error::is_invalid`] for a lifetime of zero.
    pub async fn create_with(
        &self,
        key: &str,
        value: impl Into<Bytes>,
        options: WriteOptions,
    ) -> Result<Revision, Error> {
        self.write_value(key, value.into(), options, Guard::Absent)
            .await
    }

    /// Replaces the entry at `key` if it is still at revision `expected`, and returns the new
    /// revision.
    ///
    /// Markers count: after a delete the revision to expect is the marker's. [`Revision::NONE`]
    /// expects no entry at all.
    ///
    /// # Errors
    /// [`Error::is_conflict`] when another writer came first, with the revision it left in
    /// [`Error::actual`]; [`Error::is_too_large`] above the bucket's limit.
    pub async fn update(
        &self,
        key: &str,
        expected: Revision,
        value: impl Into<Bytes>,
    ) -> Result<Revision, Error> {
        self.update_with(key, expected, value, WriteOptions::default())
            .await
    }

    /// Updates as [`update`](Self::update) does, with options.
    ///
    /// # Errors
    /// As [`update`](Self::update); [`Error::is_invalid`] for a lifetime of zero.
    pub async fn update_with(
        &self,
        key: &str,
        expected: Revision,
        value: impl Into<Bytes>,
        options: WriteOptions,
    ) -> Result<Revision, Error> {
        self.write_value(key, value.into(), options, Guard::At(expected))
            .await
    }

    /// Deletes the value at `key`: leaves a marker, whose revision is returned, above the history.
    /// A repeat, or a delete where nothing was, leaves another marker.
    pub async fn delete(&self, key: &str) -> Result<Revision, Error> {
        self.write(key, Change::Delete, Guard::Any).await
    }

    /// Deletes as [`delete`](Self::delete) does, if the entry is still at revision `expected`.
    ///
    /// # Errors
    /// [`Error::is_conflict`] when another writer came first.
    pub async fn delete_if(&self, key: &str, expected: Revision) -> Result<Revision, Error> {
        self.write(key, Change::Delete, Guard::At(expected)).await
    }

    /// Deletes the value at `key` and its history, and leaves a marker, whose revision is returned.
    pub async fn purge(&self, key: &str) -> Result<Revision, Error> {
        self.write(key, Change::Purge, Guard::Any).await
    }

    /// Purges as [`purge`](Self::purge) does, if the entry is still at revision `expected`.
    ///
    /// # Errors
    /// [`Error::is_conflict`] when another writer came first.
    pub async fn purge_if(&self, key: &str, expected: Revision) -> Result<Revision, Error> {
        self.write(key, Change::Purge, Guard::At(expected)).await
    }

    async fn write_value(
        &self,
        key: &str,
        value: Bytes,
        options: WriteOptions,
        guard: Guard,
    ) -> Result<Revision, Error> {
        let limit = self.core.value_limit_bytes.load(Ordering::Relaxed);
        if value.len() > limit {
            return Err(Error::too_large("value", limit, value.len()));
        }
        if options.ttl.is_some_and(|ttl| ttl.is_zero()) {
            return Err(Error::invalid("lifetime", "zero"));
        }
        self.write(
            key,
            Change::Put {
                value,
                ttl: options.ttl,
            },
            guard,
        )
        .await
    }

    async fn write(&self, key: &str, change: Change, guard: Guard) -> Result<Revision, Error> {
        key::check(key)?;
        let write = self.core.backend.write(key, Write { change, guard });
        within("writing an entry", self.core.deadline, write).await
    }
}

/// Watching.
impl Bucket {
    /// Watches the keys that `filter` matches, from where `from` says.
    ///
    /// All watches of a bucket in this process share one upstream watch. A watch of one key costs a
    /// few hundred bytes and is not woken by changes of other keys.
    ///
    /// # Errors
    /// [`Error::is_invalid`] for a malformed filter; [`Error::is_too_old`] for a revision that
    /// cannot be resumed from.
    pub async fn watch(
        &self,
        filter: impl TryInto<Filter, Error: Into<Error>>,
        from: WatchFrom,
    ) -> Result<Watch, Error> {
        let filter = filter.try_into().map_err(Into::into)?;
        let core = &*self.core;
        let open = async {
            core.hub.start().await?;
            // Joined before the snapshot is taken: what is written in between is heard, and what is
            // in both is told apart by the revision of the snapshot.
            let listener = core.hub.join(filter)?;
            let start = match from {
                WatchFrom::Current => {
                    core.backend
                        .snapshot(listener.filter(), Since::Latest)
                        .await?
                }
                WatchFrom::Revision(after) => {
                    core.backend
                        .snapshot(listener.filter(), Since::After(after))
                        .await?
                }
                WatchFrom::New => super::Snapshot {
                    entries: Vec::new(),
                    revision: core.backend.head().await?,
                },
            };
            Ok((listener, start))
        };
        let (listener, start) = within("starting a watch", core.deadline, open).await?;
        Ok(Watch::new(
            listener,
            start,
            from,
            self.core.clone(),
            core.watchers.enter(),
        ))
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket")
            .field("name", &self.core.name)
            .field("epoch", &self.epoch())
            .finish_non_exhaustive()
    }
}
