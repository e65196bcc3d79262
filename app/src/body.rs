//! The body of a request or a response.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

/// Any error, boxed.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

type Boxed = Pin<Box<dyn HttpBody<Data = Bytes, Error = BoxError> + Send>>;

/// A body: nothing, bytes at hand, what a client sends, or a stream.
///
/// Bytes at hand cost no allocation; everything else that implements [`http_body::Body`] is boxed by [`Body::wrap`].
#[derive(Default)]
pub struct Body(pub(crate) Inner);

#[derive(Default)]
pub(crate) enum Inner {
    #[default]
    Empty,
    Full(Bytes),
    Incoming(hyper::body::Incoming),
    Boxed(Boxed),
    /// A stream without an end of its own: it counts against the budget of streams, and ends when a drain begins.
    Live(Boxed),
}

impl Body {
    /// Returns a body without bytes.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Inner::Empty)
    }

    /// Returns a body of bytes at hand.
    #[must_use]
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        if bytes.is_empty() {
            Self(Inner::Empty)
        } else {
            Self(Inner::Full(bytes))
        }
    }

    /// Returns any other body, boxed.
    #[must_use]
    pub fn wrap<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Inner::Boxed(Box::pin(MapError(Box::pin(body)))))
    }

    /// Returns a body that lives until one side leaves: an event stream.
    ///
    /// It counts against `--max-streams` rather than `--max-connections`, and has to end by itself when a drain begins.
    #[must_use]
    pub fn live<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Inner::Live(Box::pin(MapError(Box::pin(body)))))
    }

    /// Returns true for a body made by [`Body::live`].
    #[must_use]
    pub fn is_stream(&self) -> bool {
        matches!(self.0, Inner::Live(_))
    }

    /// Returns the bytes, when they are at hand without reading.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Inner::Full(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let inner = &mut self.get_mut().0;
        match inner {
            Inner::Empty => Poll::Ready(None),
            Inner::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                *inner = Inner::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Inner::Incoming(incoming) => Pin::new(incoming).poll_frame(task).map_err(Into::into),
            Inner::Boxed(body) | Inner::Live(body) => body.as_mut().poll_frame(task),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Empty => true,
            Inner::Full(_) => false,
            Inner::Incoming(incoming) => incoming.is_end_stream(),
            Inner::Boxed(body) | Inner::Live(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Empty => SizeHint::with_exact(0),
            Inner::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Inner::Incoming(incoming) => incoming.size_hint(),
            Inner::Boxed(body) | Inner::Live(body) => body.size_hint(),
        }
    }
}

impl From<hyper::body::Incoming> for Body {
    fn from(incoming: hyper::body::Incoming) -> Self {
        if incoming.is_end_stream() {
            Self::empty()
        } else {
            Self(Inner::Incoming(incoming))
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::full(bytes)
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::full(text)
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::full(text)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::full(bytes)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Empty => f.write_str("Body::Empty"),
            Inner::Full(bytes) => write!(f, "Body::Full({} bytes)", bytes.len()),
            Inner::Incoming(_) => f.write_str("Body::Incoming"),
            Inner::Boxed(_) => f.write_str("Body::Boxed"),
            Inner::Live(_) => f.write_str("Body::Live"),
        }
    }
}

/// Gives a foreign body our error type.
struct MapError<B>(Pin<Box<B>>);

impl<B> HttpBody for MapError<B>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.get_mut()
            .0
            .as_mut()
            .poll_frame(task)
            .map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
