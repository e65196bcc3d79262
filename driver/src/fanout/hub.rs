//! One upstream per bucket or stream and process, and the local listeners that it feeds.
//!
//! The hub stands above the backend, so that every backend gets it: the upstream's task hands each
//! item to the groups whose filter matches. A group of one key is found by the key, so that an item
//! costs nothing to listeners of other keys; groups of patterns are tried one by one, each once,
//! whatever the number of its listeners.
//!
//! The upstream begins with the first listener and lasts as long as the bucket or stream is open.
//! When it fails, the task follows anew from the last item it got: listeners notice nothing. Only
//! if that cannot be done without a gap are they ended, with an error that tells them to start
//! whole.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tracing::{debug, warn};

use super::group::{End, Group, Limits, Reader};
use super::{Item, Source, Upstream};
use crate::{Error, Filter};

/// How far a listener may fall behind before it is ended.
const LIMITS: Limits = Limits {
    items: 1024,
    bytes: 4 * 1024 * 1024,
};

/// The wait before a failed upstream is followed anew: none at first, then this, doubled up to the
/// cap.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const MAX_BACKOFF: Duration = Duration::from_secs(2);

pub(crate) struct Hub<T: Item> {
    shared: Arc<Shared<T>>,
    /// Of the bucket or stream, for the log.
    name: String,
    source: Arc<dyn Source<T>>,
    feed: OnceCell<Feed>,
}

/// The upstream's task; it ends with the hub.
struct Feed(JoinHandle<()>);

impl Drop for Feed {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Shared<T> {
    groups: Mutex<Groups<T>>,
}

struct Groups<T> {
    /// By key; the text is shared with the filters.
    keys: HashMap<Arc<str>, Arc<Group<T>>>,
    patterns: HashMap<Filter, Arc<Group<T>>>,
    closed: bool,
}

impl<T: Item> Hub<T> {
    pub(crate) fn new(name: String, source: Arc<dyn Source<T>>) -> Self {
        let groups = Groups {
            keys: HashMap::new(),
            patterns: HashMap::new(),
            closed: false,
        };
        Self {
            shared: Arc::new(Shared {
                groups: Mutex::new(groups),
            }),
            name,
            source,
            feed: OnceCell::new(),
        }
    }

    /// Makes sure that the upstream is followed. Spawns a task the first time.
    ///
    /// Cancel safe: the next call begins again.
    pub(crate) async fn start(&self) -> Result<(), Error> {
        let begin = async {
            let position = self.source.head().await?;
            let upstream = self.source.follow(position).await?;
            let follower = Follower {
                shared: self.shared.clone(),
                name: self.name.clone(),
                source: self.source.clone(),
                position,
            };
            Ok(Feed(tokio::spawn(follower.run(upstream))))
        };
        self.feed.get_or_try_init(|| begin).await.map(|_| ())
    }

    /// Adds a listener, which hears every item that is delivered from now on.
    pub(crate) fn join(&self, filter: Filter) -> Result<Listener<T>, Error> {
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

    /// Ends all listeners and takes no more.
    pub(crate) fn close(&self) {
        self.shared.groups().closed = true;
        self.shared.end_all(End::Closed);
        if let Some(feed) = self.feed.get() {
            feed.0.abort();
        }
    }
}

fn new_group<T: Item>() -> Arc<Group<T>> {
    Arc::new(Group::new(LIMITS))
}

impl<T: Item> Groups<T> {
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

impl<T: Item> Shared<T> {
    fn groups(&self) -> MutexGuard<'_, Groups<T>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deliver(&self, items: &[Arc<T>]) {
        let mut touched: Vec<Arc<Group<T>>> = Vec::new();
        {
            let groups = self.groups();
            let mut push = |group: &Arc<Group<T>>, item| {
                if group.push(item) {
                    touched.push(group.clone());
                }
            };
            for item in items {
                if let Some(group) = groups.keys.get(item.key()) {
                    push(group, item);
                }
                for (_, group) in groups
                    .patterns
                    .iter()
                    .filter(|(filter, _)| filter.matches(item.key()))
                {
                    push(group, item);
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

/// A listener's place in the hub; dropped, the hub forgets it.
pub(crate) struct Listener<T: Item> {
    shared: Arc<Shared<T>>,
    filter: Filter,
    /// Always there until the drop.
    reader: Option<Reader<T>>,
}

impl<T: Item> Listener<T> {
    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Waits for the next item. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Arc<T>, Error> {
        match &mut self.reader {
            Some(reader) => reader.next().await,
            None => Err(Error::closed()),
        }
    }
}

impl<T: Item> Drop for Listener<T> {
    fn drop(&mut self) {
        let mut groups = self.shared.groups();
        self.reader = None;
        groups.tidy(&self.filter);
    }
}

/// The upstream's task.
struct Follower<T: Item> {
    shared: Arc<Shared<T>>,
    name: String,
    source: Arc<dyn Source<T>>,
    /// The last item delivered.
    position: u64,
}

impl<T: Item> Follower<T> {
    async fn run(mut self, mut upstream: Box<dyn Upstream<T>>) {
        let mut backoff = Duration::ZERO;
        loop {
            let error = match upstream.next().await {
                Ok(items) => {
                    if let Some(last) = items.last() {
                        self.position = last.position();
                    }
                    self.shared.deliver(&items);
                    backoff = Duration::ZERO;
                    continue;
                }
                Err(error) => error,
            };
            debug!(name = self.name, %error, "an upstream was interrupted");
            upstream = match self.follow_anew(error, &mut backoff).await {
                Some(upstream) => upstream,
                None => return,
            };
        }
    }

    /// Follows from where it stopped, for as long as it takes; `None` when it is closed.
    async fn follow_anew(
        &mut self,
        mut error: Error,
        backoff: &mut Duration,
    ) -> Option<Box<dyn Upstream<T>>> {
        let mut broken = false;
        loop {
            if error.is_closed() || error.is_not_found() {
                let gone = error.is_not_found();
                self.shared
                    .end_all(if gone { End::Gone } else { End::Closed });
                return None;
            }
            if error.is_too_old() && !broken {
                warn!(name = self.name, %error, "an upstream has a gap: its listeners start whole");
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

    async fn follow(&mut self, afresh: bool) -> Result<Box<dyn Upstream<T>>, Error> {
        if afresh {
            self.position = self.source.head().await?;
        }
        self.source.follow(self.position).await
    }
}
