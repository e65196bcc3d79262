//! The bytes of a body, whichever way their end is told.

use std::io::{self, BufRead as _, BufReader, Read};
use std::net::TcpStream;

use crate::Answer;

/// Returns the body that follows a head.
pub(crate) fn of(head: &Answer, connection: BufReader<TcpStream>) -> Box<dyn Read + Send> {
    let length = head
        .header("content-length")
        .and_then(|length| length.parse().ok());
    match length {
        _ if matches!(head.status(), 204 | 304) => Box::new(io::empty()),
        _ if head.header("transfer-encoding") == Some("chunked") => Box::new(Chunked {
            connection,
            left: 0,
            first: true,
            ended: false,
        }),
        Some(length) => Box::new(connection.take(length)),
        None => Box::new(connection),
    }
}

/// A body in pieces that tell their own length (RFC 9112 §7.1).
struct Chunked {
    connection: BufReader<TcpStream>,
    /// Bytes of the present piece that were not read yet.
    left: u64,
    first: bool,
    ended: bool,
}

impl Read for Chunked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !self.ended {
            self.next_piece()?;
        }
        if self.ended {
            return Ok(0);
        }
        let read = (&mut self.connection).take(self.left).read(buffer)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

impl Chunked {
    fn next_piece(&mut self) -> io::Result<()> {
        let mut line = String::new();
        if !std::mem::replace(&mut self.first, false) {
            self.connection.read_line(&mut line)?;
            line.clear();
        }
        self.connection.read_line(&mut line)?;
        let length = u64::from_str_radix(line.trim(), 16);
        self.left = length.map_err(|_| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        self.ended = self.left == 0;
        Ok(())
    }
}
