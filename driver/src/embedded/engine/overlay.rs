//! Rows that are in the log and not yet in the table.
//!
//! Two sheets: the active one takes new batches; the frozen one is on its way into the table and
//! stays readable until it is there.

use std::collections::btree_map;
use std::iter::Peekable;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;

use super::{Batch, Direction, Go, Range, Visit};

#[derive(Default)]
pub(super) struct Overlay {
    sheets: RwLock<Sheets>,
}

#[derive(Default)]
struct Sheets {
    active: Batch,
    frozen: Arc<Batch>,
}

impl Overlay {
    /// An overlay in which `frozen` is on its way into the table.
    pub(super) fn new(frozen: Batch) -> Self {
        let sheets = Sheets {
            active: Batch::new(),
            frozen: Arc::new(frozen),
        };
        Self {
            sheets: RwLock::new(sheets),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Sheets> {
        self.sheets.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Sheets> {
        self.sheets.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a batch above what is there; readers see all of it or nothing.
    pub(super) fn put(&self, batch: Batch) {
        self.write().active.extend(batch);
    }

    /// Returns the row at `key`, or that it was removed; the outer `None`: ask the table.
    pub(super) fn get(&self, key: &[u8]) -> Option<Option<Bytes>> {
        let sheets = self.read();
        sheets
            .active
            .get(key)
            .or_else(|| sheets.frozen.get(key))
            .cloned()
    }

    /// Returns the rows in `ranges`, range by range, and what `below` returns, both of one moment.
    pub(super) fn view<T>(&self, ranges: &[Range], below: impl FnOnce() -> T) -> (Vec<Above>, T) {
        // While the lock is held no sheet is let go of. The frozen one may reach the table
        // meanwhile, which then has the same rows.
        let sheets = self.read();
        let above = ranges.iter().map(|range| sheets.within(range)).collect();
        (above, below())
    }

    /// Returns the rows of a range up to the `most`th that was not removed, in order, and what
    /// `below` returns, both of one moment.
    pub(super) fn page<T>(
        &self,
        range: &Range,
        order: Direction,
        most: usize,
        below: impl FnOnce() -> T,
    ) -> (Vec<(Bytes, Option<Bytes>)>, T) {
        let sheets = self.read();
        (sheets.page(range, order, most), below())
    }

    /// Freezes the active sheet. There is no frozen one: it was [`melted`](Self::melt).
    pub(super) fn freeze(&self) {
        let mut sheets = self.write();
        sheets.frozen = Arc::new(std::mem::take(&mut sheets.active));
    }

    pub(super) fn frozen(&self) -> Arc<Batch> {
        self.read().frozen.clone()
    }

    /// Lets go of the frozen sheet: the table has its rows.
    pub(super) fn melt(&self) {
        let melted = std::mem::take(&mut self.write().frozen);
        // Many rows: dropped here, outside the lock.
        drop(melted);
    }

    /// Returns true when the active sheet has no rows.
    pub(super) fn is_idle(&self) -> bool {
        self.read().active.is_empty()
    }
}

impl Sheets {
    fn within(&self, range: &Range) -> Above {
        let bounds = range.from.clone()..range.to.clone();
        let mut rows = Batch::new();
        for sheet in [&*self.frozen, &self.active] {
            let found = sheet.range(bounds.clone());
            rows.extend(found.map(|(key, row)| (key.clone(), row.clone())));
        }
        Above(rows.into_iter().peekable())
    }
}

impl Sheets {
    fn page(&self, range: &Range, order: Direction, most: usize) -> Vec<(Bytes, Option<Bytes>)> {
        type Rows<'a> = Box<dyn Iterator<Item = (&'a Bytes, &'a Option<Bytes>)> + 'a>;
        let walk = |sheet| -> Rows<'_> {
            let rows = Batch::range(sheet, range.from.clone()..range.to.clone());
            match order {
                Direction::Forward => Box::new(rows),
                Direction::Backward => Box::new(rows.rev()),
            }
        };
        let mut active = walk(&self.active).peekable();
        let mut frozen = walk(&self.frozen).peekable();
        let (mut page, mut live) = (Vec::new(), 0);
        while live < most {
            let next = match (active.peek(), frozen.peek()) {
                (Some((above, _)), Some((below, _))) => {
                    if above == below {
                        frozen.next();
                        active.next()
                    } else if (above < below) == (order == Direction::Forward) {
                        active.next()
                    } else {
                        frozen.next()
                    }
                }
                (Some(_), None) => active.next(),
                (None, _) => frozen.next(),
            };
            let Some((key, row)) = next else { break };
            live += usize::from(row.is_some());
            page.push((key.clone(), row.clone()));
        }
        page
    }
}

/// Rows that lie over those of the table, in order.
pub(super) struct Above(Peekable<btree_map::IntoIter<Bytes, Option<Bytes>>>);

impl Above {
    /// Visits the rows before `key`.
    pub(super) fn before(&mut self, key: &[u8], visit: &mut Visit<'_>) -> Go {
        while let Some((above, row)) = self.0.next_if(|(above, _)| &above[..] < key) {
            if let Some(row) = row
                && visit(&above, &row) == Go::Stop
            {
                return Go::Stop;
            }
        }
        Go::On
    }

    /// Takes the row at `key`, or that it was removed; the outer `None`: the table's row counts.
    pub(super) fn at(&mut self, key: &[u8]) -> Option<Option<Bytes>> {
        self.0
            .next_if(|(above, _)| &above[..] == key)
            .map(|(_, row)| row)
    }

    /// Visits the rows that are left.
    pub(super) fn rest(self, visit: &mut Visit<'_>) -> Go {
        for (key, row) in self.0 {
            if let Some(row) = row
                && visit(&key, &row) == Go::Stop
            {
                return Go::Stop;
            }
        }
        Go::On
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(rows: &[(&'static str, Option<&'static str>)]) -> Batch {
        rows.iter()
            .map(|(key, row)| (Bytes::from(*key), row.map(Bytes::from)))
            .collect()
    }

    #[test]
    fn the_active_sheet_hides_the_frozen_one() {
        let overlay = Overlay::default();
        overlay.put(batch(&[("a", Some("1")), ("b", Some("1"))]));
        overlay.freeze();
        overlay.put(batch(&[("a", None), ("c", Some("2"))]));
        assert_eq!(overlay.get(b"a"), Some(None));
        assert_eq!(overlay.get(b"b"), Some(Some("1".into())));
        assert_eq!(overlay.get(b"d"), None);
        let range = Range {
            from: "a".into(),
            to: "c".into(),
        };
        let (above, ()) = overlay.view(&[range], || ());
        let mut rows = Vec::new();
        for above in above {
            above.rest(&mut |key, row| {
                rows.push((key.to_vec(), row.clone()));
                Go::On
            });
        }
        assert_eq!(rows, [(b"b".to_vec(), Bytes::from("1"))]);
        overlay.melt();
        assert_eq!(overlay.get(b"b"), None);
        assert_eq!(overlay.get(b"a"), Some(None));
    }
}
