//! A bucket of the embedded store.

use std::sync::{Arc, PoisonError, RwLock};

use super::row::{BucketId, BucketRow, Settings};
use super::store::Store;
use crate::boxed::BoxFuture;
use crate::fanout::{Group, Limits, Reader as Tap, Upstream};
use crate::kv::{BucketBackend, Entry, Revision, Since, Snapshot, Write};
use crate::{Error, Filter};

/// How far the hub may fall behind the writer before it reads from the store again what it missed.
pub(super) const TAP_LIMITS: Limits = Limits {
    items: 64 * 1024,
    bytes: 64 * 1024 * 1024,
};

/// What a bucket is while the store is open.
pub(super) struct State {
    pub(super) id: BucketId,
    pub(super) epoch: String,
    settings: RwLock<Settings>,
    /// Where the writer tells of changes, in order, once they are durable.
    pub(super) changes: Arc<Group<Entry>>,
}

impl State {
    pub(super) fn new(row: BucketRow) -> Self {
        let BucketRow {
            id,
            epoch,
            settings,
        } = row;
        Self {
            id,
            epoch,
            settings: RwLock::new(settings),
            changes: Arc::new(Group::new(TAP_LIMITS)),
        }
    }

    pub(super) fn settings(&self) -> Settings {
        *self.settings.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_settings(&self, settings: Settings) {
        *self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner) = settings;
    }
}

/// A handle on a bucket of the embedded store.
pub(super) struct EmbeddedBucket {
    store: Arc<Store>,
    state: Arc<State>,
}

impl EmbeddedBucket {
    pub(super) fn new(store: Arc<Store>, state: Arc<State>) -> Self {
        Self { store, state }
    }

    async fn snapshot(&self, filter: &Filter, since: Since) -> Result<Snapshot, Error> {
        let (id, settings) = (self.state.id, self.state.settings());
        // One key is a handful of rows, nearly always in memory: sooner read than handed over.
        if filter.as_key().is_some() {
            return self
                .store
                .reader()?
                .snapshot(id, &settings, filter, since)?;
        }
        let filter = filter.clone();
        self.store
            .read(move |reader| reader.snapshot(id, &settings, &filter, since))
            .await?
    }

    async fn follow(&self, after: Revision) -> Result<Box<dyn Upstream<Entry>>, Error> {
        // Joined before the snapshot is taken: what is in both is told apart by its revision.
        let tap = self.state.changes.join();
        let missed = self.snapshot(&Filter::all(), Since::After(after)).await?;
        let upstream = Follow {
            missed: missed.entries.into_iter().map(Arc::new).collect(),
            revision: missed.revision,
            tap,
        };
        Ok(Box::new(upstream))
    }
}

impl BucketBackend for EmbeddedBucket {
    fn epoch(&self) -> &str {
        &self.state.epoch
    }

    fn write<'a>(&'a self, key: &'a str, write: Write) -> BoxFuture<'a, Result<Revision, Error>> {
        Box::pin(self.store.write(&self.state, key, write))
    }

    fn entry<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        Box::pin(async move {
            let reader = self.store.reader()?;
            Ok(reader.entry(self.state.id, &self.state.settings(), key)?)
        })
    }

    fn history<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        Box::pin(async move {
            let reader = self.store.reader()?;
            Ok(reader.history(self.state.id, &self.state.settings(), key)?)
        })
    }

    fn keys<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<Vec<String>, Error>> {
        Box::pin(async move {
            let (id, settings, filter) = (self.state.id, self.state.settings(), filter.clone());
            self.store
                .read(move |reader| reader.keys(id, &settings, &filter))
                .await
        })
    }

    fn snapshot<'a>(
        &'a self,
        filter: &'a Filter,
        since: Since,
    ) -> BoxFuture<'a, Result<Snapshot, Error>> {
        Box::pin(self.snapshot(filter, since))
    }

    fn head(&self) -> BoxFuture<'_, Result<Revision, Error>> {
        Box::pin(async move { Ok(self.store.reader()?.head(self.state.id)?.last) })
    }

    fn follow(&self, after: Revision) -> BoxFuture<'_, Result<Box<dyn Upstream<Entry>>, Error>> {
        Box::pin(self.follow(after))
    }
}

/// The changes of a bucket: those of before, then those that the writer tells of.
struct Follow {
    missed: Vec<Arc<Entry>>,
    /// The revision up to which everything was in `missed`.
    revision: Revision,
    tap: Tap<Entry>,
}

impl Follow {
    async fn changes(&mut self) -> Result<Vec<Arc<Entry>>, Error> {
        if !self.missed.is_empty() {
            return Ok(std::mem::take(&mut self.missed));
        }
        loop {
            let mut changes = self.tap.next_all().await?;
            changes.retain(|change| change.revision > self.revision);
            if !changes.is_empty() {
                return Ok(changes);
            }
        }
    }
}

impl Upstream<Entry> for Follow {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Arc<Entry>>, Error>> {
        Box::pin(self.changes())
    }
}
