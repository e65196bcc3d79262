//! The values of rows.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};

use super::{BucketId, Malformed, take, text};
use crate::embedded::clock::{Micros, Millis};
use crate::kv::{BucketConfig, Entry, Operation, Revision};

/// The store's own row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::embedded) struct StoreRow {
    pub(in crate::embedded) format: u32,
    pub(in crate::embedded) next_bucket: BucketId,
}

impl StoreRow {
    pub(in crate::embedded) fn encode(self) -> Bytes {
        let mut row = BytesMut::with_capacity(8);
        row.put_u32_le(self.format);
        row.put_u32_le(self.next_bucket.0);
        row.freeze()
    }

    pub(in crate::embedded) fn decode(mut row: &[u8]) -> Result<Self, Malformed> {
        let format = u32::from_le_bytes(take(&mut row)?);
        let next_bucket = BucketId(u32::from_le_bytes(take(&mut row)?));
        Ok(Self {
            format,
            next_bucket,
        })
    }
}

/// A bucket's own row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::embedded) struct BucketRow {
    pub(in crate::embedded) id: BucketId,
    pub(in crate::embedded) epoch: String,
    pub(in crate::embedded) settings: Settings,
}

/// What a bucket was told to keep, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::embedded) struct Settings {
    pub(in crate::embedded) history: u8,
    pub(in crate::embedded) ttl: Option<Duration>,
    pub(in crate::embedded) marker_ttl: Duration,
    pub(in crate::embedded) max_value_bytes: u32,
}

impl Settings {
    pub(in crate::embedded) fn of(config: &BucketConfig) -> Self {
        Self {
            history: config.history_entries(),
            ttl: config.value_ttl(),
            marker_ttl: config.marker_lifetime(),
            max_value_bytes: config.value_limit_bytes() as u32,
        }
    }
}

impl BucketRow {
    pub(in crate::embedded) fn encode(&self) -> Bytes {
        let Self {
            id,
            epoch,
            settings,
        } = self;
        let Settings {
            history,
            ttl,
            marker_ttl,
            max_value_bytes,
        } = settings;
        let micros = |lifetime: Duration| u64::try_from(lifetime.as_micros()).unwrap_or(u64::MAX);
        let mut row = BytesMut::with_capacity(32 + epoch.len());
        row.put_u32_le(id.0);
        row.put_u8(*history);
        row.put_u64_le(ttl.map_or(0, micros));
        row.put_u64_le(micros(*marker_ttl));
        row.put_u32_le(*max_value_bytes);
        row.put_slice(epoch.as_bytes());
        row.freeze()
    }

    pub(in crate::embedded) fn decode(mut row: &[u8]) -> Result<Self, Malformed> {
        let id = BucketId(u32::from_le_bytes(take(&mut row)?));
        let [history] = take(&mut row)?;
        let ttl = Some(u64::from_le_bytes(take(&mut row)?)).filter(|&ttl| ttl > 0);
        let marker_ttl = Duration::from_micros(u64::from_le_bytes(take(&mut row)?));
        let max_value_bytes = u32::from_le_bytes(take(&mut row)?);
        let ttl = ttl.map(Duration::from_micros);
        let settings = Settings {
            history,
            ttl,
            marker_ttl,
            max_value_bytes,
        };
        Ok(Self {
            id,
            epoch: text(row)?.to_owned(),
            settings,
        })
    }
}

/// How far a bucket has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::embedded) struct Head {
    /// The last revision that was given.
    pub(in crate::embedded) last: Revision,
    /// The highest revision of a marker that is no longer kept: nobody resumes from before it.
    pub(in crate::embedded) floor: Revision,
}

impl Head {
    pub(in crate::embedded) fn encode(self) -> Bytes {
        let mut row = BytesMut::with_capacity(16);
        row.put_u64_le(self.last.0);
        row.put_u64_le(self.floor.0);
        row.freeze()
    }

    pub(in crate::embedded) fn decode(mut row: &[u8]) -> Result<Self, Malformed> {
        let last = Revision(u64::from_le_bytes(take(&mut row)?));
        let floor = Revision(u64::from_le_bytes(take(&mut row)?));
        Ok(Self { last, floor })
    }
}

/// An entry as it lies in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::embedded) struct Stored {
    pub(in crate::embedded) operation: Operation,
    pub(in crate::embedded) revision: Revision,
    pub(in crate::embedded) created: Micros,
    /// The lifetime that came with the write.
    pub(in crate::embedded) ttl: Option<Duration>,
    /// When the key's timer row goes off; it may be earlier than the entry ends, never later.
    pub(in crate::embedded) timer: Option<Millis>,
    /// The revisions of the older rows, oldest first. Only in the latest row.
    pub(in crate::embedded) older: Vec<Revision>,
    pub(in crate::embedded) value: Bytes,
}

const OPERATION: u8 = 0b0000_0011;
const HAS_TTL: u8 = 0b0000_0100;
const HAS_TIMER: u8 = 0b0000_1000;
const HAS_OLDER: u8 = 0b0001_0000;

impl Stored {
    pub(in crate::embedded) fn encode(&self) -> Bytes {
        let Self {
            operation,
            revision,
            created,
            ttl,
            timer,
            older,
            value,
        } = self;
        let flags = match operation {
            Operation::Put => 0,
            Operation::Delete => 1,
            Operation::Purge => 2,
        } | if ttl.is_some() { HAS_TTL } else { 0 }
            | if timer.is_some() { HAS_TIMER } else { 0 }
            | if older.is_empty() { 0 } else { HAS_OLDER };
        let mut row = BytesMut::with_capacity(34 + 8 * older.len() + value.len());
        row.put_u8(flags);
        row.put_u64_le(revision.0);
        row.put_u64_le(created.0);
        if let Some(ttl) = ttl {
            row.put_u64_le(u64::try_from(ttl.as_micros()).unwrap_or(u64::MAX));
        }
        if let Some(timer) = timer {
            row.put_u64_le(timer.0);
        }
        if let Ok(count @ 1..) = u8::try_from(older.len()) {
            row.put_u8(count);
            for revision in older {
                row.put_u64_le(revision.0);
            }
        }
        row.put_slice(value);
        row.freeze()
    }

