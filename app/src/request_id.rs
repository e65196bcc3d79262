//! Request ids: `<instance>-<sequence>`, unique among all instances. Each thread numbers in the order of arrival.

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::BytesMut;
use http::{HeaderName, HeaderValue};

use crate::shards::Shards;

/// Where a client finds the id of its request.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of one request, on every line of its log and in `X-Request-Id` of its answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId {
    instance: u32,
    sequence: u64,
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.instance, self.sequence)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Bytes reserved at a time for ids as header values: an allocation for about three hundred requests instead of one for each.
const CHUNK_BYTES: usize = 4096;

/// Sequence numbers that a thread takes at a time, so that threads of several cores seldom meet at the counter.
const BLOCK: u64 = 256;

/// Digits of the largest sequence number.
const MOST_DIGITS: usize = 20;

/// Bytes in front of the sequence number: `<instance>-`.
const PREFIX_BYTES: usize = 9;

thread_local! {
    /// Where this thread writes ids. It is memory and nothing else: applications may share it.
    static CHUNK: RefCell<BytesMut> = RefCell::default();
}

/// Hands out request ids.
pub(crate) struct RequestIds {
    instance: u32,
    prefix: [u8; PREFIX_BYTES],
    /// The first number that nobody has taken.
    next: AtomicU64,
    blocks: Shards<Block>,
}

/// Numbers that a thread has taken and not yet handed out.
#[derive(Default)]
struct Block {
    next: AtomicU64,
    left: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new(instance: u32) -> Self {
        let prefix = format!("{instance:08x}-").into_bytes();
        Self {
            instance,
            prefix: prefix.try_into().expect("eight digits and a dash"),
            next: AtomicU64::new(1),
            blocks: Shards::new(Block::default),
        }
    }

    pub(crate) fn next(&self) -> RequestId {
        RequestId {
            instance: self.instance,
            sequence: self.next_number(),
        }
    }

    fn next_number(&self) -> u64 {
        let mine = self.blocks.mine();
        if !mine.is_owned() {
            return self.next.fetch_add(1, Ordering::Relaxed);
        }
        // Nobody else writes here, so that no step comes between the others.
        let Block { next, left } = mine.shard;
        let (number, left_before) = match left.load(Ordering::Relaxed) {
            0 => (self.next.fetch_add(BLOCK, Ordering::Relaxed), BLOCK),
            some => (next.load(Ordering::Relaxed), some),
        };
        next.store(number.wrapping_add(1), Ordering::Relaxed);
        left.store(left_before - 1, Ordering::Relaxed);
        number
    }

    /// Writes one of these ids as a header value.
    pub(crate) fn header(&self, id: RequestId) -> HeaderValue {
        let mut text = [0; PREFIX_BYTES + MOST_DIGITS];
        let text = self.write(id, &mut text);
        let bytes = CHUNK.with_borrow_mut(|chunk| {
            if chunk.capacity() < text.len() {
                *chunk = BytesMut::with_capacity(CHUNK_BYTES);
            }
            chunk.extend_from_slice(text);
            chunk.split().freeze()
        });
        HeaderValue::from_maybe_shared(bytes).expect("digits and a dash are a header value")
    }

    /// Writes an id at the end of a buffer that is long enough for any.
    fn write<'b>(
        &self,
        id: RequestId,
        buffer: &'b mut [u8; PREFIX_BYTES + MOST_DIGITS],
    ) -> &'b [u8] {
        let mut number = id.sequence;
        let mut at = buffer.len();
        loop {
            at -= 1;
            buffer[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        at -= PREFIX_BYTES;
        buffer[at..at + PREFIX_BYTES].copy_from_slice(&self.prefix);
        &buffer[at..]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_header_is_the_display_form() {
        let ids = RequestIds::new(0x00ab_cdef);
        for sequence in [0, 9, 10, 12_345, u64::MAX] {
            let id = RequestId {
                instance: ids.instance,
                sequence,
            };
            assert_eq!(ids.header(id).to_str().expect("text"), id.to_string());
        }
        let last = RequestId {
            instance: ids.instance,
            sequence: u64::MAX,
        };
        assert_eq!(
            ids.header(last).to_str().expect("text"),
            "00abcdef-18446744073709551615"
        );
    }

    #[test]
    fn ids_are_unique_among_threads_and_grow_within_one() {
        const THREADS: usize = 40;
        const IDS: usize = 1000;
        let ids = RequestIds::new(1);
        let numbers = || -> Vec<u64> { (0..IDS).map(|_| ids.next().sequence).collect() };
        let of_threads: Vec<Vec<u64>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(numbers)).collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            joined.map(|numbers| numbers.expect("no panic")).collect()
        });
        assert!(of_threads.iter().all(|numbers| numbers.is_sorted()));
        let all: HashSet<u64> = of_threads.into_iter().flatten().collect();
        assert_eq!(all.len(), THREADS * IDS);
    }
}
