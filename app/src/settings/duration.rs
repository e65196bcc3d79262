//! Durations: `500ms`, `30s`, `10m`, `1h`, `30d`, and sums such as `1h30m`.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// Reads a duration.
///
/// # Errors
/// A sentence that says what is wrong, for the user.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = |what: &str| {
        format!("`{text}` is not a duration such as 500ms, 30s, 10m, 1h or 30d: {what}")
    };
    let mut rest = text;
    let mut millis: u64 = 0;
    while !rest.is_empty() || millis == 0 && rest.len() == text.len() {
        let digits = rest
            .find(|char: char| !char.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let letters = tail
            .find(|char: char| char.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        if number.is_empty() {
            return Err(wrong("a number is missing"));
        }
        let Some((_, unit_millis)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(wrong(if unit.is_empty() {
                "the unit is missing"
            } else {
                "the units are ms, s, m, h and d"
            }));
        };
        let part = number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(*unit_millis));
        millis = part
            .and_then(|part| millis.checked_add(part))
            .ok_or_else(|| wrong("it is too long"))?;
        rest = tail;
    }
    Ok(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_sums_of_numbers_with_units() {
        for (text, millis) in [
            ("0s", 0),
            ("500ms", 500),
            ("30s", 30_000),
            ("10m", 600_000),
            ("1h", 3_600_000),
            ("30d", 2_592_000_000),
            ("1h30m", 5_400_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "",
            "0",
            "10",
            "s",
            "10 s",
            "10sec",
            "1.5s",
            "-1s",
            "1h 30m",
            "٣s",
            "18446744073709551615d",
            "99999999999999999999s",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
