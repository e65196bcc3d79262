//! The listeners of one filter, and the items that some of them have not read yet.
//!
//! An item is stored once per group, whatever the number of listeners, and is let go when the last
//! of them has read it: an idle group holds nothing. A group is bounded in items and in bytes; when
//! it overflows, the oldest item goes and the listeners that had not read it have lagged. So a slow
//! listener costs at most the bound, once per group, and nobody waits for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Item;
use crate::Error;

/// Below this many slots an empty queue keeps its memory.
const KEPT_SLOTS: usize = 8;

pub(crate) struct Group<T> {
    limits: Limits,
    queue: Mutex<Queue<T>>,
    changed: Notify,
}

/// What a group holds for its slowest listener, at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Items.
    pub(crate) items: usize,
    /// What they weigh; one item is held whatever its size.
    pub(crate) bytes: usize,
}

impl Limits {
    fn exceeded_by<T>(self, queue: &Queue<T>) -> bool {
        let Self { items, bytes } = self;
        queue.slots.len() > items || (queue.bytes > bytes && queue.slots.len() > 1)
    }
}

struct Queue<T> {
    slots: VecDeque<Slot<T>>,
    /// The number of the first slot; slots are numbered from 0 for the life of the group.
    first: u64,
    bytes: usize,
    readers: u32,
    /// Something was pushed since the readers were last woken.
    unannounced: bool,
    end: Option<End>,
}

struct Slot<T> {
    item: Arc<T>,
    /// How many readers have yet to read it.
    unread: u32,
}

/// Why a group ends for all its listeners.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Closed,
    /// The stream was deleted.
    Gone,
    /// The upstream could not be resumed without a gap.
    Broken,
}

impl End {
    pub(crate) fn to_error(self) -> Error {
        match self {
            Self::Closed => Error::closed(),
            Self::Gone => Error::not_found("such stream any more"),
            Self::Broken => Error::too_old("the store could not continue without a gap"),
        }
    }
}

