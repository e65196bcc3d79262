//! Rows that are in the log and not yet in the table.
//!
//! Two layers: the active one takes new batches; the frozen one is on its way into the table and
//! stays readable until it is there.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;

use super::{Batch, Range};

#[derive(Default)]
pub(super) struct Overlay {
    layers: RwLock<Layers>,
}

#[derive(Default)]
struct Layers {
    active: Batch,
    frozen: Arc<Batch>,
}

impl Overlay {
    /// An overlay in which `frozen` is on its way into the table.
    pub(super) fn new(frozen: Batch) -> Self {
        let layers = Layers {
            active: Batch::new(),
            frozen: Arc::new(frozen),
        };
        Self {
            layers: RwLock::new(layers),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Layers> {
        self.layers.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Layers> {
        self.layers.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a batch above what is there; readers see all of it or nothing.
    pub(super) fn put(&self, batch: Batch) {
        self.write().active.extend(batch);
    }

    /// Returns the row at `key`, or that it was removed; the outer `None`: ask the table.
    pub(super) fn get(&self, key: &[u8]) -> Option<Option<Bytes>> {
        let layers = self.read();
        layers
            .active
            .get(key)
            .or_else(|| layers.frozen.get(key))
            .cloned()
    }

    /// Returns the rows in `ranges`, range by range, and what `table` returns, both of one moment.
    pub(super) fn view<T>(
        &self,
        ranges: &[Range],
        table: impl FnOnce() -> T,
    ) -> (Vec<BTreeMap<Bytes, Option<Bytes>>>, T) {
        // No layer can move into the table while the lock is held, or rather: while it moves, both
        // have the same rows.
        let layers = self.read();
        let rows = ranges.iter().map(|range| layers.within(range)).collect();
        (rows, table())
    }

    /// Freezes the active layer. There is no frozen one: it was [`melted`](Self::melt).
    pub(super) fn freeze(&self) {
        let mut layers = self.write();
        layers.frozen = Arc::new(std::mem::take(&mut layers.active));
    }

    pub(super) fn frozen(&self) -> Arc<Batch> {
        self.read().frozen.clone()
    }

    /// Lets go of the frozen layer: the table has its rows.
    pub(super) fn melt(&self) {
        let melted = std::mem::take(&mut self.write().frozen);
        // Many rows: dropped here, outside the lock.
        drop(melted);
    }

    /// Returns true when the active layer has no rows.
    pub(super) fn is_idle(&self) -> bool {
        self.read().active.is_empty()
    }
}

impl Layers {
    fn within(&self, range: &Range) -> Batch {
        let bounds = range.from.clone()..range.to.clone();
        let mut rows = Batch::new();
        for layer in [&self.frozen, &self.active] {
            let found = layer.range(bounds.clone());
            rows.extend(found.map(|(key, row)| (key.clone(), row.clone())));
        }
        rows
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
    fn the_active_layer_hides_the_frozen_one() {
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
        let (rows, ()) = overlay.view(&[range], || ());
        assert_eq!(rows, [batch(&[("a", None), ("b", Some("1"))])]);
        overlay.melt();
        assert_eq!(overlay.get(b"b"), None);
        assert_eq!(overlay.get(b"a"), Some(None));
    }
}
