//! The watchers of one filter, and the changes that some of them have not read yet.
//!
//! A change is stored once per group, whatever the number of watchers, and is let go when the last
//! of them has read it: an idle group holds nothing. A group is bounded in entries and in bytes;
//! when it overflows, the oldest change goes and the watchers that had not read it have lagged. So
//! a slow watcher costs at most the bound, once per group, and nobody waits for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Entry;
use crate::Error;

/// Below this many slots an empty queue keeps its memory.
const KEPT_SLOTS: usize = 8;

pub(crate) struct Group {
    limits: Limits,
    queue: Mutex<Queue>,
    changed: Notify,
}

/// What a group holds for its slowest watcher, at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Changes.
    pub(crate) entries: usize,
    /// Bytes of values; one change is held whatever its size.
    pub(crate) bytes: usize,
}

impl Limits {
    fn exceeded_by(self, queue: &Queue) -> bool {
        let Self { entries, bytes } = self;
        queue.slots.len() > entries || (queue.bytes > bytes && queue.slots.len() > 1)
    }
}

#[derive(Default)]
struct Queue {
    slots: VecDeque<Slot>,
    /// The number of the first slot; slots are numbered from 0 for the life of the group.
    first: u64,
    bytes: usize,
    readers: u32,
    /// Something was pushed since the readers were last woken.
    unannounced: bool,
    end: Option<End>,
}

struct Slot {
    entry: Arc<Entry>,
    /// How many readers have yet to read it.
    unread: u32,
}

/// Why a group ends for all its watchers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Closed,
    /// The upstream could not be resumed without a gap.
    Broken,
}

impl End {
    pub(crate) fn to_error(self) -> Error {
        match self {
            Self::Closed => Error::closed(),
            Self::Broken => Error::too_old("the store could not continue the watch without a gap"),
        }
    }
}

impl Group {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            queue: Mutex::default(),
            changed: Notify::new(),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a reader of all that is pushed from now on.
    pub(crate) fn join(self: &Arc<Self>) -> Reader {
        let mut queue = self.queue();
        queue.readers += 1;
        Reader {
            group: self.clone(),
            next: queue.end_number(),
        }
    }

    pub(crate) fn has_readers(&self) -> bool {
        self.queue().readers > 0
    }

    /// Stores a change for all readers. Returns true when [`wake`](Self::wake) is due that was not
    /// before.
    pub(crate) fn push(&self, entry: &Arc<Entry>) -> bool {
        let mut queue = self.queue();
        if queue.readers == 0 {
            return false;
        }
        let unread = queue.readers;
        queue.bytes += entry.value.len();
        queue.slots.push_back(Slot {
            entry: entry.clone(),
            unread,
        });
        while self.limits.exceeded_by(&queue) {
            queue.pop();
        }
        !std::mem::replace(&mut queue.unannounced, true)
    }

    /// Ends the group: its readers read what is there and then the reason.
    pub(crate) fn end(&self, end: End) {
        self.queue().end = Some(end);
    }

    /// Wakes the readers that wait.
    pub(crate) fn wake(&self) {
        self.queue().unannounced = false;
        self.changed.notify_waiters();
    }
}

impl Queue {
    fn end_number(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    fn pop(&mut self) {
        if let Some(slot) = self.slots.pop_front() {
            self.first += 1;
            self.bytes -= slot.entry.value.len();
        }
        if self.slots.is_empty() && self.slots.capacity() > KEPT_SLOTS {
            self.slots = VecDeque::new();
        }
    }

    /// Takes what `next` stands at, or the reason why nothing more comes; `None`: nothing yet.
    fn read(&mut self, next: &mut u64) -> Option<Result<Arc<Entry>, Error>> {
        if *next < self.first {
            return Some(Err(Error::lagged(self.first - *next)));
        }
        let index = (*next - self.first) as usize;
        let Some(slot) = self.slots.get_mut(index) else {
            return self.end.map(|end| Err(end.to_error()));
        };
        let entry = slot.entry.clone();
        slot.unread -= 1;
        *next += 1;
        self.drop_read();
        Some(Ok(entry))
    }

    fn leave(&mut self, next: u64) {
        self.readers -= 1;
        let unread_from = next.saturating_sub(self.first) as usize;
        for slot in self.slots.iter_mut().skip(unread_from) {
            slot.unread -= 1;
        }
        self.drop_read();
    }

    fn drop_read(&mut self) {
        while self.slots.front().is_some_and(|slot| slot.unread == 0) {
            self.pop();
        }
    }
}

/// One watcher's place in its group.
pub(crate) struct Reader {
    group: Arc<Group>,
    next: u64,
}

impl Reader {
    /// Waits for the next change, or the reason why none comes any more: it lagged, or the group
    /// ended.
    ///
    /// Cancel safe: a change is taken in the same poll that returns it.
    pub(crate) async fn next(&mut self) -> Result<Arc<Entry>, Error> {
        loop {
            // Made before the look, so that a change between look and wait is not missed.
            let changed = self.group.changed.notified();
            let read = self.group.queue().read(&mut self.next);
            match read {
                Some(result) => return result,
                None => changed.await,
            }
        }
    }

