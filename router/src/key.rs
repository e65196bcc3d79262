//! Segments of a path as keys: two machine words that compare in one step.

/// The first sixteen bytes of a segment, or all of it, and its length.
///
/// Two segments of up to sixteen bytes are equal exactly if their keys are. The tail of a longer one is a hash of what follows its first eight
/// bytes, and its text has to be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Key {
    head: u64,
    tail: u64,
    len: u32,
}

const WORD: usize = size_of::<u64>();

/// An odd number with bits all over, from the fractional part of the golden ratio.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

impl Key {
    /// The key of no segment.
    pub(crate) const IMPOSSIBLE: Self = Self {
        head: 0,
        tail: 0,
        len: u32::MAX,
    };

    /// The key of a whole text.
    pub(crate) fn of(text: &[u8]) -> Self {
        let mut key = Self {
            head: word(text, 0),
            tail: 0,
            len: text.len() as u32,
        };
        let mut at = WORD;
        while at < text.len() {
            key.add(word(text, at), at);
            at += WORD;
        }
        key
    }

    /// Reads the segment that begins at `start` and ends before the next `separator` or at the end: its key, and where it ends.
    #[inline]
    pub(crate) fn read(path: &[u8], start: usize, separator: u8) -> (Self, usize) {
        let mut key = Self::default();
        let mut at = start;
        loop {
            let bytes = word(path, at);
            let (bytes, len) = match first(bytes, separator) {
                Some(place) => (bytes & !(u64::MAX << (8 * place)), place),
                None => (bytes, WORD),
            };
            let end = (at + len).min(path.len());
            if at == start {
                key.head = bytes;
            } else if end > at {
                key.add(bytes, at - start);
            }
            if len < WORD || end == path.len() {
                key.len = (end - start) as u32;
                return (key, end);
            }
            at = end;
        }
    }

    /// Takes in the word at `at`, which is not the first.
    #[inline]
    fn add(&mut self, bytes: u64, at: usize) {
        self.tail = if at == WORD {
            bytes
        } else {
            (self.tail.rotate_left(29) ^ bytes).wrapping_mul(SPREAD)
        };
    }

    /// True if equal keys mean equal texts.
    #[inline]
    pub(crate) fn is_whole(self) -> bool {
        self.len as usize <= 2 * WORD
    }

    /// Where to look for the key first in a table of so many places.
    #[inline]
    pub(crate) fn place(self, places: usize) -> usize {
        let mixed =
            (self.head ^ self.tail.rotate_left(32) ^ u64::from(self.len)).wrapping_mul(SPREAD);
        // The upper half, which all bits bear on, as a fraction of the places.
        ((mixed >> 32) * places as u64 >> 32) as usize
    }
}

/// Where the segment that begins at `start` ends.
#[inline]
pub(crate) fn end_of(path: &[u8], start: usize, separator: u8) -> usize {
    let mut at = start;
    while at < path.len() {
        if let Some(place) = first(word(path, at), separator) {
            return (at + place).min(path.len());
        }
        at += WORD;
    }
    path.len()
}

/// The eight bytes from `at` on, as many as there are; the others are zero.
#[inline]
fn word(text: &[u8], at: usize) -> u64 {
    if let Some(bytes) = text.get(at..at + WORD) {
        return u64::from_le_bytes(bytes.try_into().expect("the range has eight bytes"));
    }
    match text.len().checked_sub(WORD) {
        // The last eight bytes, less those before `at`.
        Some(last) if at < text.len() => word(text, last) >> (8 * (at - last)),
        Some(_) => 0,
        None => text
            .iter()
            .skip(at)
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// The place of the first byte of `word` that equals `wanted`.
#[inline]
fn first(word: u64, wanted: u8) -> Option<usize> {
    const LOW: u64 = u64::from_le_bytes([1; WORD]);
    const HIGH: u64 = u64::from_le_bytes([0x80; WORD]);
    let zeroed = word ^ LOW * u64::from(wanted);
    // The lowest set bit is exact; those above it may be borrowed into.
    let found = zeroed.wrapping_sub(LOW) & !zeroed & HIGH;
    (found != 0).then(|| found.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_read_as_they_are_split() {
        let words = [
            "",
            "a",
            "1234567",
            "12345678",
            "123456789",
            "0123456789abcdef",
            "0123456789abcdefg",
            "0123456789abcdef0123456789abcdef0",
        ];
        for first in words {
            for second in words {
                for third in words {
                    let path = format!("/{first}/{second}/{third}");
                    let mut at = 1;
                    for segment in [first, second, third] {
                        let (key, end) = Key::read(path.as_bytes(), at, b'/');
                        assert_eq!(
                            (key, end),
                            (Key::of(segment.as_bytes()), at + segment.len()),
                            "{path} at {at}"
                        );
                        assert_eq!(end_of(path.as_bytes(), at, b'/'), end);
                        at = end + 1;
                    }
                }
            }
        }
    }

    #[test]
    fn length_tells_a_final_nul() {
        assert_ne!(Key::of(b"ab"), Key::of(b"ab\0"));
    }
}
