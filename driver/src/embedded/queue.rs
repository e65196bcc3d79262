//! What waits for the thread that writes.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};

use super::draft::Draft;
use super::fault::Fault;
use super::store::Shared;
use crate::Error;

/// How much may wait, in units of [`UNIT_BYTES`]. Beyond it callers wait before they queue.
const ROOM_UNITS: usize = 64 * 1024;
const UNIT_BYTES: usize = 1024;

/// Most orders that are taken for one batch, so that a batch ends soon and its callers get answers.
const MAX_BATCH_UNITS: u32 = 4 * 1024;

/// Something for the writer to do.
pub(super) enum Order {
    Job(Box<dyn Job>),
    Close { answer: Answer<()> },
}

pub(super) type Answer<T> = oneshot::Sender<Result<T, Error>>;

/// A change that somebody waits for.
pub(super) trait Job: Send {
    /// Returns true when nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool;

    /// How much it brings into the store, in bytes.
    fn bytes(&self) -> usize;

    /// Whether it needs a batch for itself: because it changes settings, by which others are
    /// drafted, or reads what others may draft.
    fn stands_alone(&self) -> bool;

    /// Adds it to a batch. Called once; an error fails the batch.
    fn draft(&mut self, draft: &mut Draft<'_>) -> Result<(), Fault>;

    /// Answers, now that the batch was applied or has failed.
    fn answer(self: Box<Self>, shared: &Shared, applied: Result<(), &Fault>);
}

impl Order {
    /// How much room it takes.
    fn units(&self) -> u32 {
        let bytes = match self {
            Self::Job(job) => job.bytes(),
            Self::Close { .. } => 0,
        };
        1 + u32::try_from(bytes / UNIT_BYTES).unwrap_or(MAX_BATCH_UNITS)
    }

    fn stands_alone(&self) -> bool {
        match self {
            Self::Job(job) => job.stands_alone(),
            Self::Close { .. } => true,
        }
    }
}

/// Orders on their way from any number of callers to the one writer.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    room: Semaphore,
}

#[derive(Default)]
struct Waiting {
    orders: VecDeque<Order>,
    /// Nobody is left who could place an order.
    abandoned: bool,
    /// The writer waits to be told of an arrival.
    idle: bool,
}

/// What the writer found.
pub(super) enum Taken {
    /// Jobs that make one batch.
    Jobs(Vec<Box<dyn Job>>),
    /// The order to close.
    Close(Answer<()>),
    /// Nothing came in time.
    Nothing,
    /// Nothing will come any more.
    Abandoned,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            waiting: Mutex::default(),
            arrived: Condvar::new(),
            room: Semaphore::new(ROOM_UNITS),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Places an order when there is room. Cancel safe: a dropped call placed it or not.
    pub(super) async fn place(&self, order: Order) -> Result<(), Error> {
        let room = self
            .room
            .acquire_many(order.units())
            .await
            .map_err(|_| Error::closed())?;
        room.forget();
        let mut waiting = self.waiting();
        if waiting.abandoned {
            return Err(Error::closed());
        }
        waiting.orders.push_back(order);
        let wake = std::mem::take(&mut waiting.idle);
        drop(waiting);
        if wake {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Waits for orders, no longer than `limit`, and takes as many as make a batch.
    pub(super) fn take(&self, limit: Option<Duration>) -> Taken {
        let until = limit.and_then(|limit| Instant::now().checked_add(limit));
        let mut waiting = self.waiting();
        loop {
            if !waiting.orders.is_empty() {
                return self.take_batch(&mut waiting);
            }
            if waiting.abandoned {
                return Taken::Abandoned;
            }
            waiting.idle = true;
            waiting = match until {
                None => self
                    .arrived
                    .wait(waiting)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        waiting.idle = false;
                        return Taken::Nothing;
                    }
                    let woken = self.arrived.wait_timeout(waiting, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Takes orders from the front, as many as fit into a batch; one that stands alone, alone.
    fn take_batch(&self, waiting: &mut Waiting) -> Taken {
        let mut units = 0;
        let mut jobs = Vec::new();
        while let Some(order) = waiting.orders.pop_front_if(|order| {
            jobs.is_empty() || (!order.stands_alone() && units < MAX_BATCH_UNITS)
        }) {
            units += order.units();
            let alone = order.stands_alone();
            match order {
                Order::Close { answer } => return Taken::Close(answer),
                Order::Job(job) => jobs.push(job),
            }
            if alone {
                break;
            }
        }
        self.room.add_permits(units as usize);
        Taken::Jobs(jobs)
    }

    /// Drops the orders that wait, which their callers take for a closed store, and refuses all
    /// others.
    pub(super) fn clear(&self) {
        self.room.close();
        let mut waiting = self.waiting();
        waiting.abandoned = true;
        waiting.orders.clear();
    }

    /// Tells the writer that the last handle is gone. The orders that wait are still taken.
    pub(super) fn abandon(&self) {
        self.room.close();
        self.waiting().abandoned = true;
        self.arrived.notify_one();
    }
}
