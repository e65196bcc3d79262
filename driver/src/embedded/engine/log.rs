//! The log: batches in the order in which they were made, durable before anybody sees them.
//!
//! It lies in a few segment files that are written in place, over and over: a segment whose rows are
//! all in the table is free, and the next record may begin it anew. Its space is written before it is
//! used, so that a sync has data to write and no file length, which costs half as much.
//!
//! At the start the segments are read: the records that continue each other are replayed, and what
//! follows the last of them is either the remains of an older use, or of a record that was being
//! written when the power failed and was never acknowledged, or damage. It is damage if a later
//! record stands behind it, for that was begun when everything before it was durable.

use std::sync::Arc;

use tracing::warn;

use super::Batch;
use super::record::{self, Salt, Sequence};
use crate::embedded::disk::{Disk, DiskFile};
use crate::embedded::fault::Fault;

/// One active, one on its way into the table, and one more at the start, when what was replayed is on
/// its way and new batches come already.
const NAMES: [&str; 3] = ["log.0", "log.1", "log.2"];

/// How much a segment takes before it is full; the batch that fills it may go beyond.
pub(super) const SEGMENT_BYTES: u64 = 4 * 1024 * 1024;

/// How much space is written ahead at a time.
const AHEAD_BYTES: u64 = 512 * 1024;

pub(super) struct Log {
    disk: Arc<dyn Disk>,
    salt: Salt,
    segments: Vec<Segment>,
    /// The segment that takes new records; `None` before the first [switch](Self::switch).
    active: Option<usize>,
    /// Where in it the next record begins.
    end: u64,
    /// The last record that was written.
    last: Sequence,
    /// A record that failed may stand at the end.
    spoilt: bool,
}

struct Segment {
    name: &'static str,
    file: Box<dyn DiskFile>,
    /// Up to here its space has been written.
    written: u64,
    free: bool,
}

/// What was found at the start.
pub(super) struct Replayed {
    pub(super) log: Log,
    /// The rows of all records that the table does not have.
    pub(super) rows: Batch,
}

