//! A request in the making.

use std::fmt::Write as _;
use std::io::{BufReader, Write as _};
use std::net::TcpStream;

use crate::{Answer, PATIENCE, Stream, Visitor};

/// A request in the making; [`Request::send`] or [`Request::open`] sends it, on a connection of its own.
#[must_use]
#[derive(Debug)]
pub struct Request<'a> {
    visitor: &'a Visitor,
    head: String,
    body: Vec<u8>,
}

impl<'a> Request<'a> {
    pub(crate) fn new(visitor: &'a Visitor, method: &str, path: &str) -> Self {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", visitor.addr());
        let body = Vec::new();
        Self {
            visitor,
            head,
            body,
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let _ = write!(self.head, "{name}: {value}\r\n");
        self
    }

    /// Asks for an answer in JSON.
    pub fn for_json(self) -> Self {
        self.header("Accept", "application/json")
    }

    /// Asks for a page, as a browser does when a link is followed or a plain form is sent.
    pub fn for_page(self) -> Self {
        self.header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
    }

    /// Makes it a live request, as the client of live pages sends them.
    pub fn live(self) -> Self {
        let accept = "text/event-stream, text/html, application/json";
        let live = self
            .header("Accept", accept)
            .header("Datastar-Request", "true");
        live.header("Z-App-Json-Response-On-Error", "true")
    }

    /// Sets the body to JSON.
    pub fn json(self, json: impl AsRef<str>) -> Self {
        self.body("application/json", json.as_ref())
    }

    /// Sets the body to a form with these fields.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let pairs = fields
            .iter()
            .map(|(name, value)| format!("{}={}", escape(name), escape(value)));
        let form = pairs.collect::<Vec<_>>().join("&");
        self.body("application/x-www-form-urlencoded", form)
    }

    /// Sets the body.
    pub fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let with_type = self.header("Content-Type", content_type);
        let body = body.into();
        Request { body, ..with_type }
    }

    /// Sends it and reads the whole answer, whose cookies the visitor keeps.
    #[must_use]
    pub fn send(self) -> Answer {
        let (mut answer, body) = self.header("Connection", "close").begin();
        answer.read(body);
        answer
    }

    /// Sends it and reads the head of an answer that goes on and on.
    ///
    /// # Panics
    /// When it is no event stream.
    #[must_use]
    pub fn open(self) -> Stream {
        let (mut answer, body) = self.begin();
        if answer.header("content-type") != Some("text/event-stream") {
            answer.read(body);
            panic!("no event stream: {answer:?}");
        }
        Stream::new(answer, body)
    }

    fn begin(self) -> (Answer, BufReader<TcpStream>) {
        let Self {
            visitor,
            mut head,
            body,
        } = self;
        if let Some(cookies) = visitor.cookie_header() {
            let _ = write!(head, "Cookie: {cookies}\r\n");
        }
        if !body.is_empty() || !head.starts_with("GET ") {
            let _ = write!(head, "Content-Length: {}\r\n", body.len());
        }
        head.push_str("\r\n");
        let mut connection = TcpStream::connect(visitor.addr()).expect("a server that listens");
        let deadlines = connection.set_read_timeout(Some(PATIENCE));
        deadlines
            .and_then(|()| connection.set_nodelay(true))
            .expect("options of a socket");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&body);
        // A server that refuses a body may close before it has read it; its answer counts.
        let _ = connection.write_all(&bytes);
        let mut connection = BufReader::new(connection);
        let answer = Answer::read_head(&mut connection);
        for cookie in answer.headers("set-cookie") {
            visitor.keep(cookie);
        }
        (answer, connection)
    }
}

/// Writes a text as forms do.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                escaped.push(byte.into())
            }
            b' ' => escaped.push('+'),
            _ => drop(write!(escaped, "%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn forms_carry_any_text() {
        assert_eq!(escape("Ada & Bob\r\n+ü"), "Ada+%26+Bob%0D%0A%2B%C3%BC");
    }
}
