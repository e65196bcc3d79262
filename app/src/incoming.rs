//! The body that a client sends: read once, within a limit and a time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use crate::body::{Body, Inner};
use crate::error::{Error, Result};

/// How far a request's body has come.
pub(crate) enum Incoming {
    Unread(Body),
    Read(Bytes),
    /// A handler took the stream, or a read of it was dropped half way.
    Taken,
}

impl Incoming {
    pub(crate) fn into_body(self) -> Body {
        match self {
            Self::Unread(body) => body,
            Self::Read(bytes) => Body::full(bytes),
            Self::Taken => Body::empty(),
        }
    }
}

/// Reads a body to its end.
///
/// # Errors
/// 413 above the limit, without reading on; 408 when nothing arrives for `patience`; 400 when the client breaks off.
pub(crate) async fn read(
    incoming: Incoming,
    limit_bytes: u64,
    patience: Duration,
) -> Result<Bytes> {
    let mut body = match incoming {
        Incoming::Read(bytes) => return Ok(bytes),
        Incoming::Taken => return Err(Error::malformed("The body was read before.")),
        Incoming::Unread(body) => body,
    };
    if body.size_hint().lower() > limit_bytes {
        return Err(Error::too_large(limit_bytes));
    }
    match &mut body.0 {
        Inner::Empty => return Ok(Bytes::new()),
        Inner::Full(bytes) => return Ok(std::mem::take(bytes)),
        _ => {}
    }
    let mut first: Option<Bytes> = None;
    let mut all = BytesMut::new();
    loop {
        let frame = timeout(patience, body.frame())
            .await
            .map_err(|_| stalled())?;
        let Some(frame) = frame else { break };
        let Ok(data) = frame
            .map_err(|error| Error::malformed("The body broke off.").because(error))?
            .into_data()
        else {
            continue;
        };
        let read = all.len() + first.as_ref().map_or(0, Bytes::len) + data.len();
        if read as u64 > limit_bytes {
            return Err(Error::too_large(limit_bytes));
        }
        // A body that arrives in one piece, as most do, is never copied.
        match (&first, all.is_empty()) {
            (None, true) => first = Some(data),
            (Some(_), _) => {
                all.extend_from_slice(&first.take().unwrap_or_default());
                all.extend_from_slice(&data);
            }
            (None, false) => all.extend_from_slice(&data),
        }
    }
    Ok(first.unwrap_or_else(|| all.freeze()))
}

fn stalled() -> Error {
    Error::new(
        StatusCode::REQUEST_TIMEOUT,
        "malformed",
        "The body did not arrive in time.",
    )
}
