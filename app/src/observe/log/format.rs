//! The two forms of a line.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::Level;

use super::Format;
use super::subscriber::{FieldValue, Fields};
use crate::request_id::RequestId;

/// What a line says.
pub(super) struct Line<'a> {
    pub(super) time: SystemTime,
    pub(super) level: Level,
    pub(super) target: &'a str,
    pub(super) request_id: Option<RequestId>,
    pub(super) fields: Fields,
    /// From the outermost in.
    pub(super) spans: Vec<(&'static str, Fields)>,
}

impl Line<'_> {
    /// Returns the line with its line feed. Whatever a field holds, it stays one line.
    pub(super) fn render(&self, format: Format) -> String {
        let mut text = String::with_capacity(160);
        match format {
            Format::Pretty { colours } => {
                self.pretty(&mut text, if colours { &COLOURED } else { &PLAIN })
            }
            Format::Json => self.json(&mut text),
        }
        text.push('\n');
        text
    }

    fn pretty(&self, text: &mut String, paint: &Paint) {
        let level = match self.level {
            Level::ERROR => paint.error,
            Level::WARN => paint.warn,
            Level::INFO => paint.info,
            _ => paint.dim,
        };
        let Paint { dim, off, .. } = paint;
        put(
            text,
            format_args!(
                "{dim}{}{off} {level}{:>5}{off} {dim}{}{off}",
                Timestamp(self.time),
                self.level.as_str(),
                self.target
            ),
        );
        if let Some(message) = self.fields.message() {
            text.push(' ');
            put_on_one_line(text, message);
        }
        for (name, value) in self.fields.others() {
            put(text, format_args!(" {dim}{name}={off}"));
            put_value(text, value);
        }
        for (name, fields) in &self.spans {
            put(text, format_args!(" {dim}{name}{{"));
            for (place, (name, value)) in fields.all().enumerate() {
                put(
                    text,
                    format_args!("{}{name}=", if place == 0 { "" } else { " " }),
                );
                put_value(text, value);
            }
            put(text, format_args!("}}{off}"));
        }
        if let Some(id) = self.request_id {
            put(text, format_args!(" {dim}request_id={id}{off}"));
        }
    }

    fn json(&self, text: &mut String) {
        put(
            text,
            format_args!(
                "{{\"timestamp\":\"{}\",\"level\":\"{}\",\"target\":",
                Timestamp(self.time),
                self.level.as_str().to_ascii_lowercase()
            ),
        );
        put_json_text(text, self.target);
        if let Some(id) = self.request_id {
            put(text, format_args!(",\"request_id\":\"{id}\""));
        }
        if let Some(message) = self.fields.message() {
            text.push_str(",\"message\":");
            put_json_text(text, message);
        }
        text.push_str(",\"fields\":");
        put_json_object(text, self.fields.others());
        if !self.spans.is_empty() {
            text.push_str(",\"spans\":[");
            for (place, (name, fields)) in self.spans.iter().enumerate() {
                text.push_str(if place == 0 {
                    "{\"name\":"
                } else {
                    ",{\"name\":"
                });
                put_json_text(text, name);
                text.push_str(",\"fields\":");
                put_json_object(text, fields.all());
                text.push('}');
            }
            text.push(']');
        }
        text.push('}');
    }
}

/// Escape sequences of a terminal, or none.
struct Paint {
    error: &'static str,
    warn: &'static str,
    info: &'static str,
    dim: &'static str,
    off: &'static str,
}

const PLAIN: Paint = Paint {
    error: "",
    warn: "",
    info: "",
    dim: "",
    off: "",
};
const COLOURED: Paint = Paint {
    error: "\x1b[31m",
    warn: "\x1b[33m",
    info: "\x1b[32m",
    dim: "\x1b[2m",
    off: "\x1b[0m",
};

fn put(text: &mut String, part: std::fmt::Arguments<'_>) {
    text.write_fmt(part).expect("a String takes everything");
}

/// Control characters are escaped: a visitor's text must not write a line of its own, nor command the terminal.
fn put_on_one_line(text: &mut String, part: &str) {
    for char in part.chars() {
        if char.is_control() {
            text.extend(char.escape_default());
        } else {
            text.push(char);
        }
    }
}

fn put_value(text: &mut String, value: &FieldValue) {
    match value {
        FieldValue::Bool(value) => put(text, format_args!("{value}")),
        FieldValue::Signed(value) => put(text, format_args!("{value}")),
        FieldValue::Unsigned(value) => put(text, format_args!("{value}")),
        FieldValue::Float(value) => put(text, format_args!("{value}")),
        FieldValue::Text(value) => put_on_one_line(text, value),
    }
}

fn put_json_object<'f>(
    text: &mut String,
    fields: impl Iterator<Item = (&'static str, &'f FieldValue)>,
) {
    text.push('{');
    for (place, (name, value)) in fields.enumerate() {
        if place > 0 {
            text.push(',');
        }
        put_json_text(text, name);
        text.push(':');
        match value {
            FieldValue::Text(value) => put_json_text(text, value),
            // JSON has no word for what is not a number.
            FieldValue::Float(value) if !value.is_finite() => text.push_str("null"),
            other => put_value(text, other),
        }
    }
    text.push('}');
}

fn put_json_text(text: &mut String, part: &str) {
    text.push_str(&serde_json::to_string(part).expect("every string has a JSON form"));
}

/// A time as RFC 3339 writes it, in UTC, to the microsecond.
struct Timestamp(SystemTime);

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let since = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
        let (year, month, day) = date(days);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:06}Z",
            since.subsec_micros()
        )
    }
}

/// Returns year, month and day of a day since 1970-01-01, in the Gregorian calendar.
///
/// Counted in years that begin in March, so that the leap day is the last day of a year, and in whole cycles of 400 years.
fn date(days_since_epoch: u64) -> (u64, u64, u64) {
    const DAYS_FROM_MARCH_0000_TO_1970: u64 = 719_468;
    const DAYS_IN_400_YEARS: u64 = 146_097;
    let days = days_since_epoch + DAYS_FROM_MARCH_0000_TO_1970;
    let (cycle, day) = (days / DAYS_IN_400_YEARS, days % DAYS_IN_400_YEARS);
    // Leap days before this day of the cycle: one in 4 years, none in 100, one in 400.
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    // Five months from March are 153 days, again and again.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (
        400 * cycle + year + u64::from(month <= 2),
        month,
        day_of_month,
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_utc_to_the_microsecond() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000007Z"),
            (951_782_399, "2000-02-28T23:59:59.000007Z"),
            (951_782_400, "2000-02-29T00:00:00.000007Z"),
            (951_868_800, "2000-03-01T00:00:00.000007Z"),
            (1_704_067_199, "2023-12-31T23:59:59.000007Z"),
            (1_709_164_800, "2024-02-29T00:00:00.000007Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000007Z"),
            (13_574_563_200, "2400-02-29T00:00:00.000007Z"),
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(7);
            assert_eq!(Timestamp(time).to_string(), text);
        }
    }

    #[test]
    fn every_day_follows_the_day_before() {
        let mut before = date(0);
        for day in 1..200_000 {
            let (year, month, day_of_month) = date(day);
            let follows = if day_of_month > 1 {
                before == (year, month, day_of_month - 1)
            } else if month > 1 {
                before.0 == year && before.1 == month - 1 && before.2 >= 28
            } else {
                before == (year - 1, 12, 31)
            };
            assert!(follows, "{before:?}, then {:?}", date(day));
            before = (year, month, day_of_month);
        }
    }
}
