//! Segments of a path as keys: two machine words that compare in one step.

/// The first sixteen bytes of a segment, or all of it, and its length.
///
/// Two segments of up to sixteen bytes are equal exactly if their keys are. The tail of a longer one is a hash of what follows its first eight
/// bytes, and its text has to be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) head: u64,
    pub(crate) tail: u64,
    pub(crate) len: u32,
}

const WORD: usize = size_of::<u64>();

/// An odd number with bits all over, from the fractional part of the golden ratio.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

impl Key {
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

    /// Reads the segment that begins at `start`, which is not beyond the end, up to the next separator: its key, and where it ends.
    #[inline(always)] // Nine of ten segments end within their first word, and a call costs as much as reading it.
    pub(crate) fn read<const SEPARATOR: u8>(path: &[u8], start: usize) -> (Self, usize) {
        let head = word(path, start);
        let found = places::<SEPARATOR>(head);
        if found != 0 {
            let bits = found.trailing_zeros() & !7;
            let key = Self {
                head: head & ((1 << bits) - 1),
                tail: 0,
                len: bits / 8,
            };
            return (key, start + bits as usize / 8);
        }
        if start + WORD >= path.len() {
            return (
                Self {
                    head,
                    tail: 0,
                    len: (path.len() - start) as u32,
                },
                path.len(),
            );
        }
        Self::read_on::<SEPARATOR>(head, path, start)
    }

    /// Reads a segment that goes on after its first word.
    fn read_on<const SEPARATOR: u8>(head: u64, path: &[u8], start: usize) -> (Self, usize) {
        let end = end_of::<SEPARATOR>(path, start + WORD);
        let mut key = Self {
            head,
            tail: 0,
            len: (end - start) as u32,
        };
        let mut at = start + WORD;
        while at < end {
            let bytes = word(path, at);
            let kept = if end - at < WORD {
                bytes & ((1 << (8 * (end - at))) - 1)
            } else {
                bytes
            };
            key.add(kept, at - start);
            at += WORD;
        }
        (key, end)
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

    /// A number to find the key by in tables. The higher a bit, the more bits of the key bear on it.
    #[inline]
    pub(crate) fn hash(self) -> u64 {
        (self.head ^ self.tail.rotate_left(32) ^ u64::from(self.len)).wrapping_mul(SPREAD)
    }
}

/// Where the segment that begins at `start` ends.
#[inline]
pub(crate) fn end_of<const SEPARATOR: u8>(path: &[u8], start: usize) -> usize {
    let mut at = start;
    while at < path.len() {
        let found = places::<SEPARATOR>(word(path, at));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += WORD;
    }
    path.len()
}

/// True if a path has escapes.
#[inline]
pub(crate) fn is_escaped(path: &[u8]) -> bool {
    // Sixteen bytes at once; the last sixteen may overlap those before.
    const WIDE: usize = 2 * WORD;
    let any = |bytes: &[u8; WIDE]| {
        bytes
            .iter()
            .fold(false, |found, byte| found | (*byte == b'%'))
    };
    match path.last_chunk() {
        Some(last) => path.as_chunks().0.iter().any(any) || any(last),
        None => (places::<b'%'>(word(path, 0)) | places::<b'%'>(word(path, WORD))) != 0,
    }
}

/// The eight bytes from `at` on, as many as there are; the others are zero.
#[inline]
fn word(text: &[u8], at: usize) -> u64 {
    if let Some(bytes) = text.get(at..).and_then(|text| text.first_chunk()) {
        return u64::from_le_bytes(*bytes);
    }
    match text.last_chunk() {
        // The last eight bytes, less those before `at`.
        Some(bytes) if at < text.len() => {
            u64::from_le_bytes(*bytes) >> (8 * (at + WORD - text.len()))
        }
        Some(_) => 0,
        None => short_word(text, at),
    }
}

#[cold]
fn short_word(text: &[u8], at: usize) -> u64 {
    text.iter()
        .skip(at)
        .rev()
        .fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// The high bit of every byte that equals `WANTED`. The lowest one is exact; those above it may be borrowed into.
#[inline]
fn places<const WANTED: u8>(word: u64) -> u64 {
    const LOW: u64 = u64::from_le_bytes([1; WORD]);
    const HIGH: u64 = u64::from_le_bytes([0x80; WORD]);
    let zeroed = word ^ (LOW * WANTED as u64);
    zeroed.wrapping_sub(LOW) & !zeroed & HIGH
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
                        let (key, end) = Key::read::<b'/'>(path.as_bytes(), at);
                        assert_eq!(
                            (key, end),
                            (Key::of(segment.as_bytes()), at + segment.len()),
                            "{path} at {at}"
                        );
                        assert_eq!(end_of::<b'/'>(path.as_bytes(), at), end);
                        at = end + 1;
                    }
                }
            }
        }
    }

    #[test]
    fn escapes_are_seen_wherever_they_are() {
        for len in 0..40 {
            let path = "/".repeat(len);
            assert!(!is_escaped(path.as_bytes()));
            for at in 0..len {
                let mut path = path.clone();
                path.replace_range(at..=at, "%");
                assert!(is_escaped(path.as_bytes()), "{path}");
            }
        }
    }

    #[test]
    fn length_tells_a_final_nul() {
        assert_ne!(Key::of(b"ab"), Key::of(b"ab\0"));
    }
}
