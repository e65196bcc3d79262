//! What is known of one connection: by its own task, and by the sweep of all connections.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;

use super::connections::Connections;
use super::sweep::Snapshot;

/// Marks a connection that is gone in the count of its streams.
const GONE: u32 = 1 << 31;

// How far an event stream is on its way from hyper to us: the head of its answer is still to be written, or is written and promised
// to close after the stream, or to go on.
const NO_HANDOVER: u8 = 0;
const HEAD_TO_WRITE: u8 = 1;
const HEAD_WRITTEN_CLOSE: u8 = 2;
const HEAD_WRITTEN_KEEP_ALIVE: u8 = 3;

/// The state of one connection. Every field stands for itself, so relaxed order is enough, but for orders that come from outside.
///
/// On cache lines of its own, because what lies beside it in memory may belong to another connection, which another core serves.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Link {
    connections: Arc<Connections>,
    /// Requests that came and whose answer is not yet written to the last byte.
    in_flight: AtomicU32,
    /// How many of them are answered by a stream, and whether the connection is gone.
    streams: AtomicU32,
    /// When the present phase began: idle, or waiting for a head.
    since: AtomicU32,
    /// The tick, plus one, since which the client has taken no byte that we have for it; 0 when it takes them.
    blocked_since: AtomicU32,
    /// Bytes of a head may have come, and the rest is waited for.
    awaits_head: AtomicBool,
    /// Bytes between requests begin a head. Not so over HTTP/2, nor after an upgrade.
    has_heads: AtomicBool,
    /// What is being written ends a stream.
    ends_stream: AtomicBool,
    /// The last request had a body, or a head that was not read to its end: more of it may be under way.
    may_have_unread: AtomicBool,
    /// Closed for writing; what the client still sends is thrown away.
    is_lingering: AtomicBool,
    is_upgraded: AtomicBool,
    /// Asked to end after what is in flight.
    is_finishing: AtomicBool,
    /// Asked to end at once.
    is_cut: AtomicBool,
    /// One of the values above.
    handover: AtomicU8,
    waker: OnceLock<Waker>,
}

impl Link {
    pub(super) fn new(connections: Arc<Connections>) -> Self {
        Self {
            since: AtomicU32::new(connections.clock().now()),
            connections,
            in_flight: AtomicU32::new(0),
            streams: AtomicU32::new(0),
            blocked_since: AtomicU32::new(0),
            awaits_head: AtomicBool::new(true),
            has_heads: AtomicBool::new(true),
            ends_stream: AtomicBool::new(false),
            may_have_unread: AtomicBool::new(false),
            is_lingering: AtomicBool::new(false),
            is_upgraded: AtomicBool::new(false),
            is_finishing: AtomicBool::new(false),
            is_cut: AtomicBool::new(false),
            handover: AtomicU8::new(NO_HANDOVER),
            waker: OnceLock::new(),
        }
    }

    pub(super) fn connections(&self) -> &Arc<Connections> {
        &self.connections
    }

    // The way of a request.

    /// Notes that bytes came. Between requests they begin a head.
    pub(super) fn bytes_came(&self) {
        if self.in_flight.load(Ordering::Relaxed) == 0
            && !self.awaits_head.load(Ordering::Relaxed)
            && self.has_heads.load(Ordering::Relaxed)
        {
            self.since
                .store(self.connections.clock().now(), Ordering::Relaxed);
            self.awaits_head.store(true, Ordering::Relaxed);
        }
    }

    /// Notes that the head of a request is complete.
    pub(super) fn request_came(&self, is_multiplexed: bool, has_body: bool) {
        self.has_heads.store(!is_multiplexed, Ordering::Relaxed);
        self.add_in_flight(1);
        self.awaits_head.store(false, Ordering::Relaxed);
        self.ends_stream.store(false, Ordering::Relaxed);
        self.may_have_unread.store(has_body, Ordering::Relaxed);
    }

    /// Counts requests. Over HTTP/1 only the connection's own task does, and that takes no locked instruction; over HTTP/2 others, too.
    fn add_in_flight(&self, more: u32) {
        if self.has_heads.load(Ordering::Relaxed) {
            let count = self.in_flight.load(Ordering::Relaxed);
            self.in_flight
                .store(count.wrapping_add(more), Ordering::Relaxed);
        } else {
            self.in_flight.fetch_add(more, Ordering::Relaxed);
        }
    }

    /// Notes that the body of an answer keeps its request at work, which then is over twice.
    pub(super) fn request_goes_on(&self) {
        self.add_in_flight(1);
    }

    /// Notes that a request is over: its answer is written as far as the protocol is concerned, or dropped.
    pub(super) fn request_over(&self) {
        self.since
            .store(self.connections.clock().now(), Ordering::Relaxed);
        self.add_in_flight(u32::MAX);
    }

    /// Moves the connection to the budget of streams, if there is room.
    pub(super) fn begin_stream(&self) -> bool {
        let budget = self.connections.budget();
        if !budget.enter_stream() {
            return false;
        }
        budget.stream_gauge.add(1);
        if self.streams.fetch_add(1, Ordering::Relaxed) == 0 {
            budget.leave();
        }
        true
    }

    /// Ends what [`Link::begin_stream`] began.
    pub(super) fn end_stream(&self) {
        let budget = self.connections.budget();
        budget.leave_stream();
        budget.stream_gauge.add(-1);
        self.ends_stream.store(true, Ordering::Relaxed);
        if self.streams.fetch_sub(1, Ordering::Relaxed) == 1 {
            budget.come_back();
        }
    }

