//! Mistakes in view tables and templates, and where they are.

use std::collections::BTreeSet;
use std::fmt;

use tera::ErrorKind;

use crate::library::Library;

/// A spot in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Place {
    /// Path of the template, relative to its source, or name of the view table.
    pub file: String,
    /// Line, from 1. 0 where only the file is known.
    pub line: usize,
    /// Column in characters, from 1. 0 where only the file is known.
    pub column: usize,
}

/// One mistake in a view table or template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Fault {
    /// Where it is.
    pub place: Place,
    /// What is wrong, for the author of the file.
    pub message: String,
}

/// All mistakes that a build or a reload found, sorted by file and line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    faults: Vec<Fault>,
}

impl Faults {
    pub(crate) fn new(faults: BTreeSet<Fault>) -> Self {
        Self {
            faults: faults.into_iter().collect(),
        }
    }

    /// Iterates over the mistakes. There is at least one.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.faults.iter()
    }
}

impl Fault {
    pub(crate) fn at(file: &str, line: usize, column: usize, message: impl ToString) -> Self {
        Self {
            place: Place {
                file: file.to_owned(),
                line,
                column,
            },
            message: message.to_string(),
        }
    }

    pub(crate) fn in_file(file: &str, message: impl ToString) -> Self {
        Self::at(file, 0, 0, message)
    }

    pub(crate) fn in_view(table: &str, view: &str, message: impl fmt::Display) -> Self {
        Self::in_file(table, format!("view `{view}`: {message}"))
    }

    /// Takes apart what the engine says about a set of templates, of which it reports several mistakes in one text.
    pub(crate) fn of_engine(error: &tera::Error, view: &str, library: &Library) -> Vec<Self> {
        if let ErrorKind::SyntaxError(report) = error.kind() {
            let span = report.span();
            let place = library.place(report.filename(), span.start_line, span.start_col + 1);
            return vec![Self {
                place,
                message: report.message().to_owned(),
            }];
        }
        let text = error.to_string();
        let mut faults = Vec::new();
        let mut message = None;
        for line in text.lines() {
            if let Some(error) = line.strip_prefix("error: ") {
                message = Some(error);
            } else if let Some(place) = line
                .trim_start()
                .strip_prefix("--> ")
                .and_then(|at| Place::parse(at, library))
            {
                faults.extend(message.take().map(|message| Self {
                    place,
                    message: message.to_owned(),
                }));
            }
        }
        if faults.is_empty() {
            faults.push(Self::in_file(view, text));
        }
        faults
    }
}

impl Place {
    /// Reads the `name:line:column` of an engine message.
    pub(crate) fn parse(text: &str, library: &Library) -> Option<Self> {
        let mut pieces = text.rsplitn(3, ':');
        let column = pieces.next()?.parse().ok()?;
        let line = pieces.next()?.parse().ok()?;
        Some(library.place(pieces.next()?, line, column))
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

/// One line for each mistake.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            write!(f, "{}{fault}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl std::error::Error for Faults {}
