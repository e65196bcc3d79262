//! Errors of a render.

use std::fmt;

use tera::ErrorKind;

use crate::fault::{Faults, Place};
use crate::library::Library;

/// A view or fragment that could not be rendered.
///
/// The text is for developers and logs: it names files and variables, and must not reach a client in production.
#[derive(Debug, Clone)]
pub struct Error {
    kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    UnknownView {
        view: String,
    },
    UnknownFragment {
        view: String,
        fragment: String,
    },
    Data {
        view: String,
        message: String,
    },
    Reload {
        faults: Faults,
    },
    Render {
        view: String,
        message: String,
        chain: Vec<Place>,
        excerpt: Option<String>,
    },
}

impl Error {
    /// Returns true when there is no view of that name.
    pub fn is_unknown_view(&self) -> bool {
        matches!(self.kind, Kind::UnknownView { .. })
    }

    /// Returns true when the view has no block and no component of that name.
    pub fn is_unknown_fragment(&self) -> bool {
        matches!(self.kind, Kind::UnknownFragment { .. })
    }

    /// Returns the mistakes that keep changed files from being used, if they are what is wrong.
    pub fn reload_faults(&self) -> Option<&Faults> {
        match &self.kind {
            Kind::Reload { faults } => Some(faults),
            _ => None,
        }
    }

    /// Returns where a template failed: the spot itself first, then what included or called it, outwards.
    pub fn chain(&self) -> &[Place] {
        match &self.kind {
            Kind::Render { chain, .. } => chain,
            _ => &[],
        }
    }

    /// Returns the line of the template that failed, with a mark under the spot: for a development page.
    pub fn excerpt(&self) -> Option<&str> {
        match &self.kind {
            Kind::Render { excerpt, .. } => excerpt.as_deref(),
            _ => None,
        }
    }

    pub(crate) fn of_engine(error: &tera::Error, view: &str, library: &Library) -> Self {
        let mut chain = Vec::new();
        let mut message = error.to_string();
        if let ErrorKind::RenderingError(report) = error.kind() {
            let span = report.span();
            chain.push(library.place(report.filename(), span.start_line, span.start_col + 1));
            let callers = message
                .lines()
                .filter_map(|line| line.strip_prefix("note: called from "));
            chain.extend(callers.filter_map(|at| Place::parse(at, library)));
            // The templates that stand for parts are ours: nobody could open them.
            chain.retain(|place| library.templates.contains_key(&place.file));
            message = report.message().to_owned();
        }
        let excerpt = chain.first().and_then(|place| library.excerpt(place));
        Kind::Render {
            view: view.to_owned(),
            message,
            chain,
            excerpt,
        }
        .into()
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self { kind }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::UnknownView { view } => write!(f, "there is no view `{view}`"),
            Kind::UnknownFragment { view, fragment } => {
                write!(
                    f,
                    "view `{view}` has no block and no component `{fragment}`"
                )
            }
            Kind::Data { view, message } => write!(f, "view `{view}`: {message}"),
            Kind::Reload { faults } => write!(f, "the changed views have faults:\n{faults}"),
            Kind::Render {
                view,
                message,
                chain,
                ..
            } => {
                write!(f, "view `{view}`: ")?;
                for (index, place) in chain.iter().enumerate() {
                    write!(
                        f,
                        "{}{place}",
                        if index == 0 { "" } else { ", called from " }
                    )?;
                }
                write!(f, "{}{message}", if chain.is_empty() { "" } else { ": " })
            }
        }
    }
}

impl std::error::Error for Error {}
