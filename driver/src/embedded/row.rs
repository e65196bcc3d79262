//! How buckets and streams are laid out in the rows of an engine.
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
//! | `N` stream | name | id, epoch, settings |
//! | `E` end | stream id | last and first sequence, counts, alarm |
//! | `M` message | stream id, sequence | the message |
//! | `X` index | stream id, subject, `FF`, sequence | nothing |
//! | `J` subject | stream id, subject | last and first sequence, count |
//! | `D` known id | stream id, message id | sequence, time |
//! | `I` its age | stream id, sequence | message id |
//! | `C` consumer | stream id, name | settings, position |
//! | `P` pending | stream id, name, `FF`, sequence | deadline, attempt |
//! | `R` due | stream id, name, `FF`, deadline, sequence | nothing |
//! | `A` alarm | deadline, stream id | nothing |
//! | `G` dropped | stream id | nothing: its rows are to go |
//!
//! A put without history, lifetime or new bucket writes the latest row, in place, and the head,
//! which a batch writes once. The revisions of the older rows stand in the latest row, so that no
//! write has to scan. A publish writes the message, its index and its subject, and the end, which a
//! batch writes once; messages lie in their order, so that the table grows at one place. Integers
//! in keys are big-endian, so that they sort; in values little-endian.
//! `FF` is in no UTF-8 text, so that no key's older rows lie among another's.

pub(super) mod consumer;
mod key;
pub(super) mod stream;
mod value;

use bytes::Bytes;

pub(super) use self::key::{
    Keys, bucket_key, bucket_name, buckets, entry_key, head_key, is_head, latest_key, latest_rows,
    older_key, older_rows, store_key, timer_key, timer_of, timers,
};
pub(super) use self::stream::{StreamRow, StreamSettings};
pub(super) use self::value::{BucketRow, Head, Settings, StoreRow, Stored};
use crate::kv::Entry;

/// The layout described above.
pub(super) const FORMAT: u32 = 1;

/// A bucket's number in the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct BucketId(pub(super) u32);

/// A stream's number in the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct StreamId(pub(super) u32);

/// A value cannot be what this layout wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Makes the entry that a latest or older row holds.
pub(super) fn entry(key: &[u8], row: &Bytes) -> Result<Entry, Malformed> {
    Ok(Stored::decode(row)?.into_entry(entry_key(key)?.to_owned()))
}

pub(super) fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (taken, left) = rest.split_first_chunk::<N>().ok_or(Malformed)?;
    *rest = left;
    Ok(*taken)
}
