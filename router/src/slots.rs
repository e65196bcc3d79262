//! What variables caught, inline for as many as routes commonly have.

use std::ops::Range;

/// How many ranges are kept without an allocation.
const INLINE: usize = 6;

/// Marks a range into decoded text.
const DECODED: u32 = 1 << 31;

/// A stack of byte ranges into a request, and a copy of what had to be decoded of it. One cache line together with the id of a route.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    inline: [(u32, u32); INLINE],
    spill: Option<Box<Spill>>,
    len: u32,
}

/// What few matches need.
#[derive(Clone, Debug, Default)]
struct Spill {
    more: Vec<(u32, u32)>,
    decoded: String,
}

/// What one variable caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caught<'a> {
    /// Bytes of its source in the request.
    Raw(Range<usize>),
    Decoded(&'a str),
}

impl Slots {
    /// Adds the range `from..to`. What a request holds is far below 2 GiB: the `http` crate bounds a URI to 64 KiB.
    #[inline]
    pub(crate) fn push(&mut self, from: usize, to: usize) {
        let range = (from as u32, to as u32);
        match self.inline.get_mut(self.len as usize) {
            Some(slot) => *slot = range,
            None => self.spill.get_or_insert_default().more.push(range),
        }
        self.len += 1;
    }

    /// Drops all ranges but the first `len`, of at least as many.
    #[inline]
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = len as u32;
        if let Some(spill) = &mut self.spill {
            spill.more.truncate(len.saturating_sub(INLINE));
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    /// What the variable at `index` caught.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<Caught<'_>> {
        match self.inline.get(index) {
            Some((from, to)) if *from & DECODED == 0 && index < self.len() => {
                Some(Caught::Raw(*from as usize..*to as usize))
            }
            _ => self.get_far(index),
        }
    }

    /// Gets what is decoded, or beyond the inline ranges.
    fn get_far(&self, index: usize) -> Option<Caught<'_>> {
        let Spill { more, decoded } = self.spill.as_deref().filter(|_| index < self.len())?;
        let (from, to) = self.inline.iter().chain(more).nth(index)?;
        let range = (*from & !DECODED) as usize..*to as usize;
        if *from & DECODED == 0 {
            Some(Caught::Raw(range))
        } else {
            decoded.get(range).map(Caught::Decoded)
        }
    }

    /// Makes the ranges of these indices, which were taken from `text`, refer to a copy of it.
    pub(crate) fn keep_decoded(&mut self, indices: Range<usize>, text: &str) {
        if indices.is_empty() {
            return;
        }
        let Spill { more, decoded } = &mut **self.spill.get_or_insert_default();
        let base = decoded.len() as u32;
        decoded.push_str(text);
        for (from, to) in self
            .inline
            .iter_mut()
            .chain(more)
            .take(indices.end)
            .skip(indices.start)
        {
            (*from, *to) = ((*from + base) | DECODED, *to + base);
        }
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
            (10, Some(Caught::Raw(9..10)), None)
        );
        slots.truncate(7);
        assert_eq!(
            (slots.get(6), slots.get(7)),
            (Some(Caught::Raw(6..7)), None)
        );
        slots.truncate(2);
        (2..7).for_each(|i| slots.push(i, i));
        assert_eq!(slots.get(6), Some(Caught::Raw(6..6)));
    }

    #[test]
    fn decoded_text_is_kept_beside_what_was_kept_before() {
        let mut slots = Slots::default();
        (0..8).for_each(|i| slots.push(i, i + 1));
        slots.keep_decoded(7..8, "abcdefgh");
        slots.keep_decoded(0..2, "12");
        assert_eq!(
            [0, 1, 7].map(|i| slots.get(i).unwrap()),
            ["1", "2", "h"].map(Caught::Decoded)
        );
        assert_eq!(slots.get(2), Some(Caught::Raw(2..3)));
    }
}
