//! A client's socket, as hyper reads and writes it.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http::StatusCode;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connections::Lease;
use super::link::Link;

/// Thrown away at most of what a refused client goes on sending. It sends more only if it does not read.
const MOST_UNREAD_BYTES: usize = 4 << 20;

/// The line of a head after whose answer the connection closes.
const CLOSES: &[u8] = b"\r\nconnection: close\r\n";

/// A socket that keeps the connection's [`Link`] up to date. When it is dropped, the connection is gone; after an upgrade it lives on in
/// whatever took it over.
pub(super) struct Wire<T> {
    io: TokioIo<T>,
    /// What was read before, to tell the protocol.
    first_bytes: Bytes,
    lease: Lease,
    /// Whether to look out for the client's end while it waits for its answer.
    watches_end: bool,
    /// What is still to be written in the place of hyper's own answer.
    refusal: Bytes,
    /// Everything that was written before has left: the next bytes begin an answer.
    is_flushed: bool,
    unread_bytes: usize,
    /// The head of a stream's answer is on its way out; true if it promises to close.
    stream_head: Option<bool>,
}

impl<T> Wire<T> {
    pub(super) fn new(io: T, first_bytes: Bytes, lease: Lease) -> Self {
        Self {
            io: TokioIo::new(io),
            first_bytes,
            lease,
            watches_end: false,
            refusal: Bytes::new(),
            is_flushed: true,
            unread_bytes: 0,
            stream_head: None,
        }
    }

    /// Takes bytes back that were read too early, to read them again first.
    pub(super) fn give_back(&mut self, bytes: &[u8]) {
        // A copy, because what was read may hold a large buffer.
        if !bytes.is_empty() {
            self.first_bytes = [bytes, &self.first_bytes].concat().into();
        }
    }

    /// Looks out, from now on, for a client that leaves while it waits for its answer.
    ///
    /// hyper would do so by reading into its buffer, at the price of a new buffer for every request, because the head of the request is
    /// still in use in the old one. This costs nothing unless the answer takes its time. Over HTTP/2, the protocol itself tells.
    pub(super) fn watch_end(&mut self) {
        self.watches_end = true;
    }

    fn link(&self) -> &Link {
        self.lease.link()
    }

    /// Looks at the beginning of an answer, before it is written.
    fn look_at(&mut self, bytes: &[u8]) {
        if std::mem::take(&mut self.is_flushed) {
            self.refuse_instead(bytes);
            if self.link().is_handing_over() {
                // hyper writes the names of headers in lower case, and knows all that makes it close.
                self.stream_head = Some(bytes.windows(CLOSES.len()).any(|window| window == CLOSES));
            }
        }
    }

    /// Looks whether hyper is about to answer by itself: it does so, bare of all headers, to a head that it can't read. We refuse in its
    /// place. No other answer begins while a head is waited for, and this one is written in one piece.
    fn refuse_instead(&mut self, bytes: &[u8]) {
        if self.link().awaits_head()
            && let Some(status) = bytes
                .strip_prefix(b"HTTP/1.1 ")
                .and_then(|rest| rest.get(..3))
            && let Ok(status) = StatusCode::from_bytes(status)
            && status.is_client_error()
        {
            self.refusal = self.link().connections().refusal(status);
            self.link().head_refused();
        }
    }
}

impl<T: AsyncRead + Unpin> Read for Wire<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first_bytes.has_remaining() {
            let fits = buf.remaining().min(self.first_bytes.len());
            buf.put_slice(&self.first_bytes.split_to(fits));
            self.link().bytes_came();
            return Poll::Ready(Ok(()));
        }
        let read = Pin::new(&mut self.io).poll_read(cx, buf);
        if read.is_ready() {
            self.link().bytes_came();
        }
        read
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Wire<T> {
    /// Fails when the client has closed. What it sends instead is kept for later, and then it is not listened to any further until that
    /// was read, so that it can't fill the memory.
    fn notice_end(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.first_bytes.has_remaining() {
            return Ok(());
        }
        let mut bytes = [0; 256];
        let mut early = ReadBuf::new(&mut bytes);
        match Pin::new(self.io.inner_mut()).poll_read(cx, &mut early) {
            Poll::Pending => Ok(()),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(())) if early.filled().is_empty() => {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Poll::Ready(Ok(())) => {
                self.give_back(early.filled());
                // Whoever waits for them has registered with the socket, where they no longer are.
                cx.waker().wake_by_ref();
                Ok(())
            }
        }
    }

    /// Closes for writing.
    pub(super) async fn close(&mut self) -> io::Result<()> {
        poll_fn(|cx| Pin::new(&mut *self).poll_shutdown(cx)).await
    }

    /// Notes whether the client takes what we write.
    fn noting<R>(&self, written: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        self.link().set_blocked(written.is_pending());
        written
    }

    /// Writes the rest of a refusal, and then claims to have written the answer that it stands for.
    fn poll_refuse(&mut self, cx: &mut Context<'_>, claimed: usize) -> Poll<io::Result<usize>> {
        while self.refusal.has_remaining() {
            let written = Pin::new(&mut self.io).poll_write(cx, &self.refusal);
            let written = ready!(self.noting(written))?;
            self.refusal.advance(written);
        }
        Poll::Ready(Ok(claimed))
    }

    /// Throws away what the client still sends, until it closes: a socket that is closed with bytes unread is reset, and the client
    /// would lose the answer that told it why.
    fn poll_throw_away(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.link().linger();
        let mut bytes = [0; 4096];
        while self.unread_bytes < MOST_UNREAD_BYTES {
            let mut unread = ReadBuf::new(&mut bytes);
            ready!(Pin::new(self.io.inner_mut()).poll_read(cx, &mut unread))?;
            if unread.filled().is_empty() {
                break;
            }
            self.unread_bytes += unread.filled().len();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Write for Wire<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.refusal.is_empty() {
            self.look_at(buf);
        }
        if self.refusal.has_remaining() {
            return self.poll_refuse(cx, buf.len());
        }
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.noting(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.refusal.is_empty()
            && let Some(first) = bufs.first()
        {
            self.look_at(first);
        }
        if self.refusal.has_remaining() {
            return self.poll_refuse(cx, bufs.iter().map(|buf| buf.len()).sum());
        }
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.noting(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.is_flushed = flushed.is_ready();
        if self.is_flushed
            && let Some(promised_to_close) = self.stream_head.take()
        {
            self.link().stream_head_written(promised_to_close);
        }
        // hyper flushes whenever it has looked after everything else, also when there is nothing to write.
        if self.watches_end && self.link().is_at_work() {
            self.notice_end(cx)?;
        }
        self.noting(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.io).poll_shutdown(cx);
        ready!(self.noting(shut))?;
        if self.link().may_have_unread() && !self.link().is_finishing() {
            self.poll_throw_away(cx)
        } else {
            Poll::Ready(Ok(()))
        }
    }
}
