//! An event stream that stays open.

use std::fmt;
use std::io::{BufRead as _, BufReader, Read};
use std::net::TcpStream;

use crate::{Answer, body};

/// An open event stream. Dropping it closes the connection.
pub struct Stream {
    head: Answer,
    body: BufReader<Box<dyn Read + Send>>,
}

/// One event, or what else stands between two blank lines: a comment, a `retry:` alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its name; empty for a comment or a `retry:` alone.
    pub name: String,
    /// What a client comes back with in `Last-Event-ID`.
    pub id: String,
    /// Milliseconds before a client comes back.
    pub retry: Option<u64>,
    /// The lines of data.
    pub data: Vec<String>,
    /// The fields in the order in which they came, `data` once.
    pub order: Vec<String>,
}

impl Event {
    /// Returns the argument of that name, its lines joined again.
    #[must_use]
    pub fn argument(&self, name: &str) -> String {
        let own = self
            .data
            .iter()
            .filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        own.collect::<Vec<_>>().join("\n")
    }

    /// Returns where a redirect leads.
    #[must_use]
    pub fn redirect(&self) -> Option<String> {
        let signals: serde_json::Value = serde_json::from_str(&self.argument("signals")).ok()?;
        signals["_redirect"].as_str().map(str::to_owned)
    }
}

impl Stream {
    pub(crate) fn new(head: Answer, connection: BufReader<TcpStream>) -> Self {
        let body = BufReader::new(body::of(&head, connection));
        Self { head, body }
    }

    /// Returns status and headers.
    #[must_use]
    pub fn head(&self) -> &Answer {
        &self.head
    }

    /// Waits for the next event, past comments.
    ///
    /// # Panics
    /// When the stream ends first, or nothing comes in time.
    pub fn event(&mut self) -> Event {
        loop {
            let block = self.block().expect("an event before the end of the stream");
            if !block.name.is_empty() {
                return block;
            }
        }
    }

    /// Waits until an event satisfies `wanted`, past those that don't, and returns it.
    ///
    /// # Panics
    /// As [`Stream::event`].
    pub fn event_where(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.event();
            if wanted(&event) {
                return event;
            }
        }
    }

    /// Waits for the next block: an event, or a comment (without a name), or `None` at the end.
    ///
    /// # Panics
    /// When nothing comes in time.
    pub fn block(&mut self) -> Option<Event> {
        let mut event = Event::default();
        loop {
            let mut line = String::new();
            let read = self
                .body
                .read_line(&mut line)
                .expect("more of the stream, or its end");
            let line = line.trim_end_matches('\n');
            match (read, line) {
                (0, _) => return None,
                (_, "") => return Some(event),
                (_, line) => event.take(line),
            }
        }
    }

    /// Reads to the end and returns the events on the way.
    ///
    /// # Panics
    /// When the stream goes on.
    pub fn rest(mut self) -> Vec<Event> {
        let blocks = std::iter::from_fn(|| self.block());
        blocks.filter(|block| !block.name.is_empty()).collect()
    }
}

impl Event {
    fn take(&mut self, line: &str) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.name = value.to_owned(),
            "id" => self.id = value.to_owned(),
            "retry" => self.retry = value.parse().ok(),
            "data" => self.data.push(value.to_owned()),
            _ => {}
        }
        if self.order.last().is_none_or(|last| last != field) {
            self.order.push(field.to_owned());
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}
