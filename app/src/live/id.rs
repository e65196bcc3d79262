//! The id of an event: which state the page has after it.

use std::{fmt, str::FromStr};

/// A state that a page has reached, written `<epoch>-<revision>` into the `id:` of an event.
///
/// The epoch names the history that the revision counts in (a bucket, a chat): a revision of another epoch says nothing.
/// All pages that show the same state have the same id, so that one encoded event serves them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId {
    /// The history that `revision` counts in. Written in hexadecimal.
    pub epoch: u64,
    /// A number that only grows within its epoch. Written in decimal.
    pub revision: u64,
}

impl EventId {
    /// Returns the id of `revision` in the history `epoch`.
    pub fn new(epoch: u64, revision: u64) -> Self {
        Self { epoch, revision }
    }

    /// Returns the number under which the epoch of a bucket stands in ids: the text itself if it is 16 hexadecimal digits,
    /// else a hash of it (FNV-1a), which is the same in every process.
    pub fn epoch_of(text: &str) -> u64 {
        let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        match u64::from_str_radix(text, 16) {
            Ok(epoch) if text.len() == 16 => epoch,
            _ => text.bytes().fold(0xcbf2_9ce4_8422_2325, hash),
        }
    }

    /// Returns the revision if it belongs to `epoch`, and `None` if it counts in another history.
    pub fn revision_in(self, epoch: u64) -> Option<u64> {
        (self.epoch == epoch).then_some(self.revision)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.epoch, self.revision)
    }
}

/// A text that is not an [`EventId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotAnEventId;

impl fmt::Display for NotAnEventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an event id of the form <epoch>-<revision>")
    }
}

impl std::error::Error for NotAnEventId {}

impl FromStr for EventId {
    type Err = NotAnEventId;

    /// Reads what [`Display`](fmt::Display) writes and nothing else: no sign, no leading zero, no capitals.
    fn from_str(text: &str) -> Result<Self, NotAnEventId> {
        let (epoch, revision) = text.split_once('-').ok_or(NotAnEventId)?;
        let epoch = u64::from_str_radix(canonical(epoch)?, 16).map_err(|_| NotAnEventId)?;
        let revision = canonical(revision)?.parse().map_err(|_| NotAnEventId)?;
        Ok(Self { epoch, revision })
    }
}

/// Refuses the second spellings that `from_str_radix` would take: `+7`, `007`, `FF`.
fn canonical(digits: &str) -> Result<&str, NotAnEventId> {
    let plain = digits
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if plain && (digits == "0" || !digits.starts_with('0')) {
        Ok(digits)
    } else {
        Err(NotAnEventId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        for id in [
            EventId::new(0, 0),
            EventId::new(0xfeed, 42),
            EventId::new(u64::MAX, u64::MAX),
        ] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn every_other_spelling_is_refused() {
        for text in [
            "", "-", "1", "1-", "-1", "+1-1", "1-+1", "01-1", "1-01", "F-1", "1-f", " 1-1", "1-1 ",
            "1-1-1", "g-1",
        ] {
            assert_eq!(text.parse::<EventId>(), Err(NotAnEventId), "{text:?}");
        }
        assert!(
            "10000000000000000-1".parse::<EventId>().is_err(),
            "an epoch of 65 bits"
        );
    }

    #[test]
    fn an_epoch_of_a_bucket_is_itself_or_a_hash() {
        assert_eq!(EventId::epoch_of("00000000000000ff"), 0xff);
        // The vectors of FNV-1a, 64 bits.
        assert_eq!(EventId::epoch_of(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(EventId::epoch_of("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_revision_counts_only_in_its_epoch() {
        assert_eq!(EventId::new(7, 3).revision_in(7), Some(3));
        assert_eq!(EventId::new(7, 3).revision_in(8), None);
    }
}
