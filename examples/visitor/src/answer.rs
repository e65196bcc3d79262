//! What a server answered.

use std::fmt;
use std::io::{BufRead, Read as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::body;

/// An answer: status, headers, and the body once it was read.
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    pub(crate) fn read_head(connection: &mut impl BufRead) -> Self {
        let first = line(connection);
        let status = first
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no answer: {first:?}"));
        let mut headers = Vec::new();
        loop {
            let line = line(connection);
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let body = Vec::new();
        Self {
            status,
            headers,
            body,
        }
    }

    pub(crate) fn read(&mut self, connection: std::io::BufReader<TcpStream>) {
        let mut body = body::of(self, connection);
        body.read_to_end(&mut self.body).expect("a whole body");
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the first header of that name, given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = self.headers.iter().find(|(own, _)| own == name);
        named.map(|(_, value)| value.as_str())
    }

    /// Iterates over the headers of that name, given in lower case.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |(own, _)| own == name);
        named.map(|(_, value)| value.as_str())
    }

    /// Returns where it sends the client; nothing if it does not.
    #[must_use]
    pub fn location(&self) -> &str {
        self.header("location").unwrap_or_default()
    }

    /// Returns the body as text.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a text")
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Returns the stable id of an error.
    #[must_use]
    pub fn error_id(&self) -> String {
        self.json()["id"].as_str().unwrap_or_default().to_owned()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            status,
            headers,
            body,
        } = self;
        write!(f, "{status} {headers:#?} {}", String::from_utf8_lossy(body))
    }
}

fn line(connection: &mut impl BufRead) -> String {
    let mut line = String::new();
    connection
        .read_line(&mut line)
        .expect("a line of the answer's head");
    line.trim_end().to_owned()
}
