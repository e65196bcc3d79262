//! What a producer has sent and the connection has not taken yet: a short queue with an upper bound in bytes.

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
    /// When the last bytes were queued, from which idleness is counted.
    last: Instant,
    /// Woken when there is room again. The producer runs inside the body's own poll, but perhaps in a combinator that
    /// polls only what was woken, or in a task of its own.
    producer: Option<Waker>,
    /// Woken when there are bytes again.
    body: Option<Waker>,
}

impl Outbox {
    pub(super) fn new(limit_bytes: usize) -> Self {
        let state = State {
            queue: VecDeque::new(),
            queued_bytes: 0,
            last: Instant::now(),
            producer: None,
            body: None,
        };
        Self {
            state: Mutex::new(state),
            limit_bytes,
        }
    }

    /// Queues `bytes` once the queue is below its limit; a queue that is empty takes bytes of any size.
    pub(super) fn poll_push(&self, bytes: &Bytes, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.queued_bytes >= self.limit_bytes {
            state.producer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let body = state.push(bytes.clone());
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
        let producer = state.take_front_waker();
        let bytes = state.queue.pop_front();
        if let Some(bytes) = &bytes {
            state.queued_bytes -= bytes.len();
        }
        if state.queue.is_empty() {
            // An idle stream holds no buffer.
            state.queue = VecDeque::new();
        }
        drop(state);
        wake(producer);
        bytes
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

    fn take_front_waker(&mut self) -> Option<Waker> {
        if self.queue.is_empty() {
            None
        } else {
            self.producer.take()
        }
    }
}

/// Wakes outside of the lock.
fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
