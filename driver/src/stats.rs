//! Gauges: how many of a thing live right now.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a driver carries at the moment, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Open watches.
    pub watchers: usize,
    /// Open followers of streams.
    pub followers: usize,
    /// Open subscriptions.
    pub subscriptions: usize,
}

/// A count of living things; a clone counts the same things.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauge(Arc<AtomicUsize>);

impl Gauge {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts one more until the guard is dropped.
    pub(crate) fn enter(&self) -> Counted {
        self.0.fetch_add(1, Ordering::Relaxed);
        Counted(self.0.clone())
    }
}

/// One living thing.
#[derive(Debug)]
pub(crate) struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
