//! How buckets are laid out in the rows of an engine.
//!
//! An engine knows rows: byte strings, sorted. The first byte of a row's key says what it is:
//!
//! | row | key behind the first byte | value |
//! |---|---|---|
//! | `S` store | | format, the next bucket's id |
//! | `B` bucket | name | id, epoch, settings |
//! | `H` head | bucket id | last revision given, last marker dropped |
//! | `L` latest | bucket id, key | the latest entry of the key, value inline |
//! | `O` older | bucket id, key, `FF`, revision | an earlier entry of the key |
//! | `T` timer | deadline, bucket id, key | nothing |
//!
//! A put without history, lifetime or new bucket writes the latest row, in place, and the head, which a
//! batch writes once. The revisions of the older rows stand in the latest row, so that no write has to
//! scan. Integers in keys are big-endian, so that they sort; in values little-endian. `FF` is in no
//! UTF-8 text, so that no key's older rows lie among another's.

use std::time::{Duration, SystemTime};

use bytes::{BufMut, Bytes, BytesMut};

use crate::kv::{BucketConfig, Entry, Operation, Revision};

/// The layout described above.
pub(super) const FORMAT: u32 = 1;

const STORE: u8 = b'S';
const BUCKET: u8 = b'B';
const HEAD: u8 = b'H';
const LATEST: u8 = b'L';
const OLDER: u8 = b'O';
const TIMER: u8 = b'T';

/// Ends a key in an older row.
const KEY_END: u8 = 0xFF;

/// A bucket's number in the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct BucketId(pub(super) u32);

/// A value cannot be what this layout wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A stretch of rows, from the first to before the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: Bytes,
    pub(super) to: Bytes,
}

impl Range {
    /// All rows that begin with `prefix`, of which one byte at least is not `FF`.
    fn of(prefix: Vec<u8>) -> Self {
        let mut to = prefix.clone();
        while to.pop_if(|last| *last == 0xFF).is_some() {}
        if let Some(last) = to.last_mut() {
            *last += 1;
        }
        Self {
            from: prefix.into(),
            to: to.into(),
        }
    }

    /// The one row of this key.
    pub(super) fn single(row: Bytes) -> Self {
        let mut to = row.to_vec();
        to.push(0);
        Self {
            from: row,
            to: to.into(),
        }
    }
}

fn key_of(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut row = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    row.push(kind);
    for part in parts {
        row.extend_from_slice(part);
    }
    row
}

pub(super) fn store_key() -> Bytes {
    key_of(STORE, &[]).into()
}

pub(super) fn bucket_key(name: &str) -> Bytes {
    key_of(BUCKET, &[name.as_bytes()]).into()
}

pub(super) fn buckets() -> Range {
    Range::of(vec![BUCKET])
}

/// Returns the bucket's name from the key of its row.
pub(super) fn bucket_name(row: &[u8]) -> Result<String, Malformed> {
    String::from_utf8(row[1..].to_vec()).map_err(|_| Malformed)
}

pub(super) fn head_key(bucket: BucketId) -> Bytes {
    key_of(HEAD, &[&bucket.0.to_be_bytes()]).into()
}

pub(super) fn latest_key(bucket: BucketId, key: &str) -> Bytes {
    key_of(LATEST, &[&bucket.0.to_be_bytes(), key.as_bytes()]).into()
}

/// The latest rows of all keys that begin with `prefix`, or of the one key.
pub(super) fn latest_rows(bucket: BucketId, keys: Keys<'_>) -> Range {
    match keys {
        Keys::One(key) => Range::single(latest_key(bucket, key)),
        Keys::Prefix(prefix) => Range::of(key_of(
            LATEST,
            &[&bucket.0.to_be_bytes(), prefix.as_bytes()],
        )),
    }
}

pub(super) fn older_key(bucket: BucketId, key: &str, revision: Revision) -> Bytes {
    let id = bucket.0.to_be_bytes();
    key_of(
        OLDER,
        &[&id, key.as_bytes(), &[KEY_END], &revision.0.to_be_bytes()],
    )
    .into()
}

pub(super) fn older_rows(bucket: BucketId, keys: Keys<'_>) -> Range {
    let id = bucket.0.to_be_bytes();
    match keys {
        Keys::One(key) => {
            let mut from = key_of(OLDER, &[&id, key.as_bytes()]);
            let mut to = from.clone();
            from.push(KEY_END);
            // Beyond any revision: they are below 2^63.
            to.extend_from_slice(&[KEY_END; 9]);
            Range {
                from: from.into(),
                to: to.into(),
            }
        }
        Keys::Prefix(prefix) => Range::of(key_of(OLDER, &[&id, prefix.as_bytes()])),
    }
}

