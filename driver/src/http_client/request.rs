//! A call, being put together.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use serde::Serialize;

use super::call::{self, Call};
use super::redirect::Hop;
use super::retry;
use super::target::Target;
use super::{Http, HttpResponse};
use crate::Error;

/// How often a call is tried again unless told otherwise.
const RETRIES: u32 = 2;

/// A call that is being put together; [`send`](Self::send) makes it.
///
/// What is wrong with it (a URL, a header, a value that JSON can't hold) is told by `send`, before anything is sent.
#[must_use]
pub struct HttpRequest {
    http: Http,
    hop: Result<Hop, Error>,
    deadline: Duration,
    max_body_bytes: usize,
    redirects: u32,
    retries: u32,
    idempotent: bool,
    guarded: bool,
}

impl HttpRequest {
    pub(super) fn new(http: Http, method: Method, url: &str) -> Self {
        let mut headers = HeaderMap::new();
        if let Some(name) = &http.inner.user_agent {
            headers.insert(header::USER_AGENT, name.clone());
        }
        Self {
            deadline: http.inner.deadline,
            max_body_bytes: http.inner.max_body_bytes,
            redirects: 0,
            retries: RETRIES,
            idempotent: retry::is_idempotent(&method),
            guarded: false,
            hop: Target::parse(url).map(|target| Hop {
                method,
                target,
                headers,
                body: Bytes::new(),
            }),
            http,
        }
    }

    /// Applies a change that may fail; the first failure stays.
    fn change(mut self, change: impl FnOnce(&mut Hop) -> Result<(), Error>) -> Self {
        if let Ok(hop) = &mut self.hop
            && let Err(error) = change(hop)
        {
            self.hop = Err(error);
        }
        self
    }

    /// Sets a header; one of the same name is replaced. A value that is
    /// [marked sensitive](HeaderValue::set_sensitive) is not carried over to another server by a redirect, like `Authorization` and
    /// cookies.
    pub fn header<V>(self, name: &str, value: V) -> Self
    where
        V: TryInto<HeaderValue>,
        V::Error: fmt::Display,
    {
        let header = match (HeaderName::from_bytes(name.as_bytes()), value.try_into()) {
            (Ok(name), Ok(value)) => Ok((name, value)),
            (Err(error), _) => Err(Error::invalid("header", format!("{name:?}: {error}"))),
            (_, Err(error)) => Err(Error::invalid("header", format!("{name}: {error}"))),
        };
        self.change(|hop| {
            let (name, value) = header?;
            hop.headers.insert(name, value);
            Ok(())
        })
    }

    /// Sends a token: `Authorization: Bearer …`.
    pub fn bearer(self, token: &str) -> Self {
        self.authorization(format!("Bearer {token}"))
    }

    /// Sends a name and password: `Authorization: Basic …`.
    pub fn basic(self, name: &str, password: &str) -> Self {
        self.authorization(format!(
            "Basic {}",
            call::base64(&format!("{name}:{password}"))
        ))
    }

    fn authorization(self, value: String) -> Self {
        self.change(|hop| {
            let mut value = HeaderValue::from_str(&value)
                .map_err(|error| Error::invalid("credentials", error.to_string()))?;
            value.set_sensitive(true);
            hop.headers.insert(header::AUTHORIZATION, value);
            Ok(())
        })
    }

    /// Adds a parameter to the query of the URL, encoded as forms are.
    pub fn query(self, name: &str, value: impl fmt::Display) -> Self {
        self.change(|hop| {
            hop.target.add_query(name, &value.to_string());
            Ok(())
        })
    }

    /// Sets the body and its type.
    pub fn body(self, content_type: &str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        self.header(header::CONTENT_TYPE.as_str(), content_type)
            .change(|hop| {
                hop.body = body;
                Ok(())
            })
    }

    /// Sets the body to the JSON of `value`.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.body("application/json", body),
            Err(error) => {
                self.change(|_| Err(Error::invalid("JSON", "of the body").with_source(error)))
            }
        }
    }

    /// Sets the body to a form's fields, encoded as `application/x-www-form-urlencoded`.
    pub fn form<N: AsRef<str>, V: AsRef<str>>(
        self,
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.body("application/x-www-form-urlencoded", body)
    }

    /// Sets how long the call may take, with all tries and redirects and its body. Default: the client's, which is 10 s unless set.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets how many bytes the body of the answer may have. Default: the client's, which is 4 MiB unless set.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// Follows up to `most` redirects, none that leads out of TLS. Default: 0, and a redirect is an answer like any other.
    pub fn redirects(mut self, most: u32) -> Self {
        self.redirects = most;
        self
    }

    /// Sets how often the call is tried again after a failed connection or an answer 429, 502, 503 or 504. Between the tries it waits
    /// 50 to 100 ms, then twice as long each time, up to 2 s; or as long as `Retry-After` says, up to 30 s. An answer that asks for
    /// more than that, or for more than the deadline leaves, is returned. Default: 2 for methods that are idempotent (GET, HEAD, PUT,
    /// DELETE, OPTIONS) and calls marked so; others are never tried again.
    pub fn retries(mut self, most: u32) -> Self {
        self.retries = most;
        self
    }

    /// Says that a repeat does no harm, whatever the method: the other side recognises it, by an `Idempotency-Key` perhaps.
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Guards a call whose URL comes from a user: it reaches public addresses only.
    ///
    /// Refused are loopback, private, link-local, carrier, multicast, reserved and documentation addresses and the metadata services of
    /// clouds, in any spelling and in the clothes of IPv6 (mapped, NAT64, 6to4). Names are judged by the address that is connected to,
    /// so that a name which changes between two look-ups gains nothing, and so is each redirect. No proxy is used, and no connection is
    /// shared with calls that are not guarded.
    pub fn guarded(mut self) -> Self {
        self.guarded = true;
        self
    }

    /// Makes the call.
    ///
    /// # Errors
    /// [`Error::is_invalid`] for what is malformed in the call; [`Error::is_refused`] where the guard, the scheme or the number of redirects
    /// says no; [`Error::is_too_large`] when the answer is above the limit; [`Error::is_timeout`] at the deadline, or when connecting took too
    /// long; [`Error::is_unavailable`] when the server can't be reached or the connection broke. A status is no error here: see
    /// [`HttpResponse::success`].
    ///
    /// # Cancel safety
    /// Cancel safe for the client. The server may have acted on a call that was dropped.
    pub async fn send(self) -> Result<HttpResponse, Error> {
        let Self {
            http,
            hop,
            deadline,
            max_body_bytes,
            redirects,
            retries,
            idempotent,
            guarded,
        } = self;
        let call = Call {
            http: &http.inner,
            deadline,
            max_body_bytes,
            redirects,
            retries: if idempotent { retries } else { 0 },
            guarded,
        };
        call.run(hop?).await
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("HttpRequest");
        match &self.hop {
            Ok(hop) => debug
                .field("method", &hop.method)
                .field("to", &format_args!("{}", hop.target)),
            Err(error) => debug.field("error", error),
        };
        debug
            .field("guarded", &self.guarded)
            .finish_non_exhaustive()
    }
}
