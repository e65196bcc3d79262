//! The keys of rows.

use bytes::Bytes;

use super::{BucketId, Malformed, take, text};
use crate::embedded::clock::Millis;
use crate::embedded::engine::Range;
use crate::kv::Revision;

const STORE: u8 = b'S';
const BUCKET: u8 = b'B';
const HEAD: u8 = b'H';
const LATEST: u8 = b'L';
const OLDER: u8 = b'O';
const TIMER: u8 = b'T';

/// Ends a key in an older row.
const KEY_END: u8 = 0xFF;

pub(super) fn key_of(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut row = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    row.push(kind);
    for part in parts {
        row.extend_from_slice(part);
    }
    row
}

pub(in crate::embedded) fn store_key() -> Bytes {
    key_of(STORE, &[]).into()
}

pub(in crate::embedded) fn bucket_key(name: &str) -> Bytes {
    key_of(BUCKET, &[name.as_bytes()]).into()
}

pub(in crate::embedded) fn buckets() -> Range {
    Range::of(vec![BUCKET])
}

/// Returns the bucket's name from the key of its row.
pub(in crate::embedded) fn bucket_name(row: &[u8]) -> Result<String, Malformed> {
    Ok(text(row.get(1..).ok_or(Malformed)?)?.to_owned())
}

pub(in crate::embedded) fn head_key(bucket: BucketId) -> Bytes {
    key_of(HEAD, &[&bucket.0.to_be_bytes()]).into()
}

pub(in crate::embedded) fn latest_key(bucket: BucketId, key: &str) -> Bytes {
    key_of(LATEST, &[&bucket.0.to_be_bytes(), key.as_bytes()]).into()
}

/// The latest rows of all keys that begin with `prefix`, or of the one key.
pub(in crate::embedded) fn latest_rows(bucket: BucketId, keys: Keys<'_>) -> Range {
    match keys {
        Keys::One(key) => Range::single(latest_key(bucket, key)),
        Keys::Prefix(prefix) => Range::of(key_of(
            LATEST,
            &[&bucket.0.to_be_bytes(), prefix.as_bytes()],
        )),
    }
}

pub(in crate::embedded) fn older_key(bucket: BucketId, key: &str, revision: Revision) -> Bytes {
    let id = bucket.0.to_be_bytes();
    key_of(
        OLDER,
        &[&id, key.as_bytes(), &[KEY_END], &revision.0.to_be_bytes()],
    )
    .into()
}

pub(in crate::embedded) fn older_rows(bucket: BucketId, keys: Keys<'_>) -> Range {
    let id = bucket.0.to_be_bytes();
    Range::of(match keys {
        Keys::One(key) => key_of(OLDER, &[&id, key.as_bytes(), &[KEY_END]]),
        Keys::Prefix(prefix) => key_of(OLDER, &[&id, prefix.as_bytes()]),
    })
}

/// Which keys' rows are meant.
#[derive(Clone, Copy, Debug)]
pub(in crate::embedded) enum Keys<'a> {
    One(&'a str),
    Prefix(&'a str),
}

/// Returns true when `row` is the key of a head.
pub(in crate::embedded) fn is_head(row: &[u8]) -> bool {
    row.first() == Some(&HEAD)
}

/// Returns the key of which a latest or older row holds an entry.
pub(in crate::embedded) fn entry_key(row: &[u8]) -> Result<&str, Malformed> {
    const ID_END: usize = 1 + 4;
    const OLDER_END: usize = 1 + 8;
    let end = match row.first() {
        Some(&LATEST) => row.len(),
        Some(&OLDER) => row.len().checked_sub(OLDER_END).ok_or(Malformed)?,
        _ => return Err(Malformed),
    };
    text(row.get(ID_END..end).ok_or(Malformed)?)
}

pub(in crate::embedded) fn timer_key(at: Millis, bucket: BucketId, key: &str) -> Bytes {
    key_of(
        TIMER,
        &[&at.0.to_be_bytes(), &bucket.0.to_be_bytes(), key.as_bytes()],
    )
    .into()
}

/// All timers, the earliest first.
pub(in crate::embedded) fn timers() -> Range {
    Range::of(vec![TIMER])
}

/// Takes the key of a timer row apart.
pub(in crate::embedded) fn timer_of(row: &[u8]) -> Result<(Millis, BucketId, &str), Malformed> {
    let mut rest = row.get(1..).ok_or(Malformed)?;
    let at = Millis(u64::from_be_bytes(take(&mut rest)?));
    let bucket = BucketId(u32::from_be_bytes(take(&mut rest)?));
    Ok((at, bucket, text(rest)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_key_panics(row in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = (bucket_name(&row), entry_key(&row).is_ok(), timer_of(&row).is_ok());
        }

        #[test]
        fn keys_come_apart(key in any::<String>(), id in any::<u32>(), number in any::<u64>()) {
            let id = BucketId(id);
            let (latest, older) = (latest_key(id, &key), older_key(id, &key, Revision(number)));
            prop_assert_eq!(entry_key(&latest), Ok(key.as_str()));
            prop_assert_eq!(entry_key(&older), Ok(key.as_str()));
            let timer = timer_key(Millis(number), id, &key);
            prop_assert_eq!(timer_of(&timer), Ok((Millis(number), id, key.as_str())));
        }

        #[test]
        fn older_rows_of_a_key_hold_no_other_key(
            key in "[a-c\u{0}\u{7FF}]{0,4}",
            other in "[a-c\u{0}\u{7FF}]{0,4}",
        ) {
            let range = older_rows(BucketId(1), Keys::One(&key));
            let row = older_key(BucketId(1), &other, Revision(7));
            prop_assert_eq!(range.from <= row && row < range.to, key == other);
        }

        #[test]
        fn rows_under_a_prefix_are_those_of_its_keys(
            prefix in "[ab.]{0,2}",
            key in "[ab.\u{7FF}]{0,4}",
        ) {
            let (id, keys) = (BucketId(1), Keys::Prefix(&prefix));
            for (range, row) in [
                (latest_rows(id, keys), latest_key(id, &key)),
                (older_rows(id, keys), older_key(id, &key, Revision(7))),
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
}
