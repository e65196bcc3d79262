//! The rows of consumers.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};

use super::key::key_of;
use super::stream::TEXT_END;
use super::{Malformed, StreamId, take, text};
use crate::embedded::clock::Millis;
use crate::embedded::engine::Range;
use crate::stream::{ConsumerConfig, Sequence};

const CONSUMER: u8 = b'C';
const PENDING: u8 = b'P';
const DUE: u8 = b'R';

pub(super) const KINDS: [u8; 3] = [CONSUMER, PENDING, DUE];

pub(in crate::embedded) fn consumer_key(id: StreamId, name: &str) -> Bytes {
    key_of(CONSUMER, &[&id.0.to_be_bytes(), name.as_bytes()]).into()
}

fn of_consumer(kind: u8, id: StreamId, name: &str) -> Vec<u8> {
    key_of(kind, &[&id.0.to_be_bytes(), name.as_bytes(), &[TEXT_END]])
}

/// A message that is out.
pub(in crate::embedded) fn pending_key(id: StreamId, name: &str, sequence: Sequence) -> Bytes {
    let mut key = of_consumer(PENDING, id, name);
    key.extend_from_slice(&sequence.0.to_be_bytes());
    key.into()
}

/// The same by the time at which it is delivered again.
pub(in crate::embedded) fn due_key(
    id: StreamId,
    name: &str,
    at: Millis,
    sequence: Sequence,
) -> Bytes {
    let mut key = of_consumer(DUE, id, name);
    key.extend_from_slice(&at.0.to_be_bytes());
    key.extend_from_slice(&sequence.0.to_be_bytes());
    key.into()
}

/// What is out, the earliest to be delivered again first.
pub(in crate::embedded) fn due_rows(id: StreamId, name: &str) -> Range {
    Range::of(of_consumer(DUE, id, name))
}

/// What is out, by sequence.
pub(in crate::embedded) fn pending_rows(id: StreamId, name: &str) -> Range {
    Range::of(of_consumer(PENDING, id, name))
}

/// Returns when the message of a due row is delivered again, and which it is.
pub(in crate::embedded) fn due_of(row: &[u8]) -> Result<(Millis, Sequence), Malformed> {
    let (rest, sequence) = row.split_last_chunk().ok_or(Malformed)?;
    let (_, at) = rest.split_last_chunk().ok_or(Malformed)?;
    let at = Millis(u64::from_be_bytes(*at));
    Ok((at, Sequence(u64::from_be_bytes(*sequence))))
}

/// A consumer's own row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::embedded) struct ConsumerRow {
    /// The last message that was delivered for the first time.
    pub(in crate::embedded) delivered: Sequence,
    /// How many messages are out.
    pub(in crate::embedded) pending: u64,
    pub(in crate::embedded) ack_wait: Duration,
    pub(in crate::embedded) max_deliveries: u32,
    pub(in crate::embedded) max_pending: u32,
    pub(in crate::embedded) filter: String,
}

impl ConsumerRow {
    pub(in crate::embedded) fn new(config: &ConsumerConfig) -> Self {
        Self {
            delivered: Sequence::NONE,
            pending: 0,
            ack_wait: config.ack_time(),
            max_deliveries: config.delivery_limit().unwrap_or(u32::MAX),
            max_pending: config.pending_limit(),
            filter: config.filter_subject().to_owned(),
        }
    }

    pub(in crate::embedded) fn encode(&self) -> Bytes {
        let Self {
            delivered,
            pending,
            ack_wait,
            max_deliveries,
            max_pending,
            filter,
        } = self;
        let mut row = BytesMut::with_capacity(40 + filter.len());
        row.put_u64_le(delivered.0);
        row.put_u64_le(*pending);
        row.put_u64_le(u64::try_from(ack_wait.as_micros()).unwrap_or(u64::MAX));
        row.put_u32_le(*max_deliveries);
        row.put_u32_le(*max_pending);
        row.put_slice(filter.as_bytes());
        row.freeze()
    }

    pub(in crate::embedded) fn decode(mut row: &[u8]) -> Result<Self, Malformed> {
        let rest = &mut row;
        let delivered = Sequence(u64::from_le_bytes(take(rest)?));
        let pending = u64::from_le_bytes(take(rest)?);
        let ack_wait = Duration::from_micros(u64::from_le_bytes(take(rest)?));
        let max_deliveries = u32::from_le_bytes(take(rest)?);
        let max_pending = u32::from_le_bytes(take(rest)?);
        Ok(Self {
            delivered,
            pending,
            ack_wait,
            max_deliveries,
            max_pending,
            filter: text(rest)?.to_owned(),
        })
    }
}

/// A message that is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::embedded) struct Pending {
    /// When it is delivered again.
    pub(in crate::embedded) due: Millis,
    /// How often it was delivered.
    pub(in crate::embedded) attempt: u32,
}

impl Pending {
    pub(in crate::embedded) fn encode(self) -> Bytes {
        let mut row = BytesMut::with_capacity(12);
        row.put_u64_le(self.due.0);
        row.put_u32_le(self.attempt);
        row.freeze()
    }

    pub(in crate::embedded) fn decode(mut row: &[u8]) -> Result<Self, Malformed> {
        let rest = &mut row;
        let due = Millis(u64::from_le_bytes(take(rest)?));
        let attempt = u32::from_le_bytes(take(rest)?);
        Ok(Self { due, attempt })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_row_panics(row in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = (ConsumerRow::decode(&row), Pending::decode(&row), due_of(&row));
        }
    }

    #[test]
    fn a_consumer_comes_back() {
        let config = ConsumerConfig::durable("c").filter("a.*").max_deliveries(3);
        let row = ConsumerRow {
            delivered: Sequence(7),
            pending: 2,
            ..ConsumerRow::new(&config)
        };
        assert_eq!(ConsumerRow::decode(&row.encode()).unwrap(), row);
        let pending = Pending {
            due: Millis(9),
            attempt: 3,
        };
        assert_eq!(Pending::decode(&pending.encode()).unwrap(), pending);
        let key = due_key(StreamId(1), "c", Millis(9), Sequence(7));
        assert_eq!(due_of(&key), Ok((Millis(9), Sequence(7))));
    }
}
