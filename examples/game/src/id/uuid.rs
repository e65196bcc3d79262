//! UUIDs that sort by the time at which they were made: version 7 (RFC 9562 §5.7).

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// The system has no randomness to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRandomness(getrandom::Error);

impl fmt::Display for NoRandomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no randomness for an id: {}", self.0)
    }
}

impl std::error::Error for NoRandomness {}

/// Makes one of the present time and 74 random bits.
pub(super) fn fresh() -> Result<String, NoRandomness> {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(NoRandomness)?;
    Ok(write(since.as_millis() as u64, random))
}

/// Lays out 48 bits of milliseconds, the version, 12 random bits, the variant and 62 random bits.
fn write(millis: u64, random: [u8; 10]) -> String {
    let [.., a, b, c, d, e, f, g, h] = random;
    let first = u16::from_be_bytes([random[0], random[1]]) & 0x0fff | 0x7000;
    let rest = u64::from_be_bytes([a, b, c, d, e, f, g, h]) & (u64::MAX >> 2) | 1 << 63;
    format!(
        "{:08x}-{:04x}-{first:04x}-{:04x}-{:012x}",
        (millis >> 16) as u32,
        millis as u16,
        rest >> 48,
        rest & 0xffff_ffff_ffff,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_that_of_the_specification() {
        // RFC 9562, appendix A.6.
        let random = [0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f];
        assert_eq!(
            write(0x017f_22e2_79b0, random),
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
        );
    }

    #[test]
    fn later_ones_sort_later() {
        assert!(write(1, [0xff; 10]) < write(2, [0; 10]));
        assert!(write(0xffff, [0; 10]) < write(0x1_0000, [0; 10]));
    }
}
