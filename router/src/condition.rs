//! Matchers that do not look at the path: host, scheme, header, query, and closures over the head.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::HeaderName;

use crate::encode::{decode_query, is_escaped_query};
use crate::head::Head;
use crate::pattern::{Pattern, Piece};
use crate::slots::{Caught, Slots};

/// A closure over the head of a request.
pub(crate) type Predicate = Arc<dyn Fn(&Head<'_>) -> bool + Send + Sync>;

/// One parsed matcher.
#[derive(Clone)]
pub(crate) enum Condition {
    Host {
        text: String,
        labels: Vec<Piece>,
    },
    Scheme(String),
    Header {
        name: HeaderName,
        text: String,
        piece: Piece,
    },
    QueryPresent(String),
    QueryIs(String, String),
    Query {
        name: String,
        text: String,
        piece: Piece,
    },
    When(String, Predicate),
}

/// What came of checking a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    /// It can't be told, because the query value in question is no valid encoding.
    BadEncoding,
}

impl From<bool> for Answer {
    fn from(holds: bool) -> Self {
        if holds { Answer::Yes } else { Answer::No }
    }
}

impl Condition {
    /// Checks the request and pushes what the condition's variables caught. Unless the answer is yes, the caller cuts off what was pushed.
    pub(crate) fn check(&self, head: &Head<'_>, slots: &mut Slots) -> Answer {
        match self {
            Condition::Host { labels, .. } => check_host(labels, head.host(), slots).into(),
            Condition::Scheme(scheme) => (head.scheme == scheme).into(),
            Condition::Header { name, piece, .. } => match header(head, name) {
                Some(value) => piece.pattern.find(value, 0, slots).into(),
                None => Answer::No,
            },
            Condition::QueryPresent(name) => query_value(head.query, name).is_some().into(),
            Condition::QueryIs(name, wanted) => match query_value(head.query, name) {
                None => Answer::No,
                Some((_, raw)) if !is_escaped_query(raw) => (raw == wanted).into(),
                Some((_, raw)) => {
                    decode_query(raw).map_or(Answer::BadEncoding, |value| (value == *wanted).into())
                }
            },
            Condition::Query { name, piece, .. } => match query_value(head.query, name) {
                None => Answer::No,
                Some((at, raw)) if !is_escaped_query(raw) => {
                    piece.pattern.find(raw, at, slots).into()
                }
                Some((_, raw)) => match decode_query(raw) {
                    Ok(value) => find_decoded(&piece.pattern, &value, slots).into(),
                    Err(_) => Answer::BadEncoding,
                },
            },
            Condition::When(_, predicate) => predicate(head).into(),
        }
    }

    /// Says in which way the request falls short of this condition.
    pub(crate) fn shortfall(&self, head: &Head<'_>) -> String {
        let of_query = |name: &str| match query_value(head.query, name) {
            Some((_, raw)) => format!("the query says `{name}={raw}`"),
            None => format!("the query has no `{name}`"),
        };
        match self {
            Condition::Host { .. } if head.host().is_empty() => {
                "the request names no host".to_owned()
            }
            Condition::Host { .. } => format!("the host is `{}`", head.host()),
            Condition::Scheme(_) => format!("the scheme is `{}`", head.scheme),
            Condition::Header { name, .. } => match header(head, name) {
                Some(value) => format!("the header is `{value}`"),
                None => "the header is absent".to_owned(),
            },
            Condition::QueryPresent(name)
            | Condition::QueryIs(name, _)
            | Condition::Query { name, .. } => of_query(name),
            Condition::When(..) => "the closure said no".to_owned(),
        }
    }