    /// Moves the connection to the budget of streams for as long as it lives, if there is room.
    pub(super) fn upgrade(&self) -> bool {
        let budget = self.connections.budget();
        if !budget.enter_stream() {
            return false;
        }
        if self.streams.fetch_add(1, Ordering::Relaxed) == 0 {
            budget.leave();
        }
        self.is_upgraded.store(true, Ordering::Relaxed);
        self.has_heads.store(false, Ordering::Relaxed);
        true
    }

    /// Notes that the connection is gone, and gives its places back. Streams that are still to be dropped give theirs back themselves.
    pub(super) fn gone(&self) {
        let budget = self.connections.budget();
        if self.is_upgraded.load(Ordering::Relaxed) {
            budget.leave_stream();
            self.streams.fetch_sub(1, Ordering::Relaxed);
            self.streams.fetch_or(GONE, Ordering::Relaxed);
        } else if self.streams.fetch_or(GONE, Ordering::Relaxed) == 0 {
            budget.leave();
        }
    }

    /// Returns true between a request and its answer.
    pub(super) fn is_at_work(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) > 0
    }

    // The way of an event stream from hyper to us.

    /// Notes that the answer whose head is written next is a stream that hyper is not to write.
    pub(super) fn hand_over(&self) {
        self.handover.store(HEAD_TO_WRITE, Ordering::Relaxed);
    }

    pub(super) fn is_handing_over(&self) -> bool {
        self.handover.load(Ordering::Relaxed) == HEAD_TO_WRITE
    }

    /// Notes that the head of the stream's answer has left.
    pub(super) fn stream_head_written(&self, promised_to_close: bool) {
        self.handover.store(
            if promised_to_close {
                HEAD_WRITTEN_CLOSE
            } else {
                HEAD_WRITTEN_KEEP_ALIVE
            },
            Ordering::Relaxed,
        );
    }

    /// Returns whether to close after the stream, once, when its head has left.
    pub(super) fn take_stream_head_written(&self) -> Option<bool> {
        match self.handover.load(Ordering::Relaxed) {
            NO_HANDOVER | HEAD_TO_WRITE => None,
            written => {
                self.handover.store(NO_HANDOVER, Ordering::Relaxed);
                Some(written == HEAD_WRITTEN_CLOSE)
            }
        }
    }

    // The way of bytes.

    /// Notes whether the client takes what we have for it.
    pub(super) fn set_blocked(&self, is_blocked: bool) {
        let was_blocked = self.blocked_since.load(Ordering::Relaxed) != 0;
        if is_blocked != was_blocked {
            let since = if is_blocked {
                self.connections.clock().now().wrapping_add(1).max(1)
            } else {
                0
            };
            self.blocked_since.store(since, Ordering::Relaxed);
        }
    }

    /// Returns true while a head is waited for.
    pub(super) fn awaits_head(&self) -> bool {
        self.awaits_head.load(Ordering::Relaxed)
    }

    /// Notes that a head was refused before it was read to its end.
    pub(super) fn head_refused(&self) {
        self.may_have_unread.store(true, Ordering::Relaxed);
    }

    /// Returns true when the client may still be sending what nobody will read.
    pub(super) fn may_have_unread(&self) -> bool {
        self.may_have_unread.load(Ordering::Relaxed)
    }

    /// Notes that nothing more is written, and that what comes is thrown away.
    pub(super) fn linger(&self) {
        if !self.is_lingering.swap(true, Ordering::Relaxed) {
            self.since
                .store(self.connections.clock().now(), Ordering::Relaxed);
        }
    }

    // Orders from outside, which the connection's task follows when it is polled next.

    /// Remembers how to wake the connection's task, which is the same throughout its life.
    pub(super) fn set_waker(&self, waker: &Waker) {
        self.waker.get_or_init(|| waker.clone());
    }

    /// Asks the connection to end after what is in flight.
    pub(super) fn finish(&self) {
        self.is_finishing.store(true, Ordering::Release);
        self.wake();
    }

    /// Asks the connection to end at once.
    pub(super) fn cut(&self) {
        self.is_cut.store(true, Ordering::Release);
        self.wake();
    }

    pub(super) fn is_finishing(&self) -> bool {
        self.is_finishing.load(Ordering::Acquire)
    }

    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Acquire)
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// Returns what the sweep decides by.
    pub(super) fn snapshot(&self) -> Snapshot {
        let now = self.connections.clock().now();
        let blocked_since = self.blocked_since.load(Ordering::Relaxed);
        Snapshot {
            in_flight: self.in_flight.load(Ordering::Relaxed),
            streams: self.streams.load(Ordering::Relaxed) & !GONE,
            age: now.wrapping_sub(self.since.load(Ordering::Relaxed)),
            blocked: (blocked_since != 0).then(|| now.wrapping_add(1).wrapping_sub(blocked_since)),
            awaits_head: self.awaits_head.load(Ordering::Relaxed),
            ends_stream: self.ends_stream.load(Ordering::Relaxed),
            is_lingering: self.is_lingering.load(Ordering::Relaxed),
            is_upgraded: self.is_upgraded.load(Ordering::Relaxed),
            is_finishing: self.is_finishing(),
        }
    }
}