    /// Waits as [`next`](Self::next) does and returns all that is there.
    pub(crate) async fn next_all(&mut self) -> Result<Vec<Arc<Entry>>, Error> {
        let mut changes = vec![self.next().await?];
        let mut queue = self.group.queue();
        // An error stays where it is until it is asked for next.
        while let Some(Ok(change)) = queue.read(&mut self.next) {
            changes.push(change);
        }
        Ok(changes)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.group.queue().leave(self.next);
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use bytes::Bytes;

    use super::*;
    use crate::kv::{Operation, Revision};

    const LIMITS: Limits = Limits {
        entries: 16,
        bytes: 1024,
    };

    fn change(revision: u64, bytes: usize) -> Arc<Entry> {
        let value = Bytes::from(vec![0; bytes]);
        Arc::new(Entry::new(
            "k".into(),
            value,
            Revision(revision),
            SystemTime::UNIX_EPOCH,
            Operation::Put,
        ))
    }

    fn held(group: &Group) -> usize {
        group.queue().slots.len()
    }

    #[tokio::test]
    async fn a_change_is_held_until_the_last_reader_has_read_it() {
        let group = Arc::new(Group::new(LIMITS));
        let (mut one, mut two) = (group.join(), group.join());
        group.push(&change(1, 1));
        assert_eq!(one.next().await.unwrap().revision, Revision(1));
        assert_eq!(held(&group), 1);
        assert_eq!(two.next().await.unwrap().revision, Revision(1));
        assert_eq!(held(&group), 0);
    }

    #[tokio::test]
    async fn a_reader_that_leaves_lets_go_of_what_it_had_not_read() {
        let group = Arc::new(Group::new(LIMITS));
        let (one, mut two) = (group.join(), group.join());
        group.push(&change(1, 1));
        group.push(&change(2, 1));
        two.next().await.unwrap();
        drop(one);
        assert_eq!(held(&group), 1);
        assert_eq!(two.next().await.unwrap().revision, Revision(2));
        drop(two);
        assert!(!group.has_readers());
    }

    #[tokio::test]
    async fn only_the_slow_reader_lags() {
        let group = Arc::new(Group::new(LIMITS));
        let (mut slow, mut quick) = (group.join(), group.join());
        for revision in 1..=LIMITS.entries as u64 + 3 {
            group.push(&change(revision, 1));
            assert_eq!(quick.next().await.unwrap().revision, Revision(revision));
        }
        assert_eq!(held(&group), LIMITS.entries);
        assert!(slow.next().await.unwrap_err().is_lagged());
        drop(slow);
        assert_eq!(held(&group), 0);
    }

    #[test]
    fn large_values_count_by_their_bytes() {
        let group = Arc::new(Group::new(LIMITS));
        let _reader = group.join();
        for revision in 1..=9 {
            group.push(&change(revision, LIMITS.bytes / 4));
        }
        assert_eq!(held(&group), 4);
        group.push(&change(10, 2 * LIMITS.bytes));
        assert_eq!(held(&group), 1);
    }

    #[tokio::test]
    async fn an_end_comes_after_the_changes_before_it() {
        let group = Arc::new(Group::new(LIMITS));
        let mut reader = group.join();
        group.push(&change(1, 1));
        group.end(End::Closed);
        assert!(reader.next().await.is_ok());
        assert!(reader.next().await.unwrap_err().is_closed());
    }
}