    /// The variables that the condition catches, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        let pieces = match self {
            Condition::Host { labels, .. } => labels.as_slice(),
            Condition::Header { piece, .. } | Condition::Query { piece, .. } => {
                std::slice::from_ref(piece)
            }
            _ => &[],
        };
        pieces.iter().flat_map(|piece| &piece.names)
    }

    /// True if whatever satisfies `other` satisfies this condition as well, as far as that can be told.
    pub(crate) fn covers(&self, other: &Condition) -> bool {
        match (self, other) {
            (Condition::Host { labels, .. }, Condition::Host { labels: others, .. }) => {
                labels.len() == others.len()
                    && labels
                        .iter()
                        .zip(others)
                        .all(|(label, other)| label.pattern.covers(&other.pattern))
            }
            (Condition::Scheme(scheme), Condition::Scheme(other)) => scheme == other,
            (
                Condition::Header { name, piece, .. },
                Condition::Header {
                    name: other,
                    piece: others,
                    ..
                },
            ) => name == other && piece.pattern.covers(&others.pattern),
            (
                Condition::QueryPresent(name),
                Condition::QueryPresent(other)
                | Condition::QueryIs(other, _)
                | Condition::Query { name: other, .. },
            ) => name == other,
            (Condition::QueryIs(name, value), Condition::QueryIs(other, others)) => {
                name == other && value == others
            }
            (Condition::Query { name, piece, .. }, Condition::QueryIs(other, value)) => {
                name == other
                    && piece
                        .pattern
                        .covers(&Pattern::Literal(value.as_str().into()))
            }
            (
                Condition::Query { name, piece, .. },
                Condition::Query {
                    name: other,
                    piece: others,
                    ..
                },
            ) => name == other && piece.pattern.covers(&others.pattern),
            (Condition::When(_, predicate), Condition::When(_, other)) => {
                Arc::ptr_eq(predicate, other)
            }
            _ => false,
        }
    }
}

/// As it is shown in printed trees and explanations.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Host { text, .. } => write!(f, "host {text}"),
            Condition::Scheme(scheme) => write!(f, "scheme {scheme}"),
            Condition::Header { name, text, .. } => write!(f, "header {name}: {text}"),
            Condition::QueryPresent(name) => write!(f, "query {name}"),
            Condition::QueryIs(name, value) => write!(f, "query {name}={value}"),
            Condition::Query { name, text, .. } => write!(f, "query {name}={text}"),
            Condition::When(label, _) => write!(f, "when {label}"),
        }
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text of the first header of this name. Header values are not percent-encoded and taken as they are.
pub(crate) fn header<'r>(head: &Head<'r>, name: &HeaderName) -> Option<&'r str> {
    head.headers
        .get(name)
        .and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
}

/// The raw value of the first query parameter of this name, and where it begins in the query.
pub(crate) fn query_value<'r>(query: Option<&'r str>, wanted: &str) -> Option<(usize, &'r str)> {
    let mut at = 0;
    for pair in query?.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let same = if is_escaped_query(name) {
            decode_query(name).is_ok_and(|name| name == wanted)
        } else {
            name == wanted
        };
        if same && !pair.is_empty() {
            return Some((at + (name.len() + 1).min(pair.len()), value));
        }
        at += pair.len() + 1;
    }
    None
}

/// True for what may stand in a label that a variable catches or writes. Anything else (`/`, `@`, `:`, a space) would end or split the host.
pub(crate) fn is_host_text(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Hosts are compared in lower case, and their variables are caught in it.
pub(crate) fn lower_host(host: &str) -> Cow<'_, str> {
    if host.bytes().any(|b| b.is_ascii_uppercase()) {
        host.to_ascii_lowercase().into()
    } else {
        host.into()
    }
}

fn check_host(labels: &[Piece], host: &str, slots: &mut Slots) -> bool {
    let host = lower_host(host);
    let first = slots.len();
    let mut given = host.split('.');
    let mut at = 0;
    for label in labels {
        let Some(text) = given.next() else {
            return false;
        };
        if !label.pattern.find(text, at, slots) {
            return false;
        }
        at += text.len() + 1;
    }
    let is_label = |caught| match caught {
        Some(Caught::Raw(range)) => is_host_text(&host[range]),
        _ => false,
    };
    if given.next().is_some() || !(first..slots.len()).all(|i| is_label(slots.get(i))) {
        return false;
    }
    if let Cow::Owned(host) = host {
        slots.keep_decoded(first..slots.len(), &host);
    }
    true
}

/// Matches text that had to be decoded, and keeps it if variables refer to it.
fn find_decoded(pattern: &Pattern, text: &str, slots: &mut Slots) -> bool {
    let first = slots.len();
    let found = pattern.find(text, 0, slots);
    if found {
        slots.keep_decoded(first..slots.len(), text);
    }
    found
}
