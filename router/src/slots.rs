//! Byte ranges of caught variables, inline for as many as routes commonly have.

use std::ops::Range;

/// How many ranges are kept without an allocation.
const INLINE: usize = 6;

/// A stack of byte ranges.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    inline: [(u32, u32); INLINE],
    len: usize,
    more: Vec<(u32, u32)>,
}

impl Slots {
    /// Adds the range `from..to`. Paths, queries and headers are far below 4 GiB: the `http` crate bounds the first two to 64 KiB.
    pub(crate) fn push(&mut self, from: usize, to: usize) {
        let range = (from as u32, to as u32);
        match self.inline.get_mut(self.len) {
            Some(slot) => *slot = range,
            None => self.more.push(range),
        }
        self.len += 1;
    }

    /// Drops all ranges but the first `len`.
    pub(crate) fn truncate(&mut self, len: usize) {
        if self.len > len {
            self.len = len;
            self.more.truncate(len.saturating_sub(INLINE));
        }
    }

    /// Changes the ranges of these indices.
    pub(crate) fn change(
        &mut self,
        indices: Range<usize>,
        change: impl Fn((u32, u32)) -> (u32, u32),
    ) {
        let ranges = self.inline.iter_mut().take(self.len).chain(&mut self.more);
        ranges
            .take(indices.end)
            .skip(indices.start)
            .for_each(|range| *range = change(*range));
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, index: usize) -> Option<(u32, u32)> {
        if index >= self.len {
            return None;
        }
        self.inline
            .get(index)
            .or_else(|| self.more.get(index - INLINE))
            .copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.inline.iter().take(self.len).chain(&self.more).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_spill_and_come_back() {
        let mut slots = Slots::default();
        (0..10).for_each(|i| slots.push(i, i + 1));
        assert_eq!(
            (slots.len(), slots.get(9), slots.get(10)),
            (10, Some((9, 10)), None)
        );
        slots.truncate(7);
        assert_eq!(slots.iter().last(), Some((6, 7)));
        slots.truncate(2);
        slots.push(5, 5);
        assert_eq!(slots.iter().collect::<Vec<_>>(), [(0, 1), (1, 2), (5, 5)]);
    }
}
