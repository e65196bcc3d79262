//! The settings of a stream.

use std::time::Duration;

use crate::{Error, subject};

/// The shortest age and window that every backend can honour. Source: NATS JetStream, which refuses
/// less.
const MIN_TIME: Duration = Duration::from_millis(100);

/// How long a stream remembers the ids of messages, unless told otherwise. Source: NATS JetStream.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);

const MAX_NAME_BYTES: usize = 64;

/// What the streams beneath buckets and object stores are called on NATS.
const RESERVED: [&str; 2] = ["KV_", "OBJ_"];

/// The settings of a stream. Limits hold at every moment: what is above them goes, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamConfig {
    name: String,
    subjects: Vec<String>,
    max_messages: Option<u64>,
    max_per_subject: Option<u64>,
    max_age: Option<Duration>,
    max_bytes: Option<u64>,
    duplicate_window: Duration,
}

impl StreamConfig {
    /// Begins the settings of the stream `name`: 1 to 64 of `A-Z a-z 0-9 - _`, not beginning with
    /// `KV_` or `OBJ_`. It takes messages on the one subject that is called as it is, unless
    /// [`subjects`](Self::subjects) says otherwise.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            subjects: vec![name.clone()],
            name,
            max_messages: None,
            max_per_subject: None,
            max_age: None,
            max_bytes: None,
            duplicate_window: DUPLICATE_WINDOW,
        }
    }

    /// Sets the subjects that the stream takes, in which `*` stands for one token and `>` for all
    /// that follow. No subject belongs to two streams. Default: the stream's name.
    #[must_use]
    pub fn subjects<S: Into<String>>(mut self, subjects: impl IntoIterator<Item = S>) -> Self {
        self.subjects = subjects.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how many messages are kept. Default: any number.
    #[must_use]
    pub fn max_messages(mut self, messages: impl Into<Option<u64>>) -> Self {
        self.max_messages = messages.into();
        self
    }

    /// Sets how many messages of each subject are kept. Default: any number.
    #[must_use]
    pub fn max_per_subject(mut self, messages: impl Into<Option<u64>>) -> Self {
        self.max_per_subject = messages.into();
        self
    }

    /// Sets how long a message is kept, 100 ms at least. Default: for ever.
    #[must_use]
    pub fn max_age(mut self, age: impl Into<Option<Duration>>) -> Self {
        self.max_age = age.into();
        self
    }

    /// Sets how many bytes are kept: subjects, ids, headers and payloads, and what the backend adds
    /// to each message (NATS some thirty bytes). Default: any number.
    #[must_use]
    pub fn max_bytes(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.max_bytes = bytes.into();
        self
    }

    /// Sets how long the id of a message is remembered, in which time a second one with it is a
    /// duplicate; 100 ms at least, and no longer than messages are kept. Default: 2 min.
    #[must_use]
    pub fn duplicate_window(mut self, window: Duration) -> Self {
        self.duplicate_window = window;
        self
    }

    /// Returns the stream's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the patterns of the subjects that it takes.
    pub fn subject_patterns(&self) -> &[String] {
        &self.subjects
    }

    /// Returns how many messages are kept.
    pub fn message_limit(&self) -> Option<u64> {
        self.max_messages
    }

    /// Returns how many messages of each subject are kept.
    pub fn subject_limit(&self) -> Option<u64> {
        self.max_per_subject
    }

    /// Returns how long messages are kept.
    pub fn age_limit(&self) -> Option<Duration> {
        self.max_age
    }

    /// Returns how many bytes are kept.
    pub fn byte_limit(&self) -> Option<u64> {
        self.max_bytes
    }

    /// Returns how long ids are remembered: as it was set, or as long as messages are kept if that
    /// is shorter.
    pub fn window(&self) -> Duration {
        let age = self.max_age.unwrap_or(Duration::MAX);
        self.duplicate_window.min(age)
    }

    /// Checks all settings against their ranges.
    pub(crate) fn check(&self) -> Result<(), Error> {
        check_name("stream name", &self.name)?;
        if let Some(reserved) = RESERVED.iter().find(|part| self.name.starts_with(**part)) {
            let detail = format!(
                "{:?} begins with {reserved:?}, as the store's own streams do",
                self.name
            );
            return Err(Error::invalid("stream name", detail));
        }
        let bad = |detail: String| Err(Error::invalid("stream setting", detail));
        if self.subjects.is_empty() {
            return bad("no subjects".into());
        }
        for (index, pattern) in self.subjects.iter().enumerate() {
            subject::pattern(pattern)?;
            if let Some(other) = self.subjects[..index]
                .iter()
                .find(|other| subject::overlap(other, pattern))
            {
                return bad(format!("the subjects {other:?} and {pattern:?} overlap"));
            }
        }
        let counts = [self.max_messages, self.max_per_subject, self.max_bytes];
        if counts.contains(&Some(0)) {
            return bad("a limit of zero keeps nothing".into());
        }
        if counts
            .iter()
            .flatten()
            .any(|&limit| i64::try_from(limit).is_err())
        {
            return bad("a limit is above 2^63".into());
        }
        if self.max_age.is_some_and(|age| age < MIN_TIME) || self.duplicate_window < MIN_TIME {
            return bad(format!("a time is shorter than {MIN_TIME:?}"));
        }
        Ok(())
    }
}

/// Checks the name of a stream or consumer.
pub(super) fn check_name(what: &'static str, name: &str) -> Result<(), Error> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !(1..=MAX_NAME_BYTES).contains(&name.len()) || !name.bytes().all(legal) {
        let detail = format!("{name:?} is not 1 to {MAX_NAME_BYTES} of A-Z a-z 0-9 - _");
        return Err(Error::invalid(what, detail));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_refused() {
        let long = "x".repeat(65);
        for name in ["", "dot.ted", "sp ace", "ü", "KV_games", "OBJ_files", &long] {
            let config = StreamConfig::new(name).subjects(["a"]);
            assert!(config.check().unwrap_err().is_invalid(), "{name:?}");
        }
        let stream = || StreamConfig::new("ok-Name_1");
        stream().check().unwrap();
        for config in [
            stream().subjects([""; 0]),
            stream().subjects(["a..b"]),
            stream().subjects(["a.>", "a.b"]),
            stream().max_messages(0),
            stream().max_per_subject(0),
            stream().max_bytes(0),
            stream().max_bytes(u64::MAX),
            stream().max_age(Duration::from_millis(99)),
            stream().duplicate_window(Duration::ZERO),
        ] {
            assert!(config.check().unwrap_err().is_invalid(), "{config:?}");
        }
    }

    #[test]
    fn ids_are_forgotten_with_the_messages() {
        let short = Duration::from_secs(1);
        assert_eq!(StreamConfig::new("a").window(), DUPLICATE_WINDOW);
        assert_eq!(StreamConfig::new("a").max_age(short).window(), short);
    }
}
