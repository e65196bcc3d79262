//! The seam: one request, one answer.

use bytes::Bytes;

use crate::Error;
use crate::backend::BoxFuture;

/// Carries one HTTP exchange. Redirects, retries and the deadline of the call stand above it.
pub trait HttpBackend: Send + Sync + 'static {
    /// Sends the request and reads the whole answer. Never follows a redirect and never repeats.
    ///
    /// Any status is an answer. Fails with [`Error::unavailable`] when the server can't be reached or the connection breaks,
    /// [`Error::timeout`] when connecting takes too long, [`Error::too_large`] as soon as the body is known to be above the
    /// limit, [`Error::refused`] where the guard says no. The future may be dropped at any point, as it is at the deadline.
    fn exchange(&self, exchange: Exchange) -> BoxFuture<'_, Result<http::Response<Bytes>, Error>>;
}

/// One request with what bounds it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Exchange {
    /// The request, with an absolute URI of `http` or `https`.
    pub request: http::Request<Bytes>,
    /// How many bytes of body are read at most.
    pub max_body_bytes: usize,
    /// Whether the connection may go to public addresses only. An address in the URI was checked before; a name is to be
    /// checked on the very addresses that are connected to, so that a second look-up has no chance to say something else (DNS
    /// rebinding).
    pub guarded: bool,
}