impl<T: Item> Group<T> {
    pub(crate) fn new(limits: Limits) -> Self {
        let queue = Queue {
            slots: VecDeque::new(),
            first: 0,
            bytes: 0,
            readers: 0,
            unannounced: false,
            end: None,
        };
        Self {
            limits,
            queue: Mutex::new(queue),
            changed: Notify::new(),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a reader of all that is pushed from now on.
    pub(crate) fn join(self: &Arc<Self>) -> Reader<T> {
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

    /// Stores an item for all readers. Returns true when [`wake`](Self::wake) is due that was not
    /// before.
    pub(crate) fn push(&self, item: &Arc<T>) -> bool {
        let mut queue = self.queue();
        if queue.readers == 0 {
            return false;
        }
        let unread = queue.readers;
        queue.bytes += item.bytes();
        queue.slots.push_back(Slot {
            item: item.clone(),
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

impl<T: Item> Queue<T> {
    fn end_number(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    fn pop(&mut self) {
        if let Some(slot) = self.slots.pop_front() {
            self.first += 1;
            self.bytes -= slot.item.bytes();
        }
        if self.slots.is_empty() && self.slots.capacity() > KEPT_SLOTS {
            self.slots = VecDeque::new();
        }
    }

    /// Takes what `next` stands at, or the reason why nothing more comes; `None`: nothing yet.
    fn read(&mut self, next: &mut u64) -> Option<Result<Arc<T>, Error>> {
        if *next < self.first {
            return Some(Err(Error::lagged(self.first - *next)));
        }
        let index = (*next - self.first) as usize;
        let Some(slot) = self.slots.get_mut(index) else {
            return self.end.map(|end| Err(end.to_error()));
        };
        let item = slot.item.clone();
        slot.unread -= 1;
        *next += 1;
        self.drop_read();
        Some(Ok(item))
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

/// One listener's place in its group.
pub(crate) struct Reader<T: Item> {
    group: Arc<Group<T>>,
    next: u64,
}

impl<T: Item> Reader<T> {
    /// Waits for the next item, or the reason why none comes any more: it lagged, or the group
    /// ended.
    ///
    /// Cancel safe: an item is taken in the same poll that returns it.
    pub(crate) async fn next(&mut self) -> Result<Arc<T>, Error> {
        loop {
            // Made before the look, so that an item between look and wait is not missed.
            let changed = self.group.changed.notified();
            let read = self.group.queue().read(&mut self.next);
            match read {
                Some(result) => return result,
                None => changed.await,
            }
        }
    }

    /// Waits as [`next`](Self::next) does and returns all that is there.
    pub(crate) async fn next_all(&mut self) -> Result<Vec<Arc<T>>, Error> {
        let mut items = vec![self.next().await?];
        let mut queue = self.group.queue();
        // An error stays where it is until it is asked for next.
        while let Some(Ok(item)) = queue.read(&mut self.next) {
            items.push(item);
        }
        Ok(items)
    }
}

impl<T: Item> Drop for Reader<T> {
    fn drop(&mut self) {
        self.group.queue().leave(self.next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Thing {
        position: u64,
        bytes: usize,
    }

    impl Item for Thing {
        fn key(&self) -> &str {
            "k"
        }

        fn position(&self) -> u64 {
            self.position
        }

        fn bytes(&self) -> usize {
            self.bytes
        }
    }

    const LIMITS: Limits = Limits {
        items: 16,
        bytes: 1024,
    };

    fn item(position: u64, bytes: usize) -> Arc<Thing> {
        Arc::new(Thing { position, bytes })
    }

    fn held(group: &Group<Thing>) -> usize {
        group.queue().slots.len()
    }

    #[tokio::test]
    async fn an_item_is_held_until_the_last_reader_has_read_it() {
        let group = Arc::new(Group::new(LIMITS));
        let (mut one, mut two) = (group.join(), group.join());
        group.push(&item(1, 1));
        assert_eq!(one.next().await.unwrap().position, 1);
        assert_eq!(held(&group), 1);
        assert_eq!(two.next().await.unwrap().position, 1);
        assert_eq!(held(&group), 0);
    }

    #[tokio::test]
    async fn a_reader_that_leaves_lets_go_of_what_it_had_not_read() {
        let group = Arc::new(Group::new(LIMITS));
        let (one, mut two) = (group.join(), group.join());
        group.push(&item(1, 1));
        group.push(&item(2, 1));
        two.next().await.unwrap();
        drop(one);
        assert_eq!(held(&group), 1);
        assert_eq!(two.next().await.unwrap().position, 2);
        drop(two);
        assert!(!group.has_readers());
    }

    #[tokio::test]
    async fn only_the_slow_reader_lags() {
        let group = Arc::new(Group::new(LIMITS));
        let (mut slow, mut quick) = (group.join(), group.join());
        for revision in 1..=LIMITS.items as u64 + 3 {
            group.push(&item(revision, 1));
            assert_eq!(quick.next().await.unwrap().position, revision);
        }
        assert_eq!(held(&group), LIMITS.items);
        assert!(slow.next().await.unwrap_err().is_lagged());
        drop(slow);
        assert_eq!(held(&group), 0);
    }

    #[test]
    fn large_items_count_by_their_bytes() {
        let group = Arc::new(Group::new(LIMITS));
        let _reader = group.join();
        for revision in 1..=9 {
            group.push(&item(revision, LIMITS.bytes / 4));
        }
        assert_eq!(held(&group), 4);
        group.push(&item(10, 2 * LIMITS.bytes));
        assert_eq!(held(&group), 1);
    }

    #[tokio::test]
    async fn an_end_comes_after_the_items_before_it() {
        let group = Arc::new(Group::new(LIMITS));
        let mut reader = group.join();
        group.push(&item(1, 1));
        group.end(End::Closed);
        assert!(reader.next().await.is_ok());
        assert!(reader.next().await.unwrap_err().is_closed());
    }
}
