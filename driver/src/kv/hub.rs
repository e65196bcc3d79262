//! One upstream watch per bucket and process, and the local watchers that it feeds.
//!
//! The hub stands above the backend, so that every backend gets it: the upstream's task hands each
//! change to the groups whose filter matches. A group of one key is found by the key, so that a
//! change costs nothing to watchers of other keys; groups of patterns are tried one by one, each
//! once, whatever the number of its watchers.
//!
//! The upstream begins with the first watcher and lasts as long as the bucket is open. When it
//! fails, the task follows anew from the last revision it got: watchers notice nothing. Only if
//! that cannot be done without a gap are they ended, with an error that tells them to start whole.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tracing::{debug, warn};

use super::backend::{BucketBackend, Upstream};
use super::group::{End, Group, Limits, Reader};
use super::{Entry, Revision};
use crate::{Error, Filter};

/// How far a watcher may fall behind before it is ended.
const LIMITS: Limits = Limits {
    entries: 1024,
    bytes: 4 * 1024 * 1024,
};

/// The wait before a failed upstream is followed anew: none at first, then this, doubled up to the
/// cap.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const MAX_BACKOFF: Duration = Duration::from_secs(2);

pub(super) struct Hub {
    shared: Arc<Shared>,
    bucket: String,
    backend: Arc<dyn BucketBackend>,
    feed: OnceCell<Feed>,
}

/// The upstream's task; it ends with the hub.
struct Feed(JoinHandle<()>);

impl Drop for Feed {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Default)]
struct Shared {
    groups: Mutex<Groups>,
}

#[derive(Default)]
struct Groups {
    /// By key; the text is shared with the filters.
    keys: HashMap<Arc<str>, Arc<Group>>,
    patterns: HashMap<Filter, Arc<Group>>,
    closed: bool,
}

impl Hub {
    pub(super) fn new(bucket: String, backend: Arc<dyn BucketBackend>) -> Self {
        Self {
            shared: Arc::default(),
            bucket,
            backend,
            feed: OnceCell::new(),
        }
    }

    /// Makes sure that the upstream is followed. Spawns a task the first time.
    ///
    /// Cancel safe: the next call begins again.
    pub(super) async fn start(&self) -> Result<(), Error> {
        let begin = async {
            let position = self.backend.head().await?;
            let upstream = self.backend.follow(position).await?;
            let follower = Follower {
                shared: self.shared.clone(),
                bucket: self.bucket.clone(),
                backend: self.backend.clone(),
                position,
            };
            Ok(Feed(tokio::spawn(follower.run(upstream))))
        };
        self.feed.get_or_try_init(|| begin).await.map(|_| ())
    }

    /// Adds a watcher, which hears every change that is delivered from now on.
    pub(super) fn join(&self, filter: Filter) -> Result<Listener, Error> {
        let mut groups = self.shared.groups();
        if groups.closed {
            return Err(Error::closed());
        }
        let reader = match filter.as_key() {
            Some(_) => groups
                .keys
                .entry(filter.text())
                .or_insert_with(new_group)
                .join(),
            None => groups
                .patterns
                .entry(filter.clone())
                .or_insert_with(new_group)
                .join(),
        };
        Ok(Listener {
            shared: self.shared.clone(),
            filter,
            reader: Some(reader),
        })
    }

    /// Ends all watchers and takes no more.
    pub(super) fn close(&self) {
        self.shared.groups().closed = true;
        self.shared.end_all(End::Closed);
        if let Some(feed) = self.feed.get() {
            feed.0.abort();
        }
    }
}

fn new_group() -> Arc<Group> {
    Arc::new(Group::new(LIMITS))
}

impl Groups {
    /// Forgets the group of `filter` when nobody is left in it.
    fn tidy(&mut self, filter: &Filter) {
        match filter.as_key() {
            Some(key) if self.keys.get(key).is_some_and(|group| !group.has_readers()) => {
                self.keys.remove(key);
            }
            None if self
                .patterns
                .get(filter)
                .is_some_and(|group| !group.has_readers()) =>
            {
                self.patterns.remove(filter);
            }
            _ => {}
        }
    }
}