/// Which keys' rows are meant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keys<'a> {
    One(&'a str),
    Prefix(&'a str),
}

/// What an entry's row is, by its key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EntryRow<'a> {
    Latest { key: &'a str },
    Older { key: &'a str },
}

impl<'a> EntryRow<'a> {
    pub(super) fn key(self) -> &'a str {
        match self {
            Self::Latest { key } | Self::Older { key } => key,
        }
    }
}

/// Returns true when `row` is the key of a head.
pub(super) fn is_head(row: &[u8]) -> bool {
    row.first() == Some(&HEAD)
}

/// Takes the key of a latest or older row apart.
pub(super) fn entry_row(row: &[u8]) -> Result<EntryRow<'_>, Malformed> {
    const ID_END: usize = 1 + 4;
    const REVISION_BYTES: usize = 1 + 8;
    let kind = *row.first().ok_or(Malformed)?;
    let rest = row.get(ID_END..).ok_or(Malformed)?;
    match kind {
        LATEST => Ok(EntryRow::Latest { key: text(rest)? }),
        OLDER => {
            let end = rest.len().checked_sub(REVISION_BYTES).ok_or(Malformed)?;
            Ok(EntryRow::Older {
                key: text(&rest[..end])?,
            })
        }
        _ => Err(Malformed),
    }
}

/// Makes the entry that a latest or older row holds.
pub(super) fn entry(key: &[u8], row: &Bytes) -> Result<Entry, Malformed> {
    Ok(Stored::decode(row)?.into_entry(entry_row(key)?.key().to_owned()))
}

pub(super) fn timer_key(at: Millis, bucket: BucketId, key: &str) -> Bytes {
    key_of(
        TIMER,
        &[&at.0.to_be_bytes(), &bucket.0.to_be_bytes(), key.as_bytes()],
    )
    .into()
}

/// All timers, the earliest first.
pub(super) fn timers() -> Range {
    Range::of(vec![TIMER])
}

/// Takes the key of a timer row apart.
pub(super) fn timer_of(row: &[u8]) -> Result<(Millis, BucketId, &str), Malformed> {
    let mut rest = row.get(1..).ok_or(Malformed)?;
    let at = Millis(u64::from_be_bytes(take(&mut rest)?));
    let bucket = BucketId(u32::from_be_bytes(take(&mut rest)?));
    Ok((at, bucket, text(rest)?))
}

fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (taken, left) = rest.split_first_chunk::<N>().ok_or(Malformed)?;
    *rest = left;
    Ok(*taken)
}

/// A point in time: milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Millis(pub(super) u64);

/// When an entry was written: microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Micros(pub(super) u64);

impl Micros {
    pub(super) fn of(time: SystemTime) -> Self {
        let since = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    pub(super) fn time(self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_micros(self.0)
    }

    /// The first whole millisecond at which `lifetime` has passed.
    pub(super) fn plus(self, lifetime: Duration) -> Millis {
        let lifetime = u64::try_from(lifetime.as_micros()).unwrap_or(u64::MAX);
        Millis(self.0.saturating_add(lifetime).div_ceil(1000))
    }

    pub(super) fn millis(self) -> Millis {
        Millis(self.0 / 1000)
    }
}

/// The store's own row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StoreRow {
    pub(super) format: u32,
    pub(super) next_bucket: BucketId,
}

impl StoreRow {
    pub(super) fn encode(self) -> Bytes {
        let mut row = BytesMut::with_capacity(8);
        row.put_u32_le(self.format);
        row.put_u32_le(self.next_bucket.0);
        row.freeze()
    }

