//! The answer to a call.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde::de::DeserializeOwned;

use super::target::Target;
use crate::Error;

/// An answer, read whole. Any status is one: [`success`](Self::success) makes an error of those that are none.
#[derive(Clone)]
pub struct HttpResponse {
    method: Method,
    target: Target,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl HttpResponse {
    pub(super) fn new(method: Method, target: Target, response: http::Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        Self {
            method,
            target,
            status: head.status,
            headers: head.headers,
            body,
        }
    }

    /// Returns the status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the URL that answered, the last one where redirects were followed.
    pub fn url(&self) -> &str {
        self.target.as_str()
    }

    /// Returns the body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns the body.
    pub fn into_body(self) -> Bytes {
        self.body
    }

    /// Returns the body as text; what is not UTF-8 is replaced by `U+FFFD`.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// Returns the answer if its status is one of success (200 to 299).
    ///
    /// # Errors
    /// [`Error::status_code`] for any other.
    pub fn success(self) -> Result<Self, Error> {
        if self.status.is_success() {
            Ok(self)
        } else {
            let Self { method, target, .. } = &self;
            Err(Error::status(
                format!("{method} {target}"),
                self.status.as_u16(),
            ))
        }
    }

    /// Returns what the JSON of a successful answer says. The `Content-Type` is not looked at.
    ///
    /// # Errors
    /// As [`success`](Self::success), and [`Error::is_invalid`] when the body is not JSON of that shape.
    pub fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let answer = self.success()?;
        serde_json::from_slice(&answer.body).map_err(|error| {
            let Self { method, target, .. } = &answer;
            Error::invalid("JSON", format!("in the answer to {method} {target}")).with_source(error)
        })
    }
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse")
            .field("status", &self.status)
            .field("from", &format_args!("{}", self.target))
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
