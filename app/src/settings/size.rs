//! Sizes: `64KiB`, `1MiB`, or a plain number of bytes.

use std::fmt;

const UNITS: [(&str, u64); 5] = [
    ("", 1),
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(u64);

impl Size {
    /// Makes a size of that many bytes.
    #[must_use]
    pub const fn of_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// Returns the number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            |what: &str| format!("`{text}` is not a size such as 512B, 64KiB or 1MiB: {what}");
        let (number, unit) = text.split_at(
            text.find(|char: char| !char.is_ascii_digit())
                .unwrap_or(text.len()),
        );
        if number.is_empty() {
            return Err(wrong("the number is missing"));
        }
        let (_, factor) = UNITS
            .iter()
            .find(|(name, _)| *name == unit.trim_start())
            .ok_or_else(|| wrong("the units are B, KiB, MiB and GiB"))?;
        number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(*factor))
            .map(Self)
            .ok_or_else(|| wrong("it is too large"))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = UNITS
            .iter()
            .skip(1)
            .rev()
            .find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor))
            .unwrap_or(&UNITS[1]);
        write!(f, "{}{unit}", self.0 / factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_numbers_with_binary_units() {
        for (text, bytes, shown) in [
            ("0", 0, "0B"),
            ("512B", 512, "512B"),
            ("65536", 65_536, "64KiB"),
            ("64KiB", 65_536, "64KiB"),
            ("1MiB", 1 << 20, "1MiB"),
            ("1536KiB", 1_572_864, "1536KiB"),
            ("2 GiB", 2 << 30, "2GiB"),
        ] {
            let size = Size::parse(text).expect(text);
            assert_eq!((size.bytes(), size.to_string().as_str()), (bytes, shown));
        }
        for text in [
            "",
            "KiB",
            "1KB",
            "1kib",
            "1.5MiB",
            "-1",
            "1 KiB B",
            "18446744073709551616",
            "99999999999999GiB",
        ] {
            assert!(Size::parse(text).is_err(), "{text}");
        }
    }
}
