//! Segments of a path as keys: two machine words that compare in one step.

/// A segment of up to fifteen bytes, or the beginning and a hash of a longer one.
///
/// Segments of up to fifteen bytes are equal exactly if their keys are. Of longer ones with equal keys the texts have to be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Key {
    /// The first eight bytes; beyond the end they are zero.
    pub(crate) head: u64,
    /// The next seven bytes and, in the highest byte, the length; of a longer segment a hash, in which that byte is at least sixteen.
    pub(crate) tail: u64,
}

pub(crate) const WORD: usize = size_of::<u64>();

/// Where the length lies in a tail.
const LEN: u32 = 56;

/// An odd number with bits all over, from the fractional part of the golden ratio.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

impl Key {
    /// The key of a whole text.
    pub(crate) fn of(text: &[u8]) -> Self {
        Self {
            head: word(text, 0),
            tail: tail_of(text),
        }
    }

    /// Reads the segment that begins at `start`, which is not beyond the end, up to the next separator: its key, and where it ends.
    #[inline(always)] // Nine of ten segments end within their first word, and a call costs as much as reading it.
    pub(crate) fn read<const SEPARATOR: u8>(path: &[u8], start: usize) -> (Self, usize) {
        let head = word(path, start);
        let found = places::<SEPARATOR>(head);
        if found == 0 {
            let left = path.len() - start;
            if left > WORD {
                return Self::read_long::<SEPARATOR>(head, path, start);
            }
            return (
                Self {
                    head,
                    tail: (left as u64) << LEN,
                },
                path.len(),
            );
        }
        // All bits up to the lowest that is set, which is the highest of its byte; without that byte.
        let before = (found ^ (found - 1)) >> 8;
        let len = u64::from(found.trailing_zeros() / 8);
        (
            Self {
                head: head & before,
                tail: len << LEN,
            },
            start + len as usize,
        )
    }

    /// Reads a segment that does not end within its first word.
    #[inline(never)]
    fn read_long<const SEPARATOR: u8>(head: u64, path: &[u8], start: usize) -> (Self, usize) {
        let end = end_of::<SEPARATOR>(path, start);
        (
            Self {
                head,
                tail: tail_of(&path[start..end]),
            },
            end,
        )
    }

    /// True if equal keys mean equal texts.
    #[inline]
    pub(crate) fn is_whole(self) -> bool {
        self.tail < 16 << LEN
    }

    /// A number to find the key by in tables. The higher a bit, the more bits of the key bear on it.
    #[inline]
    pub(crate) fn hash(self) -> u64 {
        (self.head ^ self.tail).wrapping_mul(SPREAD)
    }
}

fn tail_of(text: &[u8]) -> u64 {
    if text.len() < 2 * WORD {
        return word(text, WORD) | (text.len() as u64) << LEN;
    }
    let words = (WORD..text.len()).step_by(WORD).map(|at| word(text, at));
    let hash = words.fold(text.len() as u64, |hash, word| {
        (hash.rotate_left(29) ^ word).wrapping_mul(SPREAD)
    });
    hash | 16 << LEN
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
            "0123456789abcde",
            "0123456789abcdef",
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
    fn keys_tell_segments_apart() {
        let text = "0123456789abcdefghijklm";
        for len in 0..text.len() {
            let key = Key::of(&text.as_bytes()[..len]);
            assert_eq!(key.is_whole(), len < 16);
            for other in [
                format!("{}x", &text[..len]),
                format!("{}\0", &text[..len]),
                text[..len].replacen(|c| c != 'x', "x", 1),
            ] {
                assert!(
                    key != Key::of(other.as_bytes()) || other == text[..len],
                    "{other}"
                );
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
}