impl Shared {
    fn groups(&self) -> MutexGuard<'_, Groups> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deliver(&self, changes: &[Arc<Entry>]) {
        let mut touched: Vec<Arc<Group>> = Vec::new();
        {
            let groups = self.groups();
            let mut push = |group: &Arc<Group>, change| {
                if group.push(change) {
                    touched.push(group.clone());
                }
            };
            for change in changes {
                if let Some(group) = groups.keys.get(change.key.as_str()) {
                    push(group, change);
                }
                for (_, group) in groups
                    .patterns
                    .iter()
                    .filter(|(filter, _)| filter.matches(&change.key))
                {
                    push(group, change);
                }
            }
        }
        for group in touched {
            group.wake();
        }
    }

    fn end_all(&self, end: End) {
        let ended: Vec<_> = {
            let mut groups = self.groups();
            let Groups {
                keys,
                patterns,
                closed: _,
            } = &mut *groups;
            keys.drain()
                .map(|(_, group)| group)
                .chain(patterns.drain().map(|(_, group)| group))
                .collect()
        };
        for group in ended {
            group.end(end);
            group.wake();
        }
    }
}

/// A watcher's place in the hub; dropped, the hub forgets it.
pub(super) struct Listener {
    shared: Arc<Shared>,
    filter: Filter,
    /// Always there until the drop.
    reader: Option<Reader>,
}

impl Listener {
    pub(super) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Waits for the next change. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Arc<Entry>, Error> {
        match &mut self.reader {
            Some(reader) => reader.next().await,
            None => Err(Error::closed()),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut groups = self.shared.groups();
        self.reader = None;
        groups.tidy(&self.filter);
    }
}

/// The upstream's task.
struct Follower {
    shared: Arc<Shared>,
    bucket: String,
    backend: Arc<dyn BucketBackend>,
    /// The last revision delivered.
    position: Revision,
}

impl Follower {
    async fn run(mut self, mut upstream: Box<dyn Upstream>) {
        let mut backoff = Duration::ZERO;
        loop {
            let error = match upstream.next().await {
                Ok(changes) => {
                    if let Some(last) = changes.last() {
                        self.position = last.revision;
                    }
                    self.shared.deliver(&changes);
                    backoff = Duration::ZERO;
                    continue;
                }
                Err(error) => error,
            };
            debug!(bucket = self.bucket, %error, "the upstream watch was interrupted");
            upstream = match self.follow_anew(error, &mut backoff).await {
                Some(upstream) => upstream,
                None => return,
            };
        }
    }

    /// Follows from where it stopped, for as long as it takes; `None` when the bucket is closed.
    async fn follow_anew(
        &mut self,
        mut error: Error,
        backoff: &mut Duration,
    ) -> Option<Box<dyn Upstream>> {
        let mut broken = false;
        loop {
            if error.is_closed() {
                self.shared.end_all(End::Closed);
                return None;
            }
            if error.is_too_old() && !broken {
                warn!(bucket = self.bucket, %error, "a watch has a gap: its watchers start whole");
                broken = true;
            }
            tokio::time::sleep(*backoff).await;
            *backoff = (*backoff * 2).clamp(FIRST_BACKOFF, MAX_BACKOFF);
            match self.follow(broken).await {
                Ok(upstream) => {
                    // Only now: whoever joins from here on takes its snapshot after the new
                    // position.
                    if broken {
                        self.shared.end_all(End::Broken);
                    }
                    return Some(upstream);
                }
                Err(later) => error = later,
            }
        }
    }

    async fn follow(&mut self, afresh: bool) -> Result<Box<dyn Upstream>, Error> {
        if afresh {
            self.position = self.backend.head().await?;
        }
        self.backend.follow(self.position).await
    }
}
