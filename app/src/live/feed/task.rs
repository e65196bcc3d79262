//! The task that keeps a feed: one watch, resumed after every fault.

use super::{Hub, Item, Snapshot};
use crate::live::EventId;
use pleach_driver::{Bucket, Entry, Error, Filter, Watch, WatchEvent, WatchFrom};
use std::{
    error,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

/// How long after a fault the watch is opened again, at first and at most.
const RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// How many changes are taken in before they are shown, when they come faster than they can be shown one by one.
const BATCH: usize = 1_024;

/// Follows the bucket until the driver is closed.
pub(super) async fn run<T, R>(bucket: Bucket, hub: Arc<Hub<T>>, read: R)
where
    R: Fn(&Entry) -> Result<T, Box<dyn error::Error + Send + Sync>>,
{
    let mut task = Task {
        bucket,
        hub,
        read,
        from: WatchFrom::Current,
    };
    let mut retry = RETRY;
    loop {
        let before = task.from;
        let error = match task.bucket.watch(Filter::all(), before).await {
            Ok(watch) => task.follow(watch).await,
            Err(error) => error,
        };
        if error.is_closed() {
            return;
        }
        if error.is_too_old() {
            task.from = WatchFrom::Current;
        } else if task.from != before {
            retry = RETRY;
        }
        if !error.is_lagged() {
            tracing::warn!(bucket = task.bucket.name(), %error, "a feed has lost its watch and will resume it");
            tokio::time::sleep(retry).await;
            retry = LONGEST_RETRY.min(retry * 2);
        }
    }
}

struct Task<T, R> {
    bucket: Bucket,
    hub: Arc<Hub<T>>,
    read: R,
    /// Where the next watch begins: behind all that was shown.
    from: WatchFrom,
}

impl<T, R> Task<T, R>
where
    R: Fn(&Entry) -> Result<T, Box<dyn error::Error + Send + Sync>>,
{
    /// Shows every change until the watch ends; returns why.
    async fn follow(&mut self, mut watch: Watch) -> Error {
        if self.from == WatchFrom::Current {
            // A state that starts whole is shown when it is whole, so that no page sees it grow.
            let mut whole = Snapshot::empty(EventId::epoch_of(self.bucket.epoch()));
            loop {
                match next(&mut watch).await {
                    Ok(WatchEvent::Entry(entry)) => whole.apply(&entry, &self.read),
                    Ok(_caught_up) => break,
                    Err(error) => return error,
                }
            }
            whole.reach(watch.position());
            self.hub.replace(whole);
            self.from = WatchFrom::Revision(watch.position());
        }
        loop {
            let mut batch = Vec::new();
            let mut end = None;
            let mut event = Some(next(&mut watch).await);
            while let Some(taken) = event {
                match taken {
                    Ok(WatchEvent::Entry(entry)) => batch.push(entry),
                    Ok(_caught_up) => {}
                    Err(error) => end = Some(error),
                }
                let more = end.is_none() && batch.len() < BATCH;
                event = if more {
                    at_once(next(&mut watch)).await
                } else {
                    None
                };
            }
            self.hub.change(&batch, &self.read);
            self.from = WatchFrom::Revision(watch.position());
            if let Some(error) = end {
                return error;
            }
        }
    }
}

/// The next event; a watch that just ends was closed.
async fn next(watch: &mut Watch) -> Result<WatchEvent, Error> {
    watch.next().await.unwrap_or_else(|| Err(Error::closed()))
}

/// Returns what `future` has ready, without waiting.
async fn at_once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        Poll::Ready(match future.as_mut().poll(cx) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

impl<T> Hub<T> {
    /// Shows a state that was put together anew.
    fn replace(&self, whole: Snapshot<T>) {
        let whole = Arc::new(whole);
        self.state.send_replace(Some(whole.clone()));
        for (key, sender) in &*self.lock_keys() {
            let fresh = whole.get(key).cloned();
            sender.send_if_modified(|item| {
                let changed = revision(item) != revision(&fresh);
                *item = fresh;
                changed
            });
        }
    }

    /// Shows a few changes of the present state.
    fn change<R>(&self, batch: &[Arc<Entry>], read: &R)
    where
        R: Fn(&Entry) -> Result<T, Box<dyn error::Error + Send + Sync>>,
    {
        if batch.is_empty() {
            return;
        }
        self.state.send_modify(|state| {
            // Copied only if some page still looks at the old one.
            let state = Arc::make_mut(state.as_mut().expect("whole before it changes"));
            batch.iter().for_each(|entry| state.apply(entry, read));
        });
        let keys = self.lock_keys();
        let state = self.state.borrow();
        let state = state.as_ref().expect("whole before it changes");
        for entry in batch {
            if let Some(sender) = keys.get(entry.key.as_str()) {
                sender.send_replace(state.get(&entry.key).cloned());
            }
        }
    }
}

fn revision<T>(item: &Option<Item<T>>) -> Option<u64> {
    item.as_ref().map(|item| item.revision)
}
