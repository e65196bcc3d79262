//! Rows in files: a log in front of a table.
//!
//! A batch is appended to the log and synced, and then laid over the rows of the table in memory: one
//! write, in sequence, for all that wait, where a table alone would write a page for every row and its
//! way to the root. When the log's segment is full, what lies over the table is frozen, and a second
//! thread writes it into the table in one commit, while the log goes on in another segment.
//!
//! ```text
//! batch → log (durable) → active rows → frozen rows → table
//! read  ←                 active rows ← frozen rows ← rows used lately ← table
//! ```
//! After a crash the log is replayed over the table, from the record that the table's mark names.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::cache::Cache;
use super::checkpoint::{Checkpointer, Road};
use super::log::{Log, SEGMENT_BYTES};
use super::overlay::Overlay;
use super::replay;
use super::table::{Mark, Table};
use super::{Batch, Engine, Go, Rest, Visit};
use crate::embedded::disk::Disk;
use crate::embedded::fault::Fault;
use crate::embedded::row::Range;

/// Rows in files.
pub(in crate::embedded) struct Files {
    table: Arc<Table>,
    overlay: Arc<Overlay>,
    cache: Arc<Cache>,
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
        let overlay = Overlay::new(replayed.rows);
        // Ordinarily what was replayed goes into the table while new batches come. After one crash
        // upon another there may be no segment left to write them to.
        if !log.has_room() {
            table.apply(&overlay.frozen(), mark)?;
            overlay.melt();
            log.free();
        }
        log.switch()?;
        let (table, overlay) = (Arc::new(table), Arc::new(overlay));
        let cache = Arc::new(Cache::new());
        let road = Road {
            table: table.clone(),
            overlay: overlay.clone(),
            cache: cache.clone(),
        };
        let checkpointer = Checkpointer::start(road, mark)?;
        Ok(Self {
            table,
            overlay,
            cache,
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
        self.overlay.freeze();
        self.checkpointer.begin(log.last());
        Ok(())
    }
}

impl Engine for Files {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        let seen = self.cache.begin();
        if let Some(row) = self.overlay.get(key) {
            return Ok(row);
        }
        if let Some(row) = self.cache.get(key) {
            return Ok(Some(row));
        }
        let row = self.table.get(key)?;
        if let Some(row) = &row {
            self.cache.fill(seen, key, row);
        }
        Ok(row)
    }

    fn scan(&self, ranges: &[Range], visit: &mut Visit<'_>) -> Result<(), Fault> {
        self.table.view(|table| {
            let (above, below) = self.overlay.view(ranges, || table.rows());
            let below = below?;
            for (range, above) in ranges.iter().zip(above) {
                let mut above = above.into_iter().peekable();
                let table_rows = &mut |key: &[u8], row: &[u8]| {
                    while let Some((key, row)) = above.next_if(|(above, _)| &above[..] < key) {
                        if let Some(row) = row
                            && visit(&key, &row) == Go::Stop
                        {
                            return Go::Stop;
                        }
                    }
                    match above.next_if(|(above, _)| &above[..] == key) {
                        Some((key, Some(row))) => visit(&key, &row),
                        Some((_, None)) => Go::On,
                        None => visit(key, &Bytes::copy_from_slice(row)),
                    }
                };
                if below.visit(range, table_rows)? == Go::Stop {
                    return Ok(());
                }
                for (key, row) in above {
                    if let Some(row) = row
                        && visit(&key, &row) == Go::Stop
                    {
                        return Ok(());
                    }
                }
            }
            Ok(())
        })
    }

    fn apply(&self, batch: Batch) -> Result<(), Fault> {
        let mut log = self.log();
        if log.is_full(self.segment_bytes) {
            self.checkpoint(&mut log)?;
        }
        log.append(&batch)?;
        self.overlay.put(batch);
        Ok(())
    }

    fn rest(&self) -> Result<Rest, Fault> {
        let mut log = self.log();
        if !self.overlay.is_idle() {
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
        self.table.close();
        self.disk.release();
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.let_go();
    }
}
