//! What can be wrong with an event or with what a live request sent.

use std::{error, fmt};

/// A fault in an event that was to be sent, or in the signals that came with a request.
pub struct Error {
    kind: Kind,
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// A one-line field of an event holds a line end or NUL.
    Line(&'static str),
    /// A redirect leads somewhere else than to a path of this site.
    Redirect,
    /// A script would end its own element, or an attribute is not one.
    Script(&'static str),
    /// A request promised JSON and sent something else.
    Json(&'static str),
    /// A body is neither JSON nor a form.
    MediaType,
}

impl Error {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, source: None }
    }

    pub(super) fn because(
        kind: Kind,
        source: impl Into<Box<dyn error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            kind,
            source: Some(source.into()),
        }
    }

    /// Returns true when a request's signals or form could not be read: its sender is at fault (400).
    pub fn is_malformed(&self) -> bool {
        matches!(self.kind, Kind::Json(_))
    }

    /// Returns true when a request's body is of a type that carries neither signals nor a form (415).
    pub fn is_unsupported_media_type(&self) -> bool {
        matches!(self.kind, Kind::MediaType)
    }

    /// Returns true when an event that was to be sent is not one: our own fault (500).
    pub fn is_invalid_event(&self) -> bool {
        matches!(self.kind, Kind::Line(_) | Kind::Redirect | Kind::Script(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Line(field) => write!(f, "the {field} of an event must be one line without NUL"),
            Kind::Redirect => f.write_str("a live redirect must lead to a path of this site"),
            Kind::Script(what) => write!(f, "a script event cannot be written: {what}"),
            Kind::Json(what) => write!(f, "the signals of the request are malformed: {what}"),
            Kind::MediaType => f.write_str("a live request carries JSON or a form"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("source", &self.source)
            .finish()
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// For [`LivePage::send`](super::LivePage::send): what is encoded already cannot fail to be.
impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
