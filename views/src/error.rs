//! Faults found at build, and errors of a render.

use std::fmt;

/// Where in which file something was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Place {
    /// Path of the template or view table.
    pub file: String,
    /// Line, from 1; 0 when the fault has no line.
    pub line: usize,
    /// Column, from 1; 0 when the fault has no line.
    pub column: usize,
}

/// One mistake in a view table or template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Fault {
    /// Where it is.
    pub place: Place,
    /// What is wrong.
    pub message: String,
}

/// All mistakes that a build or a reload found, sorted by file and line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub(crate) Vec<Fault>);

impl Faults {
    /// Iterates over the mistakes.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }
}

/// An error of a render.
#[derive(Debug, Clone)]
pub struct Error {
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    UnknownView(String),
    UnknownFragment {
        view: String,
        fragment: String,
    },
    Data(String),
    Reload(Faults),
    Render {
        message: String,
        chain: Vec<Place>,
        excerpt: String,
    },
}

impl Error {
    /// Returns true when there is no view of that name.
    pub fn is_unknown_view(&self) -> bool {
        matches!(self.kind, Kind::UnknownView(_))
    }

    /// Returns true when the view has no block and no component of that name.
    pub fn is_unknown_fragment(&self) -> bool {
        matches!(self.kind, Kind::UnknownFragment { .. })
    }

    /// Returns the mistakes that keep changed files from being used, when that is the error.
    pub fn reload_faults(&self) -> Option<&Faults> {
        match &self.kind {
            Kind::Reload(faults) => Some(faults),
            _ => None,
        }
    }

    /// Returns where the error came up, innermost template first, then those that included or called it.
    pub fn chain(&self) -> &[Place] {
        match &self.kind {
            Kind::Render { chain, .. } => chain,
            _ => &[],
        }
    }

    /// Returns the line of the template with a mark under the spot, for a development page.
    pub fn excerpt(&self) -> Option<&str> {
        match &self.kind {
            Kind::Render { excerpt, .. } => Some(excerpt),
            _ => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}:{}", self.file, self.column),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Fault::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::UnknownView(view) => write!(f, "there is no view `{view}`"),
            Kind::UnknownFragment { view, fragment } => {
                write!(
                    f,
                    "view `{view}` has no block and no component `{fragment}`"
                )
            }
            Kind::Data(message) => f.write_str(message),
            Kind::Reload(faults) => write!(f, "the changed views have faults:\n{faults}"),
            Kind::Render { message, chain, .. } => {
                for (index, place) in chain.iter().enumerate() {
                    write!(f, "{}{place}", if index == 0 { "" } else { ", from " })?;
                }
                write!(f, ": {message}")
            }
        }
    }
}

impl std::error::Error for Faults {}
impl std::error::Error for Error {}
