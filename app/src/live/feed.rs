//! The latest state of a bucket, for any number of pages.

mod snapshot;
mod task;

pub use snapshot::{Item, Snapshot};

use pleach_driver::{Bucket, Entry};
use std::{
    collections::HashMap,
    error, fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A bucket as a state that is always at hand: one watch and one reading of each value per process, however many pages
/// follow it.
///
/// A page that follows is handed the newest state and, when it comes back for more, the newest again: what happened in
/// between is skipped, so a slow page neither lags nor costs more than a fast one. What was deleted or has expired is not in
/// the state. While the store is away the last state stays; afterwards the watch goes on where it was.
///
/// A clone is a handle on the same feed.
pub struct Feed<T> {
    hub: Arc<Hub<T>>,
}

/// What the task publishes and the pages follow.
struct Hub<T> {
    /// `None` until the watch has caught up for the first time.
    state: watch::Sender<Option<Arc<Snapshot<T>>>>,
    keys: Mutex<Keys<T>>,
}

/// The keys that someone follows.
type Keys<T> = HashMap<Arc<str>, watch::Sender<Option<Item<T>>>>;

impl<T: Send + Sync + 'static> Feed<T> {
    /// Returns a feed of all values in `bucket`, and the task that keeps it, to be spawned by whoever owns tasks.
    ///
    /// The task ends when `stop` is cancelled or the driver is closed; until then it survives every fault of the store.
    /// `read` turns a value into what pages need. A value that it refuses is logged and left out, as if it were not there.
    pub fn new<E>(
        bucket: Bucket,
        stop: CancellationToken,
        read: impl Fn(&Entry) -> Result<T, E> + Send + 'static,
    ) -> (Self, impl Future<Output = ()> + Send + 'static)
    where
        E: Into<Box<dyn error::Error + Send + Sync>> + 'static,
    {
        let hub = Arc::new(Hub {
            state: watch::Sender::new(None),
            keys: Mutex::default(),
        });
        let read = move |entry: &Entry| read(entry).map_err(Into::into);
        let task = task::run(bucket, hub.clone(), read);
        let task = async move {
            stop.run_until_cancelled_owned(task).await;
        };
        (Self { hub }, task)
    }

    /// Returns the newest state, `None` before there was any: the store has not answered yet.
    pub fn latest(&self) -> Option<Arc<Snapshot<T>>> {
        self.hub.state.borrow().clone()
    }

    /// Waits for the first state and returns the newest. A handler gives this a deadline, to answer 503 in time.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn ready(&self) -> Arc<Snapshot<T>> {
        let mut state = self.hub.state.subscribe();
        let state = state
            .wait_for(Option::is_some)
            .await
            .expect("the hub, which is borrowed here, holds the sender");
        state.clone().expect("waited for")
    }

    /// Follows the whole bucket.
    pub fn follow(&self) -> Follower<T> {
        // Marked as changed, so that the first call is handed the state as it is.
        let mut state = self.hub.state.subscribe();
        state.mark_changed();
        Follower {
            state,
            _hub: self.hub.clone(),
        }
    }

    /// Follows what stands at one key. Changes of other keys do not wake it.
    pub fn follow_key(&self, key: &str) -> KeyFollower<T> {
        let mut keys = self.hub.lock_keys();
        let sender = keys.entry(key.into()).or_insert_with(|| {
            // Under the lock that the task takes to publish: either it is here in time to be published to, or it reads
            // the state that was published before.
            let item = self
                .hub
                .state
                .borrow()
                .as_ref()
                .and_then(|state| state.get(key).cloned());
            watch::Sender::new(item)
        });
        let mut item = sender.subscribe();
        item.mark_changed();
        KeyFollower {
            key: key.into(),
            item: Some(item),
            feed: self.clone(),
        }
    }
}

impl<T> Hub<T> {
    fn lock_keys(&self) -> MutexGuard<'_, Keys<T>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A page's view of a whole [`Feed`].
pub struct Follower<T> {
    state: watch::Receiver<Option<Arc<Snapshot<T>>>>,
    /// Keeps the sender alive: a follower waits, it never fails.
    _hub: Arc<Hub<T>>,
}

impl<T> Follower<T> {
    /// Returns the state as it is, the first time; after that, waits for a newer one than it returned last.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped call has skipped nothing.
    pub async fn next(&mut self) -> Arc<Snapshot<T>> {
        loop {
            self.state
                .changed()
                .await
                .expect("the hub, which is held here, holds the sender");
            if let Some(state) = &*self.state.borrow_and_update() {
                return state.clone();
            }
        }
    }
}

/// A page's view of one key of a [`Feed`].
pub struct KeyFollower<T> {
    key: Arc<str>,
    /// Taken when it is dropped.
    item: Option<watch::Receiver<Option<Item<T>>>>,
    feed: Feed<T>,
}

impl<T: Send + Sync + 'static> KeyFollower<T> {
    /// Returns what stands at the key, the first time; after that, waits for a change. `None`: nothing stands there, it was
    /// deleted or has expired.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped call has skipped nothing.
    pub async fn next(&mut self) -> Option<Item<T>> {
        // Before the first state a key that is there looks like one that is not.
        self.feed.ready().await;
        let item = self.item.as_mut().expect("taken only by drop");
        item.changed()
            .await
            .expect("the key has a sender while it is followed");
        item.borrow_and_update().clone()
    }
}

/// Forgets a key that nobody follows any more.
impl<T> Drop for KeyFollower<T> {
    fn drop(&mut self) {
        let mut keys = self.feed.hub.lock_keys();
        self.item = None;
        if keys
            .get(&self.key)
            .is_some_and(|sender| sender.receiver_count() == 0)
        {
            keys.remove(&self.key);
        }
    }
}

impl<T> Clone for Feed<T> {
    fn clone(&self) -> Self {
        Self {
            hub: self.hub.clone(),
        }
    }
}

impl<T> fmt::Debug for Feed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.hub.state.borrow().as_ref().map(|state| state.id());
        f.debug_struct("Feed")
            .field("id", &id)
            .field("followers", &self.hub.state.receiver_count())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Follower<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for KeyFollower<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFollower")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pleach_driver::{BucketConfig, Driver};

    #[tokio::test]
    async fn a_key_that_nobody_follows_any_more_is_forgotten() {
        let driver = Driver::open("memory:").await.unwrap();
        let bucket = driver.kv().bucket(BucketConfig::new("keys")).await.unwrap();
        let read = |_: &Entry| Ok::<_, std::fmt::Error>(());
        let (feed, _task) = Feed::new(bucket, CancellationToken::new(), read);
        let (first, second) = (feed.follow_key("a"), feed.follow_key("a"));
        drop(first);
        assert_eq!(feed.hub.lock_keys().len(), 1, "one follows it still");
        drop(second);
        assert!(feed.hub.lock_keys().is_empty());
    }
}
