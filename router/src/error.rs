//! What is wrong with a tree when it is built.

use std::error::Error;
use std::fmt;

/// Everything that is wrong with a tree: [`Tree::build`](crate::Tree::build) reports all faults at once.
#[derive(Debug)]
pub struct BuildErrors(pub(crate) Vec<Fault>);

impl BuildErrors {
    /// The faults, at least one, in the sequence of the routes.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }
}

impl fmt::Display for BuildErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            write!(f, "{}{fault}", if i > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

impl Error for BuildErrors {}

/// One fault of one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub(crate) route: String,
    pub(crate) kind: FaultKind,
}

impl Fault {
    /// The route, as [`RouteRef::title`](crate::RouteRef::title) calls it.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.route
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &FaultKind {
        &self.kind
    }
}

/// What is wrong with a route.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// A template does not parse.
    Template {
        /// The matcher that the template was given to: `path`, `prefix`, `host`, `header x-name` or `query name`.
        matcher: String,
        /// The template.
        template: String,
        /// Where, counted in characters from 1.
        column: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The name has an empty part, or white space or control characters.
    Name,
    /// Another route has the same full name.
    DuplicateName,
    /// The header name is none.
    HeaderName(String),
    /// The same variable is caught twice on the way to this route.
    DuplicateVariable(String),
    /// Two handlers for one method; `None` for `any`.
    DuplicateHandler(Option<http::Method>),
    /// A path goes on below a route whose path ends in `{*…}`.
    BelowRest,
    /// The path has more than [`MAX_SEGMENTS`](crate::MAX_SEGMENTS) segments.
    TooDeep,
    /// A handler can never run, because an earlier route takes every request that it could handle.
    Unreachable {
        /// The methods that the handler is for, as they are listed in `Allow`; `any` stands for all others.
        methods: String,
        /// The pattern of this route.
        pattern: String,
        /// The full name of the earlier route.
        by: String,
        /// The pattern of the earlier route.
        by_pattern: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "route `{}`: ", self.route)?;
        match &self.kind {
            FaultKind::Template {
                matcher,
                template,
                column,
                reason,
            } => {
                write!(
                    f,
                    "bad template of {matcher}, column {column}: {reason}\n    {template}\n    {:>column$}",
                    "^"
                )
            }
            FaultKind::Name => write!(
                f,
                "a name is one or more words with dots between them, without white space"
            ),
            FaultKind::DuplicateName => write!(f, "another route has the same name"),
            FaultKind::HeaderName(name) => write!(f, "`{name}` is not the name of a header"),
            FaultKind::DuplicateVariable(name) => {
                write!(f, "the variable `{name}` is caught twice")
            }
            FaultKind::DuplicateHandler(Some(method)) => write!(f, "{method} has two handlers"),
            FaultKind::DuplicateHandler(None) => write!(f, "`any` has two handlers"),
            FaultKind::BelowRest => write!(
                f,
                "nothing can follow `{{*…}}`, which a route above ends in"
            ),
            FaultKind::TooDeep => {
                write!(f, "the path has more than {} segments", crate::MAX_SEGMENTS)
            }
            FaultKind::Unreachable {
                methods,
                pattern,
                by,
                by_pattern,
            } => {
                write!(
                    f,
                    "{methods} {pattern} can never be reached: `{by}` ({by_pattern}) comes first and takes it all"
                )
            }
        }
    }
}
