//! What a producer has sent and the connection has not taken yet: a short queue with an upper bound in bytes.

use super::{Encoded, EventId};
use bytes::Bytes;
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};
use tokio::time::Instant;

/// The queue between the two halves of a stream. One producer waits for room, one body waits for bytes.
#[derive(Debug)]
pub(super) struct Outbox {
    state: Mutex<State>,
    limit_bytes: usize,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<Bytes>,
    queued_bytes: usize,
    /// The state that the client has once it has read all that was queued.
    reached: Option<EventId>,
    /// Nothing comes any more, whatever the producer still does.
    closed: bool,
    /// When the last bytes were queued, from which idleness is counted.
    last: Instant,
    /// Woken when there is room again. The producer runs inside the body's own poll, but perhaps in a combinator that
    /// polls only what was woken, or in a task of its own.
    producer: Option<Waker>,
    /// Woken when there are bytes again.
    body: Option<Waker>,
}

impl Outbox {
    /// An empty queue for a client that has reached `reached` already.
    pub(super) fn new(limit_bytes: usize, reached: Option<EventId>) -> Self {
        let state = State {
            queue: VecDeque::new(),
            queued_bytes: 0,
            reached,
            closed: false,
            last: Instant::now(),
            producer: None,
            body: None,
        };
        Self {
            state: Mutex::new(state),
            limit_bytes,
        }
    }

    /// Queues an event once the queue is below its limit, so that an empty one takes an event of any size.
    pub(super) fn poll_push(&self, event: &Encoded, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.queued_bytes >= self.limit_bytes {
            state.producer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        state.reached = event.id().or(state.reached);
        let body = state.push(event.bytes().clone());
        drop(state);
        wake(body);
        Poll::Ready(())
    }

    /// Queues the few bytes of the stream's own (a heartbeat, its last words) whatever the limit.
    pub(super) fn push(&self, bytes: Bytes) {
        let body = self.lock().push(bytes);
        wake(body);
    }

    /// Takes the oldest bytes.
    pub(super) fn pop(&self) -> Option<Bytes> {
        let mut state = self.lock();
        let bytes = state.queue.pop_front()?;
        state.queued_bytes -= bytes.len();
        if state.queue.is_empty() {
            // An idle stream holds no buffer.
            state.queue = VecDeque::new();
        }
        let producer = state.producer.take();
        drop(state);
        wake(producer);
        Some(bytes)
    }

    /// Takes the oldest bytes, or leaves the waker to be woken when there are some.
    pub(super) fn poll_pop(&self, cx: &mut Context<'_>) -> Poll<Bytes> {
        // Whether it is empty is asked again after the waker is in place, so that a push in between is not missed.
        self.lock().body = Some(cx.waker().clone());
        match self.pop() {
            Some(bytes) => Poll::Ready(bytes),
            None => Poll::Pending,
        }
    }

    /// Ends the stream behind what is queued now.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let body = state.body.take();
        drop(state);
        wake(body);
    }

    /// Returns true when nothing is to come behind what is queued.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Returns the state that the client has once it has read all that was queued.
    pub(super) fn reached(&self) -> Option<EventId> {
        self.lock().reached
    }

    /// Returns when the last bytes were queued.
    pub(super) fn last(&self) -> Instant {
        self.lock().last
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, bytes: Bytes) -> Option<Waker> {
        self.queued_bytes += bytes.len();
        self.queue.push_back(bytes);
        self.last = Instant::now();
        self.body.take()
    }
}

/// Wakes outside of the lock.
fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
