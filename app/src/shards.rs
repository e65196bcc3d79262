//! Counters that threads of several cores add to without passing a cache line to and fro.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// More shards than this save nothing that could be measured, and each costs memory for every route.
const MOST: usize = 16;

thread_local! {
    static ORDINAL: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Copies of `T`: one for each of the first threads that ask, as many as there are cores, and others that the rest share.
pub(crate) struct Shards<T> {
    all: Box<[Line<T>]>,
    /// How many of them belong to one thread each; they come first.
    owned: usize,
}

/// A shard on cache lines of its own: two, because processors fetch them in pairs.
#[repr(align(128))]
struct Line<T>(T);

/// The shard of this thread.
#[derive(Clone, Copy)]
pub(crate) struct Mine<'s, T> {
    pub(crate) shard: &'s T,
    is_owned: bool,
}

impl<T> Shards<T> {
    pub(crate) fn new(make: impl Fn() -> T) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let owned = cores.min(MOST);
        let shared = if cores > MOST { MOST } else { 1 };
        Self {
            all: (0..owned + shared).map(|_| Line(make())).collect(),
            owned,
        }
    }

    /// Returns the copy that this thread adds to.
    pub(crate) fn mine(&self) -> Mine<'_, T> {
        let ordinal = ordinal();
        let is_owned = ordinal < self.owned;
        let place = if is_owned {
            ordinal
        } else {
            self.owned + ordinal % (self.all.len() - self.owned)
        };
        Mine {
            shard: &self.all[place].0,
            is_owned,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.all.iter().map(|line| &line.0)
    }
}

impl<T> Mine<'_, T> {
    /// Returns true when no other thread ever adds to this shard.
    pub(crate) fn is_owned(&self) -> bool {
        self.is_owned
    }

    /// Adds to a counter of this shard. Where it is this thread's own, that takes no locked instruction.
    pub(crate) fn add(&self, counter: &AtomicU64, more: u64) {
        if self.is_owned {
            let count = counter.load(Ordering::Relaxed);
            counter.store(count.wrapping_add(more), Ordering::Relaxed);
        } else {
            counter.fetch_add(more, Ordering::Relaxed);
        }
    }
}

/// Returns a number of this thread, which no other ever has: the first that asks is 0, the next 1.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_addition_is_lost_whoever_owns_a_shard() {
        const THREADS: u64 = 40;
        const ADDITIONS: u64 = 10_000;
        let counters = Shards::new(AtomicU64::default);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..ADDITIONS {
                        let mine = counters.mine();
                        mine.add(mine.shard, 1);
                    }
                });
            }
        });
        let sum: u64 = counters.iter().map(|it| it.load(Ordering::Relaxed)).sum();
        assert_eq!(sum, THREADS * ADDITIONS);
    }
}
