//! Buckets of revisioned values.

mod backend;
mod bucket;
mod config;
mod entry;
mod watch;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use self::backend::{BucketBackend, Change, Guard, KvBackend, Since, Snapshot, Write};
use self::bucket::Core;
pub use self::bucket::{Bucket, WriteOptions};
pub use self::config::{BucketConfig, MAX_HISTORY, MAX_VALUE_BYTES};
pub use self::entry::{Entry, Operation, Revision};
pub use self::watch::{Watch, WatchEvent, WatchFrom};
use crate::Error;
use crate::deadline::within;
use crate::stats::Gauge;

/// The store of buckets. A clone is a handle on the same store.
#[derive(Clone)]
pub struct Kv {
    shared: Arc<Shared>,
}

struct Shared {
    backend: Arc<dyn KvBackend>,
    deadline: Duration,
    watchers: Gauge,
    /// One core per bucket, so that all handles of a bucket share one upstream watch. Never
    /// shrinks: an application has as many buckets as it has kinds of data.
    open: Mutex<HashMap<String, Arc<Core>>>,
}

impl Kv {
    /// Puts buckets, watches and deadlines on top of `backend`.
    pub fn new(backend: impl KvBackend, deadline: Duration) -> Self {
        let shared = Shared {
            backend: Arc::new(backend),
            deadline,
            watchers: Gauge::default(),
            open: Mutex::new(HashMap::new()),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Opens a bucket: creates it, or gives the one that exists the settings in `config`.
    ///
    /// Opened twice, it gives two handles on the same bucket; the settings that came last hold.
    ///
    /// # Errors
    /// [`Error::is_invalid`] for a name or setting outside its range; [`Error::is_unavailable`],
    /// [`Error::is_timeout`].
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped call has made the bucket or not.
    pub async fn bucket(&self, config: BucketConfig) -> Result<Bucket, Error> {
        config.check()?;
        let shared = &*self.shared;
        let name = config.name().to_owned();
        let backend = within(
            "opening a bucket",
            shared.deadline,
            shared.backend.open(config.clone()),
        )
        .await?;
        let mut open = shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        // The same bucket keeps its core. One that was removed and made again has another epoch and
        // begins anew.
        let core = match open.get(&name) {
            Some(core) if core.epoch() == backend.epoch() => core.clone(),
            _ => {
                let core = Arc::new(Core::new(
                    name.clone(),
                    backend,
                    shared.deadline,
                    shared.watchers.clone(),
                ));
                open.insert(name, core.clone());
                core
            }
        };
        core.configure(&config);
        Ok(Bucket::new(core))
    }

    /// Returns the names of all buckets, sorted.
    ///
    /// # Errors
    /// [`Error::is_unavailable`], [`Error::is_timeout`].
    pub async fn buckets(&self) -> Result<Vec<String>, Error> {
        let mut names = within(
            "listing buckets",
            self.shared.deadline,
            self.shared.backend.names(),
        )
        .await?;
        names.sort_unstable();
        Ok(names)
    }

    /// Returns Ok when the store answers.
    ///
    /// # Errors
    /// What keeps it from answering.
    pub async fn ready(&self) -> Result<(), Error> {
        within(
            "asking the store",
            self.shared.deadline,
            self.shared.backend.ready(),
        )
        .await
    }

    /// Ends all watches, writes what is left to write and lets go of the store. A second call does
    /// nothing.
    ///
    /// # Errors
    /// What kept the backend from closing cleanly; what was acknowledged is safe all the same.
    pub async fn close(&self) -> Result<(), Error> {
        let open: Vec<_> = {
            let open = self
                .shared
                .open
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            open.values().cloned().collect()
        };
        for core in open {
            core.close();
        }
        self.shared.backend.close().await
    }

    /// Returns how many watches are open.
    pub fn watchers(&self) -> usize {
        self.shared.watchers.count()
    }
}

impl fmt::Debug for Kv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kv")
            .field("watchers", &self.watchers())
            .finish_non_exhaustive()
    }
}
