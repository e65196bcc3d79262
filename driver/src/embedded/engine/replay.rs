//! Reading the log at the start.
//!
//! The records that continue each other are replayed, from the one after the table's mark. What follows
//! the last of them is the remains of an older use of the segment, or of a record that was being
//! written when the power failed and was never acknowledged, or damage. It is damage if a later record
//! stands anywhere, for that was begun when everything before it was durable.
//!
//! Reading writes nothing: a damaged log is left as it was.

use std::io;

use tracing::warn;

use super::Batch;
use super::log::NAMES;
use super::record::{self, Sequence};
use super::table::Mark;
use crate::embedded::disk::Disk;
use crate::embedded::fault::Fault;

/// What was found.
pub(super) struct Replayed {
    /// The last record that was read, or that the table has.
    pub(super) last: Sequence,
    /// The rows of all records that the table does not have.
    pub(super) rows: Batch,
    pub(super) segments: [Found; NAMES.len()],
}

/// A segment.
#[derive(Clone, Copy, Default)]
pub(super) struct Found {
    pub(super) len: u64,
    /// It has records that the table does not have.
    pub(super) used: bool,
}

/// Returns true when there is a log with anything in it.
pub(super) fn exists(disk: &dyn Disk) -> Result<bool, Fault> {
    for name in NAMES {
        if !read(disk, name)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads the log of a table with this mark.
pub(super) fn replay(disk: &dyn Disk, mark: Mark) -> Result<Replayed, Fault> {
    let mut found = Vec::new();
    for (index, name) in NAMES.into_iter().enumerate() {
        let bytes = read(disk, name)?;
        let first = record::read(mark.salt, &bytes).map_or(Sequence::MAX, |first| first.sequence);
        found.push((first, index, bytes));
    }
    found.sort_unstable_by_key(|&(first, ..)| first);

    let mut replay = Replay {
        mark,
        last: mark.sequence,
        rows: Batch::new(),
    };
    let mut segments = [Found::default(); NAMES.len()];
    for (_, index, bytes) in &found {
        let used = replay.segment(bytes);
        let used = used.map_err(|detail| Fault::damaged(&disk.path(NAMES[*index]), detail))?;
        segments[*index] = Found {
            len: bytes.len() as u64,
            used,
        };
    }
    for (_, index, bytes) in &found {
        replay.check_remains(disk, NAMES[*index], bytes)?;
    }
    let Replay {
        mark: _,
        last,
        rows,
    } = replay;
    Ok(Replayed {
        last,
        rows,
        segments,
    })
}

/// Returns all bytes of a segment; none when the file is not there.
fn read(disk: &dyn Disk, name: &str) -> Result<Vec<u8>, Fault> {
    let read = || {
        if !disk.exists(name)? {
            return Ok(Vec::new());
        }
        let file = disk.open(name)?;
        let len = usize::try_from(file.len()?).map_err(io::Error::other)?;
        let mut bytes = vec![0; len];
        file.read_at(0, &mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error| Fault::io("reading", &disk.path(name), error))
}

struct Replay {
    mark: Mark,
    last: Sequence,
    rows: Batch,
}

impl Replay {
    /// Replays the records that a segment begins with. Returns true when the table lacked one of them.
    fn segment(&mut self, bytes: &[u8]) -> Result<bool, String> {
        let mut used = false;
        let mut rest = bytes;
        while let Some(record) = record::read(self.mark.salt, rest) {
            rest = rest.get(record.len..).unwrap_or_default();
            if record.sequence == self.last + 1 {
                if !record.replay(&mut self.rows) {
                    return Err(format!("record {} is malformed", record.sequence));
                }
                self.last = record.sequence;
                used = true;
            } else if record.sequence > self.last {
                return Err(self.gap(record.sequence));
            } else if used {
                // Records of an older use of the segment.
                break;
            }
        }
        Ok(used)
    }

    /// Nowhere there is a record later than the last that could be read.
    fn check_remains(&self, disk: &dyn Disk, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        let next = self.last + 1;
        if let Some(later) = record::find(self.mark.salt, bytes, next) {
            return Err(Fault::damaged(&disk.path(name), self.gap(later.sequence)));
        }
        let mut rest = bytes;
        while let Some(record) = record::read(self.mark.salt, rest) {
            rest = rest.get(record.len..).unwrap_or_default();
        }
        if record::is_torn(rest, next) {
            warn!(
                file = %disk.path(name).display(),
                record = next,
                "a record that was never acknowledged is dropped: it was not written to the end",
            );
        }
        Ok(())
    }

    fn gap(&self, later: Sequence) -> String {
        format!(
            "record {} is missing or broken, and record {later} follows",
            self.last + 1
        )
    }
}
