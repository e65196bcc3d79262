//! Event streams over HTTP/1.1, written by ourselves.
//!
//! hyper keeps two buffers of eight kilobytes for every connection, and an open page uses neither for as long as it is open. So hyper
//! writes the head of the answer, hands the socket over, and gets it back for the next request when the stream has ended.

use std::fmt::Write as _;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use http_body::Body as _;
use hyper::rt::Write as _;
use tokio::io::{AsyncRead, AsyncWrite};

use super::service::Stream;
use super::wire::Wire;
use crate::body::Body;

/// Events that are ready at the same time are written together, up to about this many bytes.
const TOGETHER_BYTES: usize = 16 << 10;

/// The end of a chunked body. Source: RFC 9112, section 7.1.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// A stream whose head hyper writes, and whose body it does not.
pub(super) struct Handover {
    body: Body,
    _request: Stream,
}

impl Handover {
    pub(super) fn new(body: Body, request: Stream) -> Self {
        Self {
            body,
            _request: request,
        }
    }

    /// Writes the stream to its end.
    ///
    /// # Errors
    /// When the client leaves, and when the stream itself fails: the client must see that it broke off.
    pub(super) async fn write<T>(mut self, wire: &mut Wire<T>) -> io::Result<()>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let mut chunks = BytesMut::new();
        let mut is_over = false;
        poll_fn(|cx| {
            loop {
                while chunks.has_remaining() {
                    let written = ready!(Pin::new(&mut *wire).poll_write(cx, &chunks))?;
                    chunks.advance(written);
                }
                // It fails when the client has left.
                ready!(Pin::new(&mut *wire).poll_flush(cx))?;
                // Between events the stream holds no buffer.
                chunks = BytesMut::new();
                if is_over {
                    return Poll::Ready(Ok(()));
                }
                is_over = self.gather(cx, &mut chunks)?;
                if chunks.is_empty() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    /// Appends what is ready, as chunks; true when that is the end.
    fn gather(&mut self, cx: &mut Context<'_>, chunks: &mut BytesMut) -> io::Result<bool> {
        while chunks.len() < TOGETHER_BYTES {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    // A chunk of no bytes would be the last.
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        put_chunk(chunks, &data);
                    }
                }
                Poll::Ready(Some(Err(error))) => return Err(io::Error::other(error)),
                Poll::Ready(None) => {
                    chunks.extend_from_slice(LAST_CHUNK);
                    return Ok(true);
                }
                Poll::Pending => break,
            }
        }
        Ok(false)
    }
}

fn put_chunk(chunks: &mut BytesMut, data: &Bytes) {
    write!(chunks, "{:X}\r\n", data.len()).expect("a buffer in memory takes everything");
    chunks.extend_from_slice(data);
    chunks.extend_from_slice(b"\r\n");
}