    /// Takes a row apart; the value shares the row's bytes.
    pub(in crate::embedded) fn decode(row: &Bytes) -> Result<Self, Malformed> {
        let mut rest: &[u8] = row;
        let [flags] = take(&mut rest)?;
        let operation = match flags & OPERATION {
            0 => Operation::Put,
            1 => Operation::Delete,
            2 => Operation::Purge,
            _ => return Err(Malformed),
        };
        let mut number = || take(&mut rest).map(u64::from_le_bytes);
        let revision = Revision(number()?);
        let created = Micros(number()?);
        let ttl = if flags & HAS_TTL == 0 {
            None
        } else {
            Some(Duration::from_micros(number()?))
        };
        let timer = if flags & HAS_TIMER == 0 {
            None
        } else {
            Some(Millis(number()?))
        };
        let mut older = Vec::new();
        if flags & HAS_OLDER != 0 {
            let [count] = take(&mut rest)?;
            for _ in 0..count {
                older.push(Revision(u64::from_le_bytes(take(&mut rest)?)));
            }
        }
        let value = row.slice(row.len() - rest.len()..);
        Ok(Self {
            operation,
            revision,
            created,
            ttl,
            timer,
            older,
            value,
        })
    }

    pub(in crate::embedded) fn is_value(&self) -> bool {
        self.operation == Operation::Put
    }

    /// When the entry ends under these settings: a value's lifetime, or a marker's.
    pub(in crate::embedded) fn deadline(&self, settings: &Settings) -> Option<Millis> {
        let lifetime = match self.operation {
            Operation::Put => match (self.ttl, settings.ttl) {
                (Some(own), Some(of_bucket)) => Some(own.min(of_bucket)),
                (own, of_bucket) => own.or(of_bucket),
            },
            Operation::Delete | Operation::Purge => Some(settings.marker_ttl),
        };
        lifetime.map(|lifetime| self.created.plus(lifetime))
    }

    /// Returns true when it is a value whose lifetime has passed. Asks for the time only if it has
    /// one.
    pub(in crate::embedded) fn has_expired(
        &self,
        settings: &Settings,
        now: impl FnOnce() -> Micros,
    ) -> bool {
        self.is_value()
            && self
                .deadline(settings)
                .is_some_and(|deadline| deadline <= now().millis())
    }

    pub(in crate::embedded) fn into_entry(self, key: String) -> Entry {
        Entry::new(
            key,
            self.value,
            self.revision,
            self.created.time(),
            self.operation,
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn operations() -> impl Strategy<Value = Operation> {
        prop_oneof![
            Just(Operation::Put),
            Just(Operation::Delete),
            Just(Operation::Purge)
        ]
    }

    prop_compose! {
        fn stored()(
            operation in operations(),
            revision in any::<u64>(),
            created in any::<u64>(),
            ttl in any::<Option<u32>>(),
            timer in any::<Option<u64>>(),
            older in prop::collection::vec(any::<u64>(), 0..64),
            value in prop::collection::vec(any::<u8>(), 0..100),
        ) -> Stored {
            Stored {
                operation,
                revision: Revision(revision),
                created: Micros(created),
                ttl: ttl.map(|ttl| Duration::from_micros(ttl.into())),
                timer: timer.map(Millis),
                older: older.into_iter().map(Revision).collect(),
                value: value.into(),
            }
        }
    }

    proptest! {
        #[test]
        fn an_entry_comes_back(stored in stored()) {
            prop_assert_eq!(Stored::decode(&stored.encode()).unwrap(), stored);
        }

        #[test]
        fn no_row_panics(row in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Stored::decode(&row.clone().into());
            let _ = (BucketRow::decode(&row), Head::decode(&row), StoreRow::decode(&row));
        }

    }

    #[test]
    fn a_bucket_comes_back() {
        let row = BucketRow {
            id: BucketId(7),
            epoch: "q3x".into(),
            settings: Settings {
                history: 5,
                ttl: Some(Duration::from_millis(1500)),
                marker_ttl: Duration::from_secs(60),
                max_value_bytes: 9,
            },
        };
        assert_eq!(BucketRow::decode(&row.encode()).unwrap(), row);
    }

    #[test]
    fn the_shorter_lifetime_counts() {
        let settings = |ttl| Settings {
            history: 1,
            ttl,
            marker_ttl: Duration::from_secs(9),
            max_value_bytes: 1,
        };
        let value = |ttl| Stored {
            operation: Operation::Put,
            revision: Revision(1),
            created: Micros(1_000_001),
            ttl,
            timer: None,
            older: Vec::new(),
            value: Bytes::new(),
        };
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(value(None).deadline(&settings(None)), None);
        assert_eq!(
            value(seconds(1)).deadline(&settings(None)),
            Some(Millis(2001))
        );
        assert_eq!(
            value(seconds(3)).deadline(&settings(seconds(1))),
            Some(Millis(2001))
        );
        assert_eq!(
            value(seconds(1)).deadline(&settings(seconds(3))),
            Some(Millis(2001))
        );
        assert!(!value(seconds(1)).has_expired(&settings(None), || Micros(2_000_999)));
        assert!(value(seconds(1)).has_expired(&settings(None), || Micros(2_001_000)));
    }
}
