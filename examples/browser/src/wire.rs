//! One WebDriver command over a plain socket: HTTP/1.1, a JSON body each way, a connection each.

use serde_json::{Value, json};
use std::{
    io::{Read, Write},
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
            .map_err(|error| format!("chromedriver is gone: {error}"))?;
        let text = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let mut answer: Value = serde_json::from_str(text)
            .map_err(|error| format!("not an answer: {error}: {text:?}"))?;
        match answer["value"]["error"].as_str() {
            Some(error) => Err(format!(
                "{error}: {}",
                answer["value"]["message"].as_str().unwrap_or_default()
            )),
            None => Ok(answer["value"].take()),
        }
    }

    fn exchange(self, method: &str, path: &str, body: Option<Value>) -> std::io::Result<String> {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        socket.set_read_timeout(Some(DEADLINE))?;
        let body = if method == "POST" {
            body.unwrap_or_else(|| json!({})).to_string()
        } else {
            String::new()
        };
        write!(
            socket,
            "{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}",
            port = self.port,
            length = body.len(),
        )?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}
