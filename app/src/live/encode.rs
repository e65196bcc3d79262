//! The bytes of an event, written once and shared by all who are sent it.

use super::{
    EventId,
    error::{Error, Kind},
};
use bytes::Bytes;
use std::time::Duration;

/// An event as the bytes that go over the wire. A clone is a counter: one encoded event serves every viewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    bytes: Bytes,
    id: Option<EventId>,
}

impl Encoded {
    /// Returns the bytes: whole lines, closed by the empty line that ends the event.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the id, if the event has one of the form `<epoch>-<revision>`.
    pub fn id(&self) -> Option<EventId> {
        self.id
    }

    /// Returns one handle to several events in a row, for a state that takes more than one to show.
    ///
    /// Its id is that of the last part that has one.
    pub fn join(parts: impl IntoIterator<Item = Encoded>) -> Self {
        let parts: Vec<Encoded> = parts.into_iter().collect();
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.bytes.len()).sum());
        for part in &parts {
            bytes.extend_from_slice(&part.bytes);
        }
        Self {
            bytes: bytes.into(),
            id: parts.iter().rev().find_map(|part| part.id),
        }
    }
}

impl From<Encoded> for Bytes {
    fn from(encoded: Encoded) -> Self {
        encoded.bytes
    }
}

/// Writes the lines of one event, in the order `event`, `id`, `retry`, `data`.
pub(super) struct Lines {
    text: String,
    id: Option<EventId>,
}

impl Lines {
    /// Begins an event. `size` is a guess at the bytes of its data, so that the text grows once.
    pub(super) fn begin(
        event: &str,
        id: Option<&str>,
        retry: Option<Duration>,
        size: usize,
    ) -> Result<Self, Error> {
        let mut text = String::with_capacity(size + size / 4 + 96);
        text.push_str("event: ");
        text.push_str(event);
        text.push('\n');
        if let Some(id) = id {
            text.push_str("id: ");
            text.push_str(one_line("id", id)?);
            text.push('\n');
        }
        if let Some(retry) = retry {
            text.push_str("retry: ");
            text.push_str(&retry.as_millis().to_string());
            text.push('\n');
        }
        Ok(Self {
            text,
            id: id.and_then(|id| id.parse().ok()),
        })
    }

    /// Writes a value that must be one line, because a second one would be another field.
    pub(super) fn field(&mut self, name: &'static str, value: &str) -> Result<(), Error> {
        self.line(name, one_line(name, value)?);
        Ok(())
    }

    /// Writes a text of any lines, one `data:` line for each.
    ///
    /// A client ends a line at LF, CRLF *and* at a bare CR, so all three split here: a CR that got through would let text
    /// write fields and whole events of its own.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        let mut rest = text;
        while let Some(end) = rest.find(['\n', '\r']) {
            self.line(name, &rest[..end]);
            let width = if rest[end..].starts_with("\r\n") {
                2
            } else {
                1
            };
            rest = &rest[end + width..];
        }
        self.line(name, rest);
    }

    /// Ends the event.
    pub(super) fn end(mut self) -> Encoded {
        self.text.push('\n');
        Encoded {
            bytes: self.text.into(),
            id: self.id,
        }
    }

    fn line(&mut self, name: &str, value: &str) {
        for part in ["data: ", name, " ", value, "\n"] {
            self.text.push_str(part);
        }
    }
}

fn one_line<'a>(name: &'static str, value: &'a str) -> Result<&'a str, Error> {
    if value.contains(['\n', '\r', '\0']) {
        Err(Error::new(Kind::Line(name)))
    } else {
        Ok(value)
    }
}
