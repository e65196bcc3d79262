//! What went wrong beneath the store.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::Error;

/// A failure of a file. One failed batch fails many callers, so it can be cloned, which [`Error`]
/// cannot.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    kind: Kind,
    path: PathBuf,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

#[derive(Clone, Debug)]
enum Kind {
    Full,
    ReadOnly,
    Locked,
    Damaged(String),
    /// Anything else that a file operation came back with.
    Failed(&'static str),
}

impl Fault {
    /// Sorts an error of the operating system by what an operator does about it.
    pub(super) fn io(doing: &'static str, path: &Path, error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Kind::Full,
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Kind::ReadOnly,
            _ => Kind::Failed(doing),
        };
        Self {
            kind,
            path: path.to_owned(),
            source: Some(Arc::new(error)),
        }
    }

    pub(super) fn locked(path: &Path) -> Self {
        Self {
            kind: Kind::Locked,
            path: path.to_owned(),
            source: None,
        }
    }

    pub(super) fn damaged(path: &Path, detail: impl Into<String>) -> Self {
        Self {
            kind: Kind::Damaged(detail.into()),
            path: path.to_owned(),
            source: None,
        }
    }

    pub(super) fn failed(
        doing: &'static str,
        path: &Path,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self {
            kind: Kind::Failed(doing),
            path: path.to_owned(),
            source: Some(Arc::new(source)),
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let Fault { kind, path, source } = fault;
        let error = match kind {
            Kind::Full => Self::full(path),
            Kind::ReadOnly => Self::read_only(path),
            Kind::Locked => Self::locked(path),
            Kind::Damaged(detail) => Self::damaged(path, detail),
            Kind::Failed(doing) => Self::unavailable(format!("{doing} {} failed", path.display())),
        };
        match source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Error::from(self.clone()).fmt(f)
    }
}
