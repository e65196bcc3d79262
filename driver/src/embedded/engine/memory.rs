//! Rows in memory, for `memory:`.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;

use super::{Batch, Direction, Engine, Go, Page, Range, Rest, Visit};
use crate::embedded::fault::Fault;

/// Rows that are gone with the process.
#[derive(Default)]
pub(in crate::embedded) struct Memory {
    rows: RwLock<BTreeMap<Bytes, Bytes>>,
}

impl Engine for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        Ok(rows.get(key).cloned())
    }

    fn scan(&self, ranges: &[Range], visit: &mut Visit<'_>) -> Result<(), Fault> {
        // Held for the whole scan, so that it sees one moment.
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        for range in ranges {
            for (key, row) in rows.range(range.from.clone()..range.to.clone()) {
                if visit(key, row) == Go::Stop {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn page(&self, range: &Range, order: Direction, most: usize) -> Result<Page, Fault> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        let within = rows
            .range(range.from.clone()..range.to.clone())
            .map(|(key, row)| (key.clone(), row.clone()));
        Ok(match order {
            Direction::Forward => within.take(most).collect(),
            Direction::Backward => within.rev().take(most).collect(),
        })
    }

    fn apply(&self, batch: Batch) -> Result<(), Fault> {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        for (key, row) in batch {
            match row {
                Some(row) => rows.insert(key, row),
                None => rows.remove(&key),
            };
        }
        Ok(())
    }

    fn rest(&self) -> Result<Rest, Fault> {
        Ok(Rest::Done)
    }

    fn close(&self) -> Result<(), Fault> {
        Ok(())
    }
}
