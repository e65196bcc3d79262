//! The layers in which a row is looked for: the overlay, the cache, the table.

use bytes::Bytes;
use tracing::debug;

use super::cache::Cache;
use super::overlay::Overlay;
use super::table::{Mark, Table};
use super::{Direction, Go, Page, Range, Visit};
use crate::embedded::fault::Fault;

/// All rows of a store.
pub(super) struct Layers {
    pub(super) overlay: Overlay,
    cache: Cache,
    pub(super) table: Table,
}

impl Layers {
    pub(super) fn new(overlay: Overlay, table: Table) -> Self {
        Self {
            overlay,
            cache: Cache::new(),
            table,
        }
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
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

    pub(super) fn scan(&self, ranges: &[Range], visit: &mut Visit<'_>) -> Result<(), Fault> {
        self.table.view(|table| {
            let (above, below) = self.overlay.view(ranges, || table.rows());
            let below = below?;
            for (range, mut above) in ranges.iter().zip(above) {
                let go = below.visit(range, &mut |key, row| {
                    if above.before(key, visit) == Go::Stop {
                        return Go::Stop;
                    }
                    match above.at(key) {
                        Some(Some(row)) => visit(key, &row),
                        Some(None) => Go::On,
                        None => visit(key, &Bytes::copy_from_slice(row)),
                    }
                })?;
                if go == Go::Stop || above.rest(visit) == Go::Stop {
                    return Ok(());
                }
            }
            Ok(())
        })
    }

    pub(super) fn page(&self, range: &Range, order: Direction, most: usize) -> Result<Page, Fault> {
        self.table.view(|table| {
            let (above, below) = self.overlay.page(range, order, most, || table.rows());
            let mut page = Page::with_capacity(most.min(64));
            let mut above = above.into_iter().peekable();
            let is_before = |above: &Bytes, key: &[u8]| match order {
                Direction::Forward => above[..] < *key,
                Direction::Backward => above[..] > *key,
            };
            below?.walk(range, order, &mut |key, row| {
                while let Some((above, row)) = above.next_if(|(above, _)| is_before(above, key)) {
                    page.extend(row.map(|row| (above, row)));
                }
                match above.next_if(|(above, _)| above[..] == *key) {
                    Some((key, row)) => page.extend(row.map(|row| (key, row))),
                    None if page.len() < most => {
                        page.push((Bytes::copy_from_slice(key), Bytes::copy_from_slice(row)));
                    }
                    None => {}
                }
                if page.len() < most { Go::On } else { Go::Stop }
            })?;
            page.extend(above.filter_map(|(key, row)| Some((key, row?))));
            page.truncate(most);
            Ok(page)
        })
    }

    /// Carries the frozen rows of the overlay into the table.
    pub(super) fn carry(&self, mark: Mark) -> Result<(), Fault> {
        let frozen = self.overlay.frozen();
        self.table.apply(&frozen, mark)?;
        // Before the overlay shows what is beneath it.
        self.cache.update(&frozen);
        self.overlay.melt();
        debug!(rows = frozen.len(), record = mark.sequence, "checkpoint");
        Ok(())
    }
}
