//! Counters that threads of several cores add to without passing a cache line to and fro.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// More shards than this save nothing that could be measured, and each costs memory for every route.
const MOST: usize = 16;

thread_local! {
    static ORDINAL: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// One copy of `T` for each core.
pub(super) struct Shards<T>(Box<[T]>);

impl<T> Shards<T> {
    pub(super) fn new(make: impl Fn() -> T) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self(
            (0..cores.next_power_of_two().min(MOST))
                .map(|_| make())
                .collect(),
        )
    }

    /// Returns the copy that this thread adds to.
    pub(super) fn mine(&self) -> &T {
        &self.0[ordinal() & (self.0.len() - 1)]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

/// Returns a number of this thread: the first that asks is 0, the next 1.
fn ordinal() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let known = ORDINAL.get();
    if known != usize::MAX {
        return known;
    }
    let new = NEXT.fetch_add(1, Ordering::Relaxed);
    ORDINAL.set(new);
    new
}
