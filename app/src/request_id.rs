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

/// Bytes reserved at a time for ids as header values: an allocation for about three hundred requests instead of one for each.
const CHUNK_BYTES: usize = 4096;

thread_local! {
    /// Where this thread writes ids. It is memory and nothing else: applications may share it.
    static CHUNK: RefCell<BytesMut> = RefCell::default();
}

/// Hands out request ids.
pub(crate) struct RequestIds {
    instance: u32,
    /// What every id begins with: `<instance>-`.
    prefix: [u8; 9],
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new(instance: u32) -> Self {
        let prefix = format!("{instance:08x}-").into_bytes();
        Self {
            instance,
            prefix: prefix.try_into().expect("eight digits and a dash"),
            next: AtomicU64::new(1),
        }
    }

    pub(crate) fn next(&self) -> RequestId {
        RequestId {
            instance: self.instance,
            sequence: self.next.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Writes one of these ids as a header value.
    pub(crate) fn header(&self, id: RequestId) -> HeaderValue {
        let mut digits = [0; 20];
        let bytes = CHUNK.with_borrow_mut(|chunk| {
            if chunk.capacity() < self.prefix.len() + digits.len() {
                *chunk = BytesMut::with_capacity(CHUNK_BYTES);
            }
            chunk.extend_from_slice(&self.prefix);
            chunk.extend_from_slice(decimal(id.sequence, &mut digits));
            chunk.split().freeze()
        });
        HeaderValue::from_maybe_shared(bytes).expect("digits and a dash are a header value")
    }
}

/// Writes a number at the end of a buffer that is long enough for any.
fn decimal(mut number: u64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &buffer[at..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_the_display_form() {
        let ids = RequestIds::new(0x00ab_cdef);
        for _ in 0..1000 {
            let id = ids.next();
            assert_eq!(ids.header(id).to_str().expect("text"), id.to_string());
        }
        let last = RequestIds::new(u32::MAX);
        last.next.store(u64::MAX, Ordering::Relaxed);
        let text = last.header(last.next());
        assert_eq!(
            text.to_str().expect("text"),
            "ffffffff-18446744073709551615"
        );
    }
}
