//! Rows in files: a log in front of a table.
//!
//! A batch is appended to the log and synced, and then laid over the rows of the table in memory:
//! one write, in sequence, for all that wait, where a table alone would write a page for every row
//! and its way to the root. When the log's segment is full, what lies over the table is frozen, and
//! a second thread carries it into the table, while the log goes on in another segment.
//!
//! ```text
//! batch → log (durable) → active rows → frozen rows → table
//! read  ←                 active rows ← frozen rows ← rows used lately ← table
//! ```
//! After a crash the log is replayed over the table, from the record that the table's mark names.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::checkpoint::Checkpointer;
use super::layers::Layers;
use super::log::{Log, SEGMENT_BYTES};
use super::overlay::Overlay;
use super::replay;
use super::table::{Mark, Table};
use super::{Batch, Direction, Engine, Page, Range, Rest, Visit};
use crate::embedded::disk::Disk;
use crate::embedded::fault::Fault;

/// Rows in files.
pub(in crate::embedded) struct Files {
    layers: Arc<Layers>,
    log: Mutex<Log>,
    segment_bytes: u64,
    checkpointer: Checkpointer,
    disk: Arc<dyn Disk>,
}

impl Files {
    /// Opens what is on the disk, or makes an empty store.
    pub(in crate::embedded) fn open(disk: Arc<dyn Disk>) -> Result<Self, Fault> {
        Self::open_with(disk, SEGMENT_BYTES)
    }

    /// Opens with segments of another size; small ones make for many checkpoints.
    pub(in crate::embedded) fn open_with(
        disk: Arc<dyn Disk>,
        segment_bytes: u64,
    ) -> Result<Self, Fault> {
        if !Table::exists(&*disk)? {
            if replay::exists(&*disk)? {
                let path = disk.path(Table::NAME);
                return Err(Fault::damaged(&path, "it is missing, and there is a log"));
            }
            Table::create(&*disk)?;
        }
        // Nothing is written before all files are known to be sound.
        let mark = Table::try_out(&*disk)?;
        let replayed = replay::replay(&*disk, mark)?;
        let table = Table::open(disk.clone())?;
        let mut log = Log::open(disk.clone(), mark.salt, &replayed)?;
        let mark = Mark {
            sequence: replayed.last,
            ..mark
        };
        let layers = Arc::new(Layers::new(Overlay::new(replayed.rows), table));
        // Ordinarily what was replayed goes into the table while new batches come. After one crash
        // upon another there may be no segment left to write them to.
        if !log.has_room() {
            layers.carry(mark)?;
            log.free();
        }
        log.switch()?;
        let checkpointer = Checkpointer::start(layers.clone(), mark)?;
        Ok(Self {
            layers,
            log: Mutex::new(log),
            segment_bytes,
            checkpointer,
            disk,
        })
    }

    /// Only the writer and the one who closes come here, one after the other.
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what lies over the table on its way into it, and goes on in another segment.
    fn checkpoint(&self, log: &mut Log) -> Result<(), Fault> {
        self.checkpointer.wait()?;
        log.free();
        log.switch()?;
        self.layers.overlay.freeze();
        self.checkpointer.begin(log.last());
        Ok(())
    }
}

impl Engine for Files {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        self.layers.get(key)
    }

    fn scan(&self, ranges: &[Range], visit: &mut Visit<'_>) -> Result<(), Fault> {
        self.layers.scan(ranges, visit)
    }

    fn page(&self, range: &Range, order: Direction, most: usize) -> Result<Page, Fault> {
        self.layers.page(range, order, most)
    }

    fn apply(&self, batch: Batch) -> Result<(), Fault> {
        let mut log = self.log();
        if log.is_full(self.segment_bytes) {
            self.checkpoint(&mut log)?;
        }
        log.append(&batch)?;
        self.layers.overlay.put(batch);
        Ok(())
    }

    fn rest(&self) -> Result<Rest, Fault> {
        let mut log = self.log();
        if !self.layers.overlay.is_idle() {
            self.checkpoint(&mut log)?;
            return Ok(Rest::Again);
        }
        self.checkpointer.wait()?;
        log.tidy()?;
        log.free();
        log.shrink()?;
        Ok(Rest::Done)
    }

    fn close(&self) -> Result<(), Fault> {
        let rested = loop {
            match self.rest() {
                Ok(Rest::Again) => {}
                Ok(Rest::Done) => break Ok(()),
                Err(fault) => break Err(fault),
            }
        };
        self.let_go();
        rested
    }
}

impl Files {
    /// Ends the thread, then closes the table that it uses, then lets other processes in.
    fn let_go(&self) {
        self.checkpointer.stop();
        self.layers.table.close();
        self.disk.release();
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.let_go();
    }
}
