//! Where the segments of a path end: eight bytes are looked at together, and each of them once.

use crate::key::{WORD, word};

/// The ends of the segments of a path, one after another, found as they are asked for.
#[derive(Debug)]
pub(crate) struct Ends<'p> {
    path: &'p [u8],
    /// Where the present word begins, and the highest bit of each of its bytes that is a slash and still ahead.
    base: usize,
    ahead: u64,
    /// The same for percent signs, of all words so far together.
    escapes: u64,
}

impl<'p> Ends<'p> {
    /// Begins before the first slash.
    #[inline]
    pub(crate) fn new(path: &'p [u8]) -> Self {
        let bytes = word(path, 0);
        Self {
            path,
            base: 0,
            ahead: equal::<b'/'>(bytes),
            escapes: equal::<b'%'>(bytes),
        }
    }

    /// The place of the next slash. Beyond the last one, the end of the path.
    #[inline]
    pub(crate) fn next(&mut self) -> usize {
        while self.ahead == 0 {
            self.base += WORD;
            if self.base >= self.path.len() {
                return self.path.len();
            }
            let bytes = word(self.path, self.base);
            self.ahead = equal::<b'/'>(bytes);
            self.escapes |= equal::<b'%'>(bytes);
        }
        let end = self.base + self.ahead.trailing_zeros() as usize / 8;
        self.ahead &= self.ahead - 1;
        end
    }

    /// True if the path has escapes, be it where no slash was asked for yet.
    #[inline]
    pub(crate) fn is_escaped(&self) -> bool {
        self.escapes != 0 || self.path.get(self.base + WORD..).is_some_and(has_escapes)
    }
}

/// Sixteen bytes at once; the last sixteen may overlap those before.
fn has_escapes(path: &[u8]) -> bool {
    const WIDE: usize = 2 * WORD;
    let any = |bytes: &[u8; WIDE]| {
        bytes
            .iter()
            .fold(false, |found, byte| found | (*byte == b'%'))
    };
    match path.last_chunk() {
        Some(last) => path.as_chunks().0.iter().any(any) || any(last),
        None => equal::<b'%'>(word(path, 0)) | equal::<b'%'>(word(path, WORD)) != 0,
    }
}

/// The end of the segment that begins at `start`.
#[inline]
pub(crate) fn end_of<const SEPARATOR: u8>(path: &[u8], start: usize) -> usize {
    path[start..]
        .iter()
        .position(|byte| *byte == SEPARATOR)
        .map_or(path.len(), |at| start + at)
}

/// The highest bit of every byte that equals `WANTED`.
#[inline]
fn equal<const WANTED: u8>(word: u64) -> u64 {
    const LOW: u64 = u64::from_le_bytes([1; WORD]);
    const REST: u64 = u64::from_le_bytes([0x7F; WORD]);
    let zeroed = word ^ LOW * WANTED as u64;
    !(((zeroed & REST) + REST) | zeroed | REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_end_where_they_are_split() {
        let words = [
            "",
            "a",
            ".",
            "...",
            "0123456",
            "01234567",
            "012345678",
            "0123456789abcdef0123456789abcdef",
        ];
        for first in words {
            for second in words {
                for third in words {
                    let path = format!("/{first}/{second}/{third}");
                    let mut ends = Ends::new(path.as_bytes());
                    assert_eq!(ends.next(), 0);
                    let mut start = 1;
                    for segment in [first, second, third] {
                        let end = ends.next();
                        assert_eq!(
                            (&path[start..end], end_of::<b'/'>(path.as_bytes(), start)),
                            (segment, end),
                            "{path}"
                        );
                        start = end + 1;
                    }
                }
            }
        }
    }

    #[test]
    fn escapes_are_seen_wherever_they_are() {
        for len in 0..70 {
            for asked in 0..4 {
                for at in 0..=len {
                    let mut path = "/abc".repeat(len / 4 + 1)[..len].to_owned();
                    path.insert_str(at, if asked % 2 == 0 { "%" } else { "" });
                    let mut ends = Ends::new(path.as_bytes());
                    (0..asked).for_each(|_| {
                        ends.next();
                    });
                    assert_eq!(ends.is_escaped(), asked % 2 == 0, "{path}");
                }
            }
        }
    }
}
