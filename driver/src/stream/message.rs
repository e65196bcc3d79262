//! What a stream holds, and what is published to it.

use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fanout::Item;
use crate::kv::MAX_VALUE_BYTES;
use crate::{Error, subject};

/// The longest id of a message, in bytes.
const MAX_ID_BYTES: usize = 256;

/// Most that the headers of a message may take together, in bytes.
const MAX_HEADER_BYTES: usize = 2048;

/// Headers that begin so mean something to a NATS server.
const RESERVED_HEADERS: &str = "nats-";

/// The number of a message: it counts from 1 within a stream, whatever the subject, and grows with
/// each message, also over restarts. What is not kept any more leaves a gap.
///
/// It means nothing in another stream or another [`epoch`](crate::Stream::epoch) of this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

impl Sequence {
    /// Before the first message.
    pub const NONE: Self = Self(0);
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A message of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamMessage {
    /// What it was published to.
    pub subject: String,
    /// Its number in the stream.
    pub sequence: Sequence,
    /// When it was stored, by the clock of the store; never falls as the sequence rises on the
    /// embedded store.
    pub time: SystemTime,
    /// What it carries. A clone shares the bytes.
    pub payload: Bytes,
    /// The id that it was published with.
    pub id: Option<String>,
    /// The headers that it was published with, in their order.
    pub headers: Vec<(String, String)>,
}

impl StreamMessage {
    /// Makes a message without id and headers, for a backend.
    pub fn new(subject: String, sequence: Sequence, time: SystemTime, payload: Bytes) -> Self {
        Self {
            subject,
            sequence,
            time,
            payload,
            id: None,
            headers: Vec::new(),
        }
    }

    /// Returns the first header called `name`, compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Reads the payload as JSON.
    ///
    /// # Errors
    /// [`Error::is_invalid`] when it is none, or not of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.payload).map_err(|error| {
            let detail = format!("sequence {} on {:?}", self.sequence, self.subject);
            Error::invalid("JSON of a message", detail).with_source(error)
        })
    }
}

impl Item for StreamMessage {
    fn key(&self) -> &str {
        &self.subject
    }

    fn position(&self) -> u64 {
        self.sequence.0
    }

    fn bytes(&self) -> usize {
        self.payload.len()
    }
}

/// A message to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    pub(crate) subject: String,
    pub(crate) payload: Bytes,
    pub(crate) id: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) expect_last: Option<Sequence>,
    pub(crate) expect_last_of_subject: Option<Sequence>,
}

impl Publish {
    /// Begins a message on `subject`, which must be one that the stream takes.
    pub fn new(subject: impl Into<String>, payload: impl Into<Bytes>) -> Self {
        Self {
            subject: subject.into(),
            payload: payload.into(),
            id: None,
            headers: Vec::new(),
            expect_last: None,
            expect_last_of_subject: None,
        }
    }

    /// Begins a message whose payload is `value` as JSON.
    ///
    /// # Errors
    /// [`Error::is_invalid`] when the value has no form in JSON.
    pub fn json<T: Serialize + ?Sized>(
        subject: impl Into<String>,
        value: &T,
    ) -> Result<Self, Error> {
        let payload = serde_json::to_vec(value).map_err(|error| {
            Error::invalid("JSON of a message", "no such form").with_source(error)
        })?;
        Ok(Self::new(subject, payload))
    }

    /// Sets an id that makes it safe to publish again: within the stream's
    /// [duplicate window](crate::StreamConfig::duplicate_window), a message with the id of another,
    /// whatever its subject and payload, is not stored, and the sequence of the first is returned.
    /// 1 to 256 bytes without control characters. Default: none.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Adds a header. Names are tokens of HTTP that do not begin with `Nats-`; values are text in
    /// one line; all together take up to 2 KiB. Default: none.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Publishes only if the last message of the stream is `sequence`; [`Sequence::NONE`]: if none
    /// was ever published.
    #[must_use]
    pub fn expect_last(mut self, sequence: Sequence) -> Self {
        self.expect_last = Some(sequence);
        self
    }

    /// Publishes only if the last message of its subject that is kept is `sequence`;
    /// [`Sequence::NONE`]: if none is kept.
    #[must_use]
    pub fn expect_last_of_subject(mut self, sequence: Sequence) -> Self {
        self.expect_last_of_subject = Some(sequence);
        self
    }

    /// Returns what it is published to.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        subject::check(&self.subject)?;
        if self.payload.len() > MAX_VALUE_BYTES {
            let size = self.payload.len();
            return Err(Error::too_large("message", MAX_VALUE_BYTES, size));
        }
        if let Some(id) = &self.id {
            check_text("message id", id)?;
            if id.is_empty() {
                return Err(Error::invalid("message id", "empty"));
            }
            if id.len() > MAX_ID_BYTES {
                return Err(Error::too_large("message id", MAX_ID_BYTES, id.len()));
            }
        }
        let mut size = 0;
        for (name, value) in &self.headers {
            let token =
                |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            let reserved = name.get(..RESERVED_HEADERS.len());
            if name.is_empty()
                || !name.bytes().all(token)
                || reserved.is_some_and(|start| start.eq_ignore_ascii_case(RESERVED_HEADERS))
            {
                return Err(Error::invalid("header name", format!("{name:?}")));
            }
            check_text("header value", value)?;
            // Space around a value does not survive in a header of NATS.
            if value.trim() != value {
                let detail = format!("space around {value:?}");
                return Err(Error::invalid("header value", detail));
            }
            size += name.len() + value.len();
        }
        if size > MAX_HEADER_BYTES {
            return Err(Error::too_large("headers", MAX_HEADER_BYTES, size));
        }
        Ok(())
    }
}

fn check_text(what: &'static str, text: &str) -> Result<(), Error> {
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(
            what,
            format!("a control character in {text:?}"),
        ));
    }
    Ok(())
}

/// That a message is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublishAck {
    /// Its sequence; of a duplicate, that of the first message with its id.
    pub sequence: Sequence,
    /// Whether a message with its id was there already, so that nothing was stored.
    pub duplicate: bool,
}

impl PublishAck {
    /// Makes an acknowledgement, for a backend.
    pub fn new(sequence: Sequence, duplicate: bool) -> Self {
        Self {
            sequence,
            duplicate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_break_a_line_protocol_is_refused() {
        let publish = || Publish::new("a", "1");
        publish().id("x").header("Trace-Id", "1 2").check().unwrap();
        for publish in [
            Publish::new("a.*", ""),
            Publish::new("a\r\nb", ""),
            publish().id(""),
            publish().id("a\nb"),
            publish().header("", "x"),
            publish().header("a b", "x"),
            publish().header("a", "x\r\nb: y"),
            publish().header("a", " x"),
            publish().header("nats-Msg-Id", "x"),
        ] {
            assert!(publish.check().unwrap_err().is_invalid(), "{publish:?}");
        }
        for publish in [
            Publish::new("a", vec![0; MAX_VALUE_BYTES + 1]),
            publish().id("x".repeat(MAX_ID_BYTES + 1)),
            publish().header("a", "x".repeat(MAX_HEADER_BYTES)),
        ] {
            assert!(publish.check().unwrap_err().is_too_large());
        }
    }
}
