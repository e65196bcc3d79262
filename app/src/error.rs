//! The error of a request: what a client may know of it, and the private cause.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};

use crate::body::BoxError;

/// What a handler answers: a value that becomes a response, or an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Seconds a client should wait before it repeats a request that found the store away. Source: CONTRACT §2 asks for a `Retry-After`;
/// a local server or a cluster that elects a new leader is back within a few seconds.
const RETRY_UNAVAILABLE: Duration = Duration::from_secs(2);

/// Why a request failed.
///
/// It holds a status, a stable machine id such as `game.toggle.taken`, a message for people, and a private cause that is
/// logged and never leaves the server (outside the development tier).
///
/// `?` on any other error makes one of status 500, so `Error` itself does not implement [`std::error::Error`]. A store that is
/// away becomes 503 with `Retry-After`.
///
/// ```
/// use pleach::Error;
///
/// fn port(text: &str) -> Result<u16, Error> {
///     Ok(text.parse()?)
/// }
/// assert_eq!(port("http").unwrap_err().status(), 500);
/// ```
pub struct Error(Box<Kind>);

struct Kind {
    status: StatusCode,
    id: Cow<'static, str>,
    message: Cow<'static, str>,
    fields: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<BoxError>,
    for_page: bool,
}

impl Error {
    /// Makes an error from a status, a stable id and a message for the client.
    #[must_use]
    pub fn new(
        status: StatusCode,
        id: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Kind {
            status,
            id: id.into(),
            message: message.into(),
            fields: Vec::new(),
            headers: Vec::new(),
            cause: None,
            for_page: false,
        }))
    }

    /// 400 `malformed`: something is absent, of the wrong type, or can't be parsed.
    #[must_use]
    pub fn malformed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message)
    }

    /// 401 `unauthorized`: the request has no session of a user. A browser's form or page is sent to the landing page instead.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Please log in first.",
        )
    }

    /// Says that a page was asked for: whoever does not want JSON is sent to the landing page.
    #[must_use]
    pub fn for_page(mut self) -> Self {
        self.0.for_page = true;
        self
    }

    /// 403 `forbidden`: this user may not do that.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "You may not do that.")
    }

    /// 404 `notfound`: there is nothing here.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "notfound", "There is nothing here.")
    }

    /// 409 with an id of the application's own: the request conflicts with the present state.
    #[must_use]
    pub fn conflict(
        id: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(StatusCode::CONFLICT, id, message)
    }

    /// 413 `too_large`: the body is over the limit.
    #[must_use]
    pub fn too_large(limit_bytes: u64) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("The request is larger than the {limit_bytes} bytes that are accepted here."),
        )
    }

    /// 422 `invalid`: a field is present and of the right type, but out of range. [`Error::field`] adds more fields.
    #[must_use]
    pub fn invalid(
        field: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        let message = message.into();
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message.clone())
            .field(field, message)
    }

    /// 500 `internal`: something failed that the client can't help. The cause is logged.
    #[must_use]
    pub fn internal(cause: impl Into<BoxError>) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong on our side.",
        )
        .because(cause)
    }

    /// 503 `unavailable` with `Retry-After`: what is needed for an answer is away for now.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The service is not available right now. Please try again.",
        )
        .retry_after(RETRY_UNAVAILABLE)
    }

    /// Gives the error another id.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<Cow<'static, str>>) -> Self {
        self.0.id = id.into();
        self
    }

    /// Adds the private cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<BoxError>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Adds what is wrong with one field of the input.
    #[must_use]
    pub fn field(
        mut self,
        name: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.0.fields.push((name.into(), message.into()));
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Adds `Retry-After`, in whole seconds, at least one.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        self.header(
            http::header::RETRY_AFTER,
            HeaderValue::from(wait.as_secs().max(1)),
        )
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Returns the stable id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Returns the message for the client.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the fields that are wrong, each with a message.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .fields
            .iter()
            .map(|(name, message)| (name.as_ref(), message.as_ref()))
    }

    /// Returns the private cause.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.0.cause.as_deref()
    }

    pub(crate) fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.0.headers
    }

    pub(crate) fn is_for_page(&self) -> bool {
        self.0.for_page
    }

    /// Returns the message, the cause and the causes below it, one a line: for logs and the development tier only.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.0.message.to_string();
        let mut cause = self.cause().map(|cause| cause as &dyn StdError);
        while let Some(error) = cause {
            text.push_str("\ncaused by: ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl<E> From<E> for Error
where
    E: StdError + Send + Sync + 'static,
{
    fn from(error: E) -> Self {
        let away = (&error as &dyn StdError)
            .downcast_ref::<pleach_driver::Error>()
            .is_some_and(|error| error.is_unavailable() || error.is_timeout());
        if away {
            Self::unavailable().because(error)
        } else {
            Self::internal(error)
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}: {}",
            self.0.status.as_u16(),
            self.0.id,
            self.0.message
        )
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        match &self.0.cause {
            Some(cause) => write!(f, " (caused by: {cause:?})"),
            None => Ok(()),
        }
    }
}