    pub(super) fn decode(mut row: &[u8]) -> Result<Self, Malformed> {
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
pub(super) struct BucketRow {
    pub(super) id: BucketId,
    pub(super) epoch: String,
    pub(super) settings: Settings,
}

/// What a bucket was told to keep, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) history: u8,
    pub(super) ttl: Option<Duration>,
    pub(super) marker_ttl: Duration,
    pub(super) max_value_bytes: u32,
}

impl Settings {
    pub(super) fn of(config: &BucketConfig) -> Self {
        Self {
            history: config.history_entries(),
            ttl: config.value_ttl(),
            marker_ttl: config.marker_lifetime(),
            max_value_bytes: config.value_limit_bytes() as u32,
        }
    }
}

impl BucketRow {
    pub(super) fn encode(&self) -> Bytes {
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

    pub(super) fn decode(mut row: &[u8]) -> Result<Self, Malformed> {
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
pub(super) struct Head {
    /// The last revision that was given.
    pub(super) last: Revision,
    /// The highest revision of a marker that is no longer kept: nobody resumes from before it.
    pub(super) floor: Revision,
}

impl Head {
    pub(super) fn encode(self) -> Bytes {
        let mut row = BytesMut::with_capacity(16);
        row.put_u64_le(self.last.0);
        row.put_u64_le(self.floor.0);
        row.freeze()
    }

    pub(super) fn decode(mut row: &[u8]) -> Result<Self, Malformed> {
        let last = Revision(u64::from_le_bytes(take(&mut row)?));
        let floor = Revision(u64::from_le_bytes(take(&mut row)?));
        Ok(Self { last, floor })
    }
}

/// An entry as it lies in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) operation: Operation,
    pub(super) revision: Revision,
    pub(super) created: Micros,
    /// The lifetime that came with the write.
    pub(super) ttl: Option<Duration>,
    /// When the key's timer row goes off; it may be earlier than the entry ends, never later.
    pub(super) timer: Option<Millis>,
    /// The revisions of the older rows, oldest first. Only in the latest row.
    pub(super) older: Vec<Revision>,
    pub(super) value: Bytes,
}

const OPERATION: u8 = 0b0000_0011;
const HAS_TTL: u8 = 0b0000_0100;
const HAS_TIMER: u8 = 0b0000_1000;
const HAS_OLDER: u8 = 0b0001_0000;

impl Stored {
    pub(super) fn encode(&self) -> Bytes {
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
    pub(super) fn decode(row: &Bytes) -> Result<Self, Malformed> {
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

    pub(super) fn is_value(&self) -> bool {
        self.operation == Operation::Put
    }

    /// When the entry ends under these settings: a value's lifetime, or a marker's.
    pub(super) fn deadline(&self, settings: &Settings) -> Option<Millis> {
        let lifetime = match self.operation {
            Operation::Put => match (self.ttl, settings.ttl) {
                (Some(own), Some(of_bucket)) => Some(own.min(of_bucket)),
                (own, of_bucket) => own.or(of_bucket),
            },
            Operation::Delete | Operation::Purge => Some(settings.marker_ttl),
        };
        lifetime.map(|lifetime| self.created.plus(lifetime))
    }

    /// Returns true when it is a value whose lifetime has passed. Asks for the time only if it has one.
    pub(super) fn has_expired(&self, settings: &Settings, now: impl FnOnce() -> Micros) -> bool {
        self.is_value()
            && self
                .deadline(settings)
                .is_some_and(|deadline| deadline <= now().millis())
    }

    pub(super) fn into_entry(self, key: String) -> Entry {
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
            let _ = (entry_row(&row).is_ok(), timer_of(&row).is_ok());
        }

        #[test]
        fn keys_of_rows_come_apart(key in any::<String>(), id in any::<u32>(), number in any::<u64>()) {
            let id = BucketId(id);
            let (latest, older) = (latest_key(id, &key), older_key(id, &key, Revision(number)));
            prop_assert_eq!(entry_row(&latest), Ok(EntryRow::Latest { key: &key }));
            prop_assert_eq!(entry_row(&older), Ok(EntryRow::Older { key: &key }));
            let timer = timer_key(Millis(number), id, &key);
            prop_assert_eq!(timer_of(&timer), Ok((Millis(number), id, key.as_str())));
        }

        #[test]
        fn older_rows_of_a_key_hold_no_other_key(key in "[a-c\u{0}\u{7FF}]{0,4}", other in "[a-c\u{0}\u{7FF}]{0,4}") {
            let range = older_rows(BucketId(1), Keys::One(&key));
            let row = older_key(BucketId(1), &other, Revision(7));
            prop_assert_eq!(range.from <= row && row < range.to, key == other);
        }

        #[test]
        fn rows_under_a_prefix_are_those_of_its_keys(prefix in "[ab.]{0,2}", key in "[ab.\u{7FF}]{0,4}") {
            for (range, row) in [
                (latest_rows(BucketId(1), Keys::Prefix(&prefix)), latest_key(BucketId(1), &key)),
                (older_rows(BucketId(1), Keys::Prefix(&prefix)), older_key(BucketId(1), &key, Revision(7))),
            ] {
                prop_assert_eq!(range.from <= row && row < range.to, key.starts_with(&prefix));
            }
        }
    }

    #[test]
    fn a_bucket_whose_id_ends_in_ff_has_all_its_rows() {
        let range = latest_rows(BucketId(0x1FF), Keys::Prefix(""));
        assert!(range.from <= latest_key(BucketId(0x1FF), "z"));
        assert!(latest_key(BucketId(0x1FF), "z") < range.to);
        assert!(range.to <= latest_key(BucketId(0x200), ""));
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
