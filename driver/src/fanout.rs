//! One upstream that feeds any number of local listeners, each of which has its own filter.
//!
//! Buckets and streams hand out what changes in the same way: numbered, in order, by key or
//! subject. What differs between them is where an item comes from, and is behind [`Source`].

mod group;
mod hub;

use std::sync::Arc;

pub(crate) use self::group::{End, Group, Limits, Reader};
pub(crate) use self::hub::{Hub, Listener};
use crate::Error;
use crate::boxed::BoxFuture;

/// What is handed out: an entry of a bucket, a message of a stream.
pub(crate) trait Item: Send + Sync + 'static {
    /// The key or subject, which filters match on.
    fn key(&self) -> &str;

    /// The number, which only rises.
    fn position(&self) -> u64;

    /// How much it weighs while it waits to be read.
    fn bytes(&self) -> usize;
}

/// Where items come from.
pub(crate) trait Source<T>: Send + Sync + 'static {
    /// Returns the number of the last item.
    fn head(&self) -> BoxFuture<'_, Result<u64, Error>>;

    /// Follows all items after `after`. Fails with [`Error::is_too_old`] when that cannot be done
    /// without a gap.
    fn follow(&self, after: u64) -> BoxFuture<'_, Result<Box<dyn Upstream<T>>, Error>>;
}

/// The one upstream of a bucket or stream and process.
pub trait Upstream<T>: Send {
    /// Waits for what comes next: at least one item, by rising number. Nothing that is kept is left
    /// out and nothing yielded twice.
    ///
    /// Any error ends this upstream; the caller follows anew from the last number that it got.
    /// [`Error::is_closed`] and [`Error::is_too_old`] are final for the listeners too.
    ///
    /// Cancel safe: what a dropped call would have returned comes with the next.
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Arc<T>>, Error>>;
}
