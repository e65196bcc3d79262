//! Batches as records of a log.
//!
//! ```text
//! bytes  4         4                 8         4                4      n        0 to 7
//!        length n  check of payload  sequence  check of header  zeros  payload  zeros, so that records
//!                                                                               begin at multiples of 8
//! ```
//! The check of the header begins with a salt of the store, which is secret: a log is written in place
//! over an older one, so that behind its last record may stand bytes of a value that somebody chose to
//! look like the next.

use bytes::Bytes;

use super::Batch;

pub(super) const HEADER_BYTES: usize = 24;
const ALIGNMENT: usize = 8;

/// What keeps records of this store apart from all other bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Salt(pub(super) [u8; 16]);

impl Salt {
    /// Makes a new one, from the seeds that the standard library draws for its maps.
    pub(super) fn random() -> Self {
        use std::hash::{BuildHasher, RandomState};
        let halves = [RandomState::new(), RandomState::new()].map(|seed| seed.hash_one(0_u8));
        let mut salt = [0; 16];
        salt[..8].copy_from_slice(&halves[0].to_le_bytes());
        salt[8..].copy_from_slice(&halves[1].to_le_bytes());
        Self(salt)
    }
}

/// The number of a record: from 1, one more with each, over all files and restarts.
pub(super) type Sequence = u64;

/// Writes a batch as a record; `None` when it is larger than a record can be, which is 4 GiB.
pub(super) fn encode(salt: Salt, sequence: Sequence, batch: &Batch) -> Option<Vec<u8>> {
    let rows: usize = batch
        .iter()
        .map(|(key, row)| ROW_HEADER_BYTES + key.len() + row.as_ref().map_or(0, Bytes::len))
        .sum();
    let len = u32::try_from(rows).ok()?;
    let mut record = Vec::with_capacity(HEADER_BYTES + rows + ALIGNMENT);
    record.resize(HEADER_BYTES, 0);
    for (key, row) in batch {
        record.extend_from_slice(&(key.len() as u32).to_le_bytes());
        let len = row.as_ref().map_or(REMOVED, |row| row.len() as u32);
        record.extend_from_slice(&len.to_le_bytes());
        record.extend_from_slice(key);
        record.extend_from_slice(row.as_deref().unwrap_or_default());
    }
    let header = Header {
        len,
        payload: check(&[&record[HEADER_BYTES..]]),
        sequence,
    };
    record[..HEADER_BYTES].copy_from_slice(&header.encode(salt));
    record.resize(record.len().next_multiple_of(ALIGNMENT), 0);
    Some(record)
}

/// The header without its check.
#[derive(Clone, Copy)]
struct Header {
    len: u32,
    payload: u32,
    sequence: Sequence,
}

impl Header {
    fn encode(self, salt: Salt) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[..4].copy_from_slice(&self.len.to_le_bytes());
        header[4..8].copy_from_slice(&self.payload.to_le_bytes());
        header[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        let check = check(&[&salt.0, &header[..16]]);
        header[16..20].copy_from_slice(&check.to_le_bytes());
        header
    }

    fn decode(salt: Salt, bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let number = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let sequence = u64::from(number(8)) | u64::from(number(12)) << 32;
        let header = Self {
            len: number(0),
            payload: number(4),
            sequence,
        };
        // Most of what is looked at is zeros.
        (sequence > 0 && header.encode(salt) == *bytes).then_some(header)
    }
}

const ROW_HEADER_BYTES: usize = 8;

/// In place of a length: the row is removed.
const REMOVED: u32 = u32::MAX;

fn check(parts: &[&[u8]]) -> u32 {
    let mut crc = Crc::new();
    for part in parts {
        crc.update(part);
    }
    crc.finish()
}

/// A record that was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) sequence: Sequence,
    payload: &'a [u8],
    /// How many bytes of the log it takes.
    pub(super) len: usize,
}

/// Reads the record that `log` begins with; `None` when it begins with anything else.
pub(super) fn read(salt: Salt, log: &[u8]) -> Option<Record<'_>> {
    let (header, rest) = log.split_first_chunk()?;
    let Header {
        len,
        payload: expected,
        sequence,
    } = Header::decode(salt, header)?;
    let payload = rest.get(..len as usize)?;
    let len = (HEADER_BYTES + payload.len()).next_multiple_of(ALIGNMENT);
    (check(&[payload]) == expected).then_some(Record {
        sequence,
        payload,
        len,
    })
}

/// Finds a record with a sequence of `from` or later anywhere in `log`.
pub(super) fn find(salt: Salt, log: &[u8], from: Sequence) -> Option<Record<'_>> {
    let offsets = (0..log.len()).step_by(ALIGNMENT);
    offsets
        .filter_map(|offset| read(salt, &log[offset..]))
        .find(|record| record.sequence >= from)
}

/// Returns true when `log` begins with what may be the beginning of the record `sequence`.
pub(super) fn is_torn(log: &[u8], sequence: Sequence) -> bool {
    log.get(8..16) == Some(&sequence.to_le_bytes())
}

