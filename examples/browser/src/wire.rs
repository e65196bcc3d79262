//! One WebDriver command over a plain socket: HTTP/1.1, a JSON body each way, a connection each.

use serde_json::{Value, json};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

/// Longer than any page of a test takes to load, so that a hung browser fails its test.
const DEADLINE: Duration = Duration::from_secs(60);

/// The address of a running driver.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wire {
    pub(crate) port: u16,
}

impl Wire {
    /// Sends one command and returns its value, or the error that the driver names.
    pub(crate) fn send(
        self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, String> {
        let answer = self
            .exchange(method, path, body)
            .map_err(|error| format!("chromedriver does not answer: {error}"))?;
        let mut answer: Value =
            serde_json::from_slice(&answer).map_err(|error| format!("not an answer: {error}"))?;
        match answer["value"]["error"].as_str() {
            Some(error) => Err(format!(
                "{error}: {}",
                answer["value"]["message"].as_str().unwrap_or_default()
            )),
            None => Ok(answer["value"].take()),
        }
    }

    fn exchange(self, method: &str, path: &str, body: Option<Value>) -> io::Result<Vec<u8>> {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        socket.set_read_timeout(Some(DEADLINE))?;
        let body = match method {
            "POST" => body.unwrap_or_else(|| json!({})).to_string(),
            _ => String::new(),
        };
        write!(
            socket,
            "{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}",
            port = self.port,
            length = body.len(),
        )?;
        // The driver keeps its connections open, so the answer ends where it says.
        let mut answer = BufReader::new(socket);
        let mut length = 0;
        loop {
            let mut line = String::new();
            if answer.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().map_err(io::Error::other)?;
                }
                None if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        answer.read_exact(&mut body)?;
        Ok(body)
    }
}