impl Log {
    /// Returns true when there is a log file with anything in it.
    pub(super) fn exists(disk: &dyn Disk) -> Result<bool, Fault> {
        for name in NAMES {
            let look = || Ok(disk.exists(name)? && disk.open(name)?.len()? > 0);
            if look().map_err(|error| Fault::io("looking for", &disk.path(name), error))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads the log of a table that has all records up to `checkpoint`.
    pub(super) fn open(
        disk: Arc<dyn Disk>,
        salt: Salt,
        checkpoint: Sequence,
    ) -> Result<Replayed, Fault> {
        let mut segments = Vec::new();
        let mut found = Vec::new();
        for (index, name) in NAMES.into_iter().enumerate() {
            let path = disk.path(name);
            let read = || {
                let file = disk.open(name)?;
                let mut bytes = vec![0; usize::try_from(file.len()?).unwrap_or(usize::MAX)];
                file.read_at(0, &mut bytes)?;
                Ok((file, bytes))
            };
            let (file, bytes) = read().map_err(|error| Fault::io("reading", &path, error))?;
            segments.push(Segment {
                name,
                file,
                written: bytes.len() as u64,
                free: true,
            });
            let first = record::read(salt, &bytes).map_or(Sequence::MAX, |record| record.sequence);
            found.push((first, index, bytes));
        }
        found.sort_unstable_by_key(|&(first, ..)| first);

        let mut replay = Replay {
            salt,
            last: checkpoint,
            rows: Batch::new(),
        };
        for (_, index, bytes) in &found {
            let used = replay
                .segment(bytes)
                .map_err(|detail| Fault::damaged(&disk.path(segments[*index].name), detail))?;
            segments[*index].free = !used;
        }
        // Behind the last record of each segment there must be nothing later than all that was read.
        for (_, index, bytes) in &found {
            let path = disk.path(segments[*index].name);
            match replay.remains(bytes) {
                Remains::Old => {}
                Remains::Torn => warn!(
                    file = %path.display(),
                    record = replay.last + 1,
                    "a record that was never acknowledged is dropped: it was not written to the end",
                ),
                Remains::Later(sequence) => {
                    let detail = format!(
                        "record {} is missing or broken, and record {sequence} follows",
                        replay.last + 1
                    );
                    return Err(Fault::damaged(&path, detail));
                }
            }
        }
        let Replay { salt, last, rows } = replay;
        let log = Self {
            disk,
            salt,
            segments,
            active: None,
            end: 0,
            last,
            spoilt: false,
        };
        Ok(Replayed { log, rows })
    }

    /// Returns true when there is a segment to go on in.
    pub(super) fn has_room(&self) -> bool {
        self.segments.iter().any(|segment| segment.free)
    }

    /// Returns the number of the last record.
    pub(super) fn last(&self) -> Sequence {
        self.last
    }

    /// Returns true when the active segment has taken what it should.
    pub(super) fn is_full(&self, segment_bytes: u64) -> bool {
        self.end >= segment_bytes
    }

    /// Writes a batch; durable on return. After a failure the next batch is written in its place.
    pub(super) fn append(&mut self, batch: &Batch) -> Result<(), Fault> {
        let record = record::encode(self.salt, self.last + 1, batch);
        let end = self.end + record.len() as u64;
        self.spoilt = true;
        let begin = self.end;
        self.write(|segment| {
            segment.file.write_at(begin, &record)?;
            if end > segment.written {
                let ahead = end.next_multiple_of(AHEAD_BYTES);
                segment
                    .file
                    .write_at(end, &vec![0; (ahead - end) as usize])?;
                segment.file.sync()?;
                segment.written = ahead;
                return Ok(());
            }
            segment.file.sync()
        })?;
        self.spoilt = false;
        self.end = end;
        self.last += 1;
        Ok(())
    }

    fn write(
        &mut self,
        write: impl FnOnce(&mut Segment) -> std::io::Result<()>,
    ) -> Result<(), Fault> {
        let active = self
            .active
            .expect("a log is switched to its first segment when it is opened");
        let segment = &mut self.segments[active];
        write(segment).map_err(|error| Fault::io("writing", &self.disk.path(segment.name), error))
    }

    /// Goes on in a free segment. Those written before stay until they are [freed](Self::free).
    pub(super) fn switch(&mut self) -> Result<(), Fault> {
        self.tidy()?;
        let free = self.segments.iter().position(|segment| segment.free);
        let free = free.expect("a segment is freed before the next is filled");
        self.segments[free].free = false;
        self.active = Some(free);
        self.end = 0;
        Ok(())
    }

    /// Makes sure that no record that failed is ever replayed: its number will be another's.
    pub(super) fn tidy(&mut self) -> Result<(), Fault> {
        if !self.spoilt {
            return Ok(());
        }
        let end = self.end;
        self.write(|segment| {
            // It may have failed before it was begun, at the end of the file.
            if segment.file.len()? > end {
                segment.file.write_at(end, &[0; record::HEADER_BYTES])?;
                segment.file.sync()?;
            }
            Ok(())
        })?;
        self.spoilt = false;
        Ok(())
    }

    /// Frees all segments but the active one: the table has their rows.
    pub(super) fn free(&mut self) {
        for (index, segment) in self.segments.iter_mut().enumerate() {
            segment.free = Some(index) != self.active;
        }
    }

    /// Gives back the space of all segments without a record that the table lacks.
    pub(super) fn shrink(&mut self) -> Result<(), Fault> {
        let unused = if self.end == 0 { self.active } else { None };
        for (index, segment) in self.segments.iter_mut().enumerate() {
            if segment.written > 0 && (segment.free || unused == Some(index)) {
                let cut = segment.file.set_len(0);
                cut.map_err(|error| Fault::io("cutting", &self.disk.path(segment.name), error))?;
                segment.written = 0;
            }
        }
        Ok(())
    }
}

/// Reading the log.
struct Replay {
    salt: Salt,
    /// The last record that was read, or that the table has.
    last: Sequence,
    rows: Batch,
}

enum Remains {
    /// Nothing, or records of an older use.
    Old,
    /// What may be the beginning of the next record.
    Torn,
    /// A later record.
    Later(Sequence),
}

impl Replay {
    /// Reads the records that a segment begins with. Returns true when the table lacks one of them.
    fn segment(&mut self, bytes: &[u8]) -> Result<bool, String> {
        let mut used = false;
        let mut rest = bytes;
        while let Some(record) = record::read(self.salt, rest) {
            rest = rest.get(record.len..).unwrap_or_default();
            if record.sequence == self.last + 1 {
                if !record.replay(&mut self.rows) {
                    return Err(format!("record {} is malformed", record.sequence));
                }
                self.last = record.sequence;
                used = true;
            } else if record.sequence > self.last {
                return Err(format!(
                    "record {} is missing, and record {} follows",
                    self.last + 1,
                    record.sequence
                ));
            } else if used {
                // Records of an older use of the segment.
                break;
            }
        }
        Ok(used)
    }

    fn remains(&self, bytes: &[u8]) -> Remains {
        let next = self.last + 1;
        if let Some(later) = record::find(self.salt, bytes, next) {
            return Remains::Later(later.sequence);
        }
        let mut rest = bytes;
        while let Some(record) = record::read(self.salt, rest) {
            rest = rest.get(record.len..).unwrap_or_default();
        }
        if record::is_torn(rest, next) {
            Remains::Torn
        } else {
            Remains::Old
        }
    }
}
