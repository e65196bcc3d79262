//! A client that shows bytes.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PATIENCE;

/// A connection, and what came over it that was not yet looked at.
pub(super) struct Client {
    pub(super) socket: TcpStream,
    seen: Vec<u8>,
}

impl Client {
    pub(super) async fn connect(addr: SocketAddr) -> Self {
        let socket = timeout(PATIENCE, TcpStream::connect(addr))
            .await
            .expect("in time")
            .expect("the port is open");
        Self {
            socket,
            seen: Vec::new(),
        }
    }

    /// Connects and asks for a path.
    pub(super) async fn get(addr: SocketAddr, path: &str) -> Self {
        let mut client = Self::connect(addr).await;
        client.ask(path).await;
        client
    }

    pub(super) async fn send(&mut self, text: &str) {
        self.socket
            .write_all(text.as_bytes())
            .await
            .expect("the server takes it");
    }

    pub(super) async fn ask(&mut self, path: &str) {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"))
            .await;
    }

    /// Reads until a text has come, and returns everything up to its end.
    #[track_caller]
    pub(super) fn until(&mut self, text: &str) -> impl Future<Output = String> {
        let place = std::panic::Location::caller();
        async move {
            loop {
                if let Some(at) = self
                    .seen
                    .windows(text.len())
                    .position(|window| window == text.as_bytes())
                {
                    let rest = self.seen.split_off(at + text.len());
                    return String::from_utf8(std::mem::replace(&mut self.seen, rest))
                        .expect("text");
                }
                let mut bytes = [0; 4096];
                let read = timeout(PATIENCE, self.socket.read(&mut bytes)).await;
                match read {
                    Ok(Ok(read @ 1..)) => self.seen.extend_from_slice(&bytes[..read]),
                    other => panic!(
                        "{place}: waiting for {text:?}, got {:?} and then {other:?}",
                        String::from_utf8_lossy(&self.seen)
                    ),
                }
            }
        }
    }

    /// Reads until the server has closed. A reset is no close.
    #[track_caller]
    pub(super) fn rest(mut self) -> impl Future<Output = String> {
        let place = std::panic::Location::caller();
        async move {
            match timeout(PATIENCE, self.socket.read_to_end(&mut self.seen)).await {
                Ok(Ok(_)) => String::from_utf8(self.seen).expect("text"),
                other => panic!(
                    "{place}: waiting for the end, got {:?} and then {other:?}",
                    String::from_utf8_lossy(&self.seen)
                ),
            }
        }
    }

    /// Returns the first line of the answer; nothing if the server closes or resets instead.
    pub(super) async fn first_line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.seen.windows(2).position(|window| window == b"\r\n") {
                return Some(String::from_utf8_lossy(&self.seen[..end]).into_owned());
            }
            let mut bytes = [0; 1024];
            match timeout(PATIENCE, self.socket.read(&mut bytes))
                .await
                .expect("the server answers or closes")
            {
                Ok(read @ 1..) => self.seen.extend_from_slice(&bytes[..read]),
                _ => return None,
            }
        }
    }

    /// Reads until a text has come or the server has closed, whichever is first.
    pub(super) async fn rest_or_until(&mut self, text: &str) -> String {
        let mut bytes = [0; 1024];
        while !String::from_utf8_lossy(&self.seen).contains(text) {
            match timeout(PATIENCE, self.socket.read(&mut bytes))
                .await
                .expect("the server answers or closes")
            {
                Ok(read @ 1..) => self.seen.extend_from_slice(&bytes[..read]),
                _ => break,
            }
        }
        String::from_utf8_lossy(&self.seen).into_owned()
    }
}
