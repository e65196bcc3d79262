//! Request ids: `<instance>-<sequence>`, unique among all instances, in the order of arrival within one.

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::BytesMut;
use http::HeaderValue;

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

impl RequestId {
    /// Writes the id as a header value.
    pub(crate) fn header(self) -> HeaderValue {
        let mut text = [0_u8; 32];
        let from = write_backwards(&mut text, self);
        let bytes = CHUNK.with_borrow_mut(|chunk| {
            if chunk.capacity() < text.len() {
                *chunk = BytesMut::with_capacity(CHUNK_BYTES);
            }
            chunk.extend_from_slice(&text[from..]);
            chunk.split().freeze()
        });
        HeaderValue::from_maybe_shared(bytes).expect("digits and a dash are a header value")
    }
}

/// Bytes reserved at a time for ids as header values: an allocation for about three hundred requests instead of one for each.
const CHUNK_BYTES: usize = 4096;

thread_local! {
    /// Where this thread writes ids. It is memory and nothing else: applications may share it.
    static CHUNK: RefCell<BytesMut> = RefCell::default();
}

/// Hands out request ids.
pub(crate) struct RequestIds {
    instance: u32,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new(instance: u32) -> Self {
        Self {
            instance,
            next: AtomicU64::new(1),
        }
    }

    pub(crate) fn next(&self) -> RequestId {
        RequestId {
            instance: self.instance,
            sequence: self.next.fetch_add(1, Ordering::Relaxed),
        }
    }
}

/// Writes `<instance>-<sequence>` to the end of the buffer and returns where it begins.
fn write_backwards(buffer: &mut [u8; 32], id: RequestId) -> usize {
    let mut at = buffer.len();
    let mut put = |byte: u8| {
        at -= 1;
        buffer[at] = byte;
    };
    let mut sequence = id.sequence;
    loop {
        put(b'0' + (sequence % 10) as u8);
        sequence /= 10;
        if sequence == 0 {
            break;
        }
    }
    put(b'-');
    for shift in 0..8 {
        put(b"0123456789abcdef"[(id.instance >> (4 * shift)) as usize & 0xf]);
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_the_display_form() {
        let ids = RequestIds::new(0x00ab_cdef);
        for _ in 0..1000 {
            let id = ids.next();
            assert_eq!(id.header().to_str().expect("text"), id.to_string());
        }
        let last = RequestId {
            instance: u32::MAX,
            sequence: u64::MAX,
        };
        assert_eq!(
            last.header().to_str().expect("text"),
            "ffffffff-18446744073709551615"
        );
    }
}
