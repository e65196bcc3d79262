//! The settings of a bucket.

use std::time::Duration;

use crate::Error;

/// The largest value that any bucket takes: 1 MiB, the payload limit of a NATS server as delivered,
/// less room for the headers that a guarded write adds. What is larger belongs elsewhere.
pub const MAX_VALUE_BYTES: usize = 1024 * 1024 - 4096;

/// The longest history of a key. Source: NATS JetStream key-value, which refuses more.
pub const MAX_HISTORY: u8 = 64;

const MAX_NAME_BYTES: usize = 64;

/// Shortest lifetime that every backend can honour.
const MIN_TTL: Duration = Duration::from_millis(1);

/// The settings of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketConfig {
    name: String,
    history: u8,
    ttl: Option<Duration>,
    marker_ttl: Duration,
    max_value_bytes: usize,
}

impl BucketConfig {
    /// Begins the settings of the bucket `name`: 1 to 64 of `A-Z a-z 0-9 - _`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            history: 1,
            ttl: None,
            marker_ttl: Duration::from_secs(60 * 60),
            max_value_bytes: MAX_VALUE_BYTES,
        }
    }

    /// Sets how many entries of a key are kept, the latest included; the oldest go first. 1 to
    /// [`MAX_HISTORY`]. Default: 1.
    #[must_use]
    pub fn history(mut self, entries: u8) -> Self {
        self.history = entries;
        self
    }

    /// Sets how long a value lives after it was written. A changed setting holds for the values
    /// that are there too. Default: for ever.
    #[must_use]
    pub fn ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.ttl = ttl.into();
        self
    }

    /// Sets how long the marker of a delete, purge or expiry is kept for watchers that resume; what
    /// is left of the key's history goes with it. A resume from before a marker that has gone is
    /// [`Error::is_too_old`]. Default: 1 h.
    #[must_use]
    pub fn marker_ttl(mut self, ttl: Duration) -> Self {
        self.marker_ttl = ttl;
        self
    }

    /// Sets the largest value that the bucket takes, up to [`MAX_VALUE_BYTES`]. Default:
    /// [`MAX_VALUE_BYTES`].
    #[must_use]
    pub fn max_value_bytes(mut self, bytes: usize) -> Self {
        self.max_value_bytes = bytes;
        self
    }

    /// Returns the bucket's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns how many entries of a key are kept.
    pub fn history_entries(&self) -> u8 {
        self.history
    }

    /// Returns how long a value lives.
    pub fn value_ttl(&self) -> Option<Duration> {
        self.ttl
    }

    /// Returns how long markers are kept.
    pub fn marker_lifetime(&self) -> Duration {
        self.marker_ttl
    }

    /// Returns the size of the largest value.
    pub fn value_limit_bytes(&self) -> usize {
        self.max_value_bytes
    }

    /// Checks all settings against their ranges.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=MAX_NAME_BYTES).contains(&self.name.len()) || !self.name.bytes().all(legal) {
            let detail = format!(
                "{:?} is not 1 to {MAX_NAME_BYTES} of A-Z a-z 0-9 - _",
                self.name
            );
            return Err(Error::invalid("bucket name", detail));
        }
        if !(1..=MAX_HISTORY).contains(&self.history) {
            let detail = format!("history of {} is not 1 to {MAX_HISTORY}", self.history);
            return Err(Error::invalid("bucket setting", detail));
        }
        if self.ttl.is_some_and(|ttl| ttl < MIN_TTL) || self.marker_ttl < MIN_TTL {
            return Err(Error::invalid(
                "bucket setting",
                "a lifetime is shorter than a millisecond",
            ));
        }
        if !(1..=MAX_VALUE_BYTES).contains(&self.max_value_bytes) {
            let detail = format!(
                "value limit of {} bytes is not 1 to {MAX_VALUE_BYTES}",
                self.max_value_bytes
            );
            return Err(Error::invalid("bucket setting", detail));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_refused() {
        let long = "x".repeat(65);
        for name in ["", "dot.ted", "sp ace", "ü", &long] {
            assert!(
                BucketConfig::new(name).check().unwrap_err().is_invalid(),
                "{name:?}"
            );
        }
        let bucket = || BucketConfig::new("ok-Name_1");
        bucket().check().unwrap();
        for config in [
            bucket().history(0),
            bucket().history(65),
            bucket().ttl(Duration::ZERO),
            bucket().marker_ttl(Duration::ZERO),
            bucket().max_value_bytes(0),
            bucket().max_value_bytes(MAX_VALUE_BYTES + 1),
        ] {
            assert!(config.check().unwrap_err().is_invalid(), "{config:?}");
        }
    }
}
