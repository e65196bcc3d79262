//! The log: batches in the order in which they were made, durable before anybody sees them.
//!
//! It lies in a few segment files that are written in place, over and over: a segment whose rows are
//! all in the table is free, and the next record may begin it anew. Its space is written before it is
//! used, so that a sync has data to write and no file length, which costs half as much.

use std::io;
use std::sync::Arc;

use super::Batch;
use super::record::{self, Salt, Sequence};
use super::replay::Replayed;
use crate::embedded::disk::{Disk, DiskFile};
use crate::embedded::fault::Fault;

/// One active, one on its way into the table, and one more at the start, when what was replayed is on
/// its way and new batches come already.
pub(super) const NAMES: [&str; 3] = ["log.0", "log.1", "log.2"];

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

impl Log {
    /// Opens the log that was read.
    pub(super) fn open(
        disk: Arc<dyn Disk>,
        salt: Salt,
        replayed: &Replayed,
    ) -> Result<Self, Fault> {
        let mut segments = Vec::new();
        for (name, found) in NAMES.into_iter().zip(&replayed.segments) {
            let file = disk.open(name);
            let file = file.map_err(|error| Fault::io("opening", &disk.path(name), error))?;
            segments.push(Segment {
                name,
                file,
                written: found.len,
                free: !found.used,
            });
        }
        Ok(Self {
            disk,
            salt,
            segments,
            active: None,
            end: 0,
            last: replayed.last,
            spoilt: false,
        })
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
        let record = record::encode(self.salt, self.last + 1, batch).ok_or_else(|| {
            let error = io::Error::other("the batch is larger than a record can be");
            Fault::io("writing", &self.disk.path(NAMES[0]), error)
        })?;
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

    fn write(&mut self, write: impl FnOnce(&mut Segment) -> io::Result<()>) -> Result<(), Fault> {
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
