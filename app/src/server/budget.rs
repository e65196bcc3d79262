//! How many connections and streams there may be.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::observe::Gauge;

/// Two budgets, apart from each other, so that open pages never shut visitors out.
#[derive(Debug)]
pub(super) struct Budget {
    max_visitors: usize,
    max_streams: usize,
    /// Connections that carry no stream.
    visitors: AtomicUsize,
    /// Event streams and upgraded connections.
    streams: AtomicUsize,
    pub(super) stream_gauge: Gauge,
}

impl Budget {
    pub(super) fn new(max_visitors: usize, max_streams: usize, stream_gauge: Gauge) -> Self {
        Self {
            max_visitors,
            max_streams,
            visitors: AtomicUsize::new(0),
            streams: AtomicUsize::new(0),
            stream_gauge,
        }
    }

    /// Takes a place for a visitor, if one is free.
    pub(super) fn enter(&self) -> bool {
        take(&self.visitors, self.max_visitors)
    }

    pub(super) fn leave(&self) {
        self.visitors.fetch_sub(1, Ordering::Relaxed);
    }

    /// Returns true when nine tenths of the places are taken: connections then close after their answer.
    pub(super) fn is_pressed(&self) -> bool {
        self.visitors.load(Ordering::Relaxed) > self.max_visitors - self.max_visitors.div_ceil(10)
    }

    /// Takes a place for a stream, if one is free.
    pub(super) fn enter_stream(&self) -> bool {
        take(&self.streams, self.max_streams)
    }

    pub(super) fn leave_stream(&self) {
        self.streams.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts a visitor without asking for room: a connection whose stream has ended is there already.
    pub(super) fn come_back(&self) {
        self.visitors.fetch_add(1, Ordering::Relaxed);
    }
}

/// Adds one to a count, unless it has reached its limit.
fn take(count: &AtomicUsize, limit: usize) -> bool {
    if count.fetch_add(1, Ordering::Relaxed) < limit {
        return true;
    }
    count.fetch_sub(1, Ordering::Relaxed);
    false
}