impl Record<'_> {
    /// Puts the rows of the record's batch over those in `rows`. False: it is no batch.
    pub(super) fn replay(&self, rows: &mut Batch) -> bool {
        let mut rest = self.payload;
        while !rest.is_empty() {
            let Some((key, row)) = take_row(&mut rest) else {
                return false;
            };
            rows.insert(Bytes::copy_from_slice(key), row.map(Bytes::copy_from_slice));
        }
        true
    }
}

fn take_row<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], Option<&'a [u8]>)> {
    let key_len = take(rest, 4)?;
    let row_len = u32::from_le_bytes(*take(rest, 4)?.first_chunk()?);
    let key = take(rest, u32::from_le_bytes(*key_len.first_chunk()?) as usize)?;
    if row_len == REMOVED {
        return Some((key, None));
    }
    Some((key, Some(take(rest, row_len as usize)?)))
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(len)?;
    *rest = left;
    Some(taken)
}

/// CRC-32 (IEEE 802.3), eight bytes a step.
struct Crc(u32);

/// `TABLES[k][b]`: the check of byte `b` followed by `k` zero bytes.
static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    /// The polynomial, bits reversed.
    const POLYNOMIAL: u32 = 0xEDB8_8320;
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ POLYNOMIAL
            } else {
                crc >> 1
            };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut byte = 0;
    while byte < 256 {
        let mut zeros = 1;
        while zeros < 8 {
            let before = tables[zeros - 1][byte];
            tables[zeros][byte] = before >> 8 ^ tables[0][(before & 0xFF) as usize];
            zeros += 1;
        }
        byte += 1;
    }
    tables
}

impl Crc {
    fn new() -> Self {
        Self(u32::MAX)
    }

    fn update(&mut self, bytes: &[u8]) {
        let (chunks, rest) = bytes.as_chunks::<8>();
        for chunk in chunks {
            let [a, b, c, d] = (self.0
                ^ u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]))
            .to_le_bytes();
            self.0 = TABLES[7][usize::from(a)]
                ^ TABLES[6][usize::from(b)]
                ^ TABLES[5][usize::from(c)]
                ^ TABLES[4][usize::from(d)]
                ^ TABLES[3][usize::from(chunk[4])]
                ^ TABLES[2][usize::from(chunk[5])]
                ^ TABLES[1][usize::from(chunk[6])]
                ^ TABLES[0][usize::from(chunk[7])];
        }
        for byte in rest {
            self.0 = self.0 >> 8 ^ TABLES[0][(self.0 as u8 ^ byte) as usize];
        }
    }

    fn finish(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SALT: Salt = Salt([7; 16]);

    #[test]
    fn the_check_is_the_usual_one() {
        let mut crc = Crc::new();
        crc.update(b"123456789");
        assert_eq!(crc.finish(), 0xCBF4_3926);
        let mut parts = Crc::new();
        parts.update(b"The quick brown fox ");
        parts.update(b"jumps over the lazy dog");
        assert_eq!(parts.finish(), 0x414F_A339);
    }

    fn batch() -> impl Strategy<Value = Batch> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from);
        prop::collection::btree_map(bytes(), prop::option::of(bytes()), 0..6)
    }

    proptest! {
        #[test]
        fn a_batch_comes_back(batch in batch(), sequence in 1..u64::MAX, tail in prop::collection::vec(any::<u8>(), 0..30)) {
            let mut log = encode(SALT, sequence, &batch).unwrap();
            let len = log.len();
            log.extend(tail);
            let record = read(SALT, &log).unwrap();
            prop_assert_eq!((record.sequence, record.len), (sequence, len));
            let mut rows = Batch::new();
            prop_assert!(record.replay(&mut rows));
            prop_assert_eq!(rows, batch);
        }

        #[test]
        fn a_flipped_bit_or_a_cut_is_noticed(batch in batch(), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let log = encode(SALT, 9, &batch).unwrap();
            let record = read(SALT, &log).unwrap();
            let used = HEADER_BYTES + record.payload.len();
            let at = at.index(used);
            let mut flipped = log.clone();
            flipped[at] ^= 1_u8 << bit;
            prop_assert_eq!(read(SALT, &flipped), None);
            prop_assert_eq!(read(SALT, &log[..at]), None);
        }

        #[test]
        fn no_bytes_panic(log in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert_eq!(read(SALT, &log), None);
            let record = Record { sequence: 1, payload: &log, len: 0 };
            record.replay(&mut Batch::new());
        }
    }

    #[test]
    fn another_store_s_record_is_none_of_ours() {
        let log = encode(Salt([8; 16]), 9, &Batch::new()).unwrap();
        assert_eq!(read(SALT, &log), None);
    }

    #[test]
    fn a_record_is_found_behind_others() {
        let mut log = encode(SALT, 4, &Batch::new()).unwrap();
        log.extend([1; 24]);
        log.extend(encode(SALT, 9, &Batch::from([("k".into(), None)])).unwrap());
        assert_eq!(find(SALT, &log, 5).unwrap().sequence, 9);
        assert_eq!(find(SALT, &log, 10), None);
    }
}
