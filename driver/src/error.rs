//! The one error of this crate.

use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::kv::Revision;
use crate::stream::Sequence;

type Source = Box<dyn StdError + Send + Sync>;

/// Why an operation of the driver failed.
///
/// Opaque: ask the predicates for what a caller can act on. `Display` says what failed and, for the
/// operator, in which file; `source()` is the cause beneath, where there is one. A chain prints
/// each once.
///
/// An error is one pointer wide, so that a `Result` of a small value stays small.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    source: Option<Source>,
}

#[derive(Debug)]
enum Kind {
    Conflict {
        key: String,
        expected: Revision,
        actual: Revision,
    },
    Exists {
        key: String,
        actual: Revision,
    },
    Moved {
        what: String,
        expected: Sequence,
        actual: Sequence,
    },
    NotFound {
        what: String,
    },
    TooLarge {
        what: &'static str,
        limit: usize,
        size: usize,
    },
    Invalid {
        what: &'static str,
        detail: String,
    },
    Unsupported {
        detail: String,
    },
    Unavailable {
        detail: String,
    },
    Closed,
    Timeout {
        operation: &'static str,
        after: Duration,
    },
    Locked {
        path: PathBuf,
    },
    Damaged {
        path: PathBuf,
        detail: String,
    },
    ReadOnly {
        path: PathBuf,
    },
    Full {
        path: PathBuf,
    },
    Lagged {
        missed: u64,
    },
    TooOld {
        detail: String,
    },
    NoResponders {
        subject: String,
    },
    Refused {
        detail: String,
    },
    Status {
        detail: String,
        code: u16,
    },
}

/// Makers, for this crate's backends and for those that an application brings along.
impl Error {
    fn new(kind: Kind) -> Self {
        Self(Box::new(Inner { kind, source: None }))
    }

    /// The entry at `key` is at `actual` and not, as the caller said, at `expected`.
    pub fn conflict(key: impl Into<String>, expected: Revision, actual: Revision) -> Self {
        Self::new(Kind::Conflict {
            key: key.into(),
            expected,
            actual,
        })
    }

    /// A value lives at `key`, at revision `actual`, where none may be.
    pub fn exists(key: impl Into<String>, actual: Revision) -> Self {
        Self::new(Kind::Exists {
            key: key.into(),
            actual,
        })
    }

    /// The last message of `what` (a stream, a subject) is `actual` and not, as the caller said,
    /// `expected`.
    pub fn moved(what: impl Into<String>, expected: Sequence, actual: Sequence) -> Self {
        Self::new(Kind::Moved {
            what: what.into(),
            expected,
            actual,
        })
    }

    /// `what` (a stream, a consumer) is not there, or not any more.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(Kind::NotFound { what: what.into() })
    }

    /// `what` has `size` bytes, of which no more than `limit` are taken.
    pub fn too_large(what: &'static str, limit: usize, size: usize) -> Self {
        Self::new(Kind::TooLarge { what, limit, size })
    }

    /// `what` (a bucket name, a filter, a URL) is malformed in the way that `detail` tells.
    pub fn invalid(what: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Kind::Invalid {
            what,
            detail: detail.into(),
        })
    }

    /// This build or this backend cannot do what `detail` names.
    pub fn unsupported(detail: impl Into<String>) -> Self {
        Self::new(Kind::Unsupported {
            detail: detail.into(),
        })
    }

    /// The backend is away or refuses for now; the same call may succeed later.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable {
            detail: detail.into(),
        })
    }

    /// The driver was closed.
    pub fn closed() -> Self {
        Self::new(Kind::Closed)
    }

    /// `operation` did not end within `after`.
    pub fn timeout(operation: &'static str, after: Duration) -> Self {
        Self::new(Kind::Timeout { operation, after })
    }

    /// Another process holds the store at `path`.
    pub fn locked(path: impl AsRef<Path>) -> Self {
        Self::new(Kind::Locked {
            path: path.as_ref().to_owned(),
        })
    }

    /// The file at `path` is not what was once written there.
    pub fn damaged(path: impl AsRef<Path>, detail: impl Into<String>) -> Self {
        Self::new(Kind::Damaged {
            path: path.as_ref().to_owned(),
            detail: detail.into(),
        })
    }

    /// The file or directory at `path` may not be written by this process.
    pub fn read_only(path: impl AsRef<Path>) -> Self {
        Self::new(Kind::ReadOnly {
            path: path.as_ref().to_owned(),
        })
    }

    /// There is no space left for `path`.
    pub fn full(path: impl AsRef<Path>) -> Self {
        Self::new(Kind::Full {
            path: path.as_ref().to_owned(),
        })
    }

    /// The reader was too slow and `missed` events were dropped.
    pub fn lagged(missed: u64) -> Self {
        Self::new(Kind::Lagged { missed })
    }

    /// The revision to resume from cannot be honoured, for the reason in `detail`.
    pub fn too_old(detail: impl Into<String>) -> Self {
        Self::new(Kind::TooOld {
            detail: detail.into(),
        })
    }

    /// Nobody listens on `subject`.
    pub fn no_responders(subject: impl Into<String>) -> Self {
        Self::new(Kind::NoResponders {
            subject: subject.into(),
        })
    }

    /// What was asked for is refused, for the reason in `detail`: by a rule of ours, or by the other side for good.
    pub fn refused(detail: impl Into<String>) -> Self {
        Self::new(Kind::Refused {
            detail: detail.into(),
        })
    }

    /// The other side answered, but not with success: `detail` says what was asked of whom, `code` is the HTTP status.
    pub fn status(detail: impl Into<String>, code: u16) -> Self {
        Self::new(Kind::Status {
            detail: detail.into(),
            code,
        })
    }

    /// The same error with the cause beneath it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }
}

/// What a caller can act on.
impl Error {
    /// Returns true when the entry changed after it was read, or a stream or subject has another
    /// last message than was expected: read it again and retry.
    pub fn is_conflict(&self) -> bool {
        matches!(self.0.kind, Kind::Conflict { .. } | Kind::Moved { .. })
    }

    /// Returns true when a stream or consumer was deleted.
    pub fn is_not_found(&self) -> bool {
        matches!(self.0.kind, Kind::NotFound { .. })
    }

    /// Returns true when `create` found a living value.
    pub fn is_exists(&self) -> bool {
        matches!(self.0.kind, Kind::Exists { .. })
    }

    /// Returns the revision that the key is at, for [`is_conflict`](Self::is_conflict) and
    /// [`is_exists`](Self::is_exists). [`Revision::NONE`] is a key without any entry.
    pub fn actual(&self) -> Option<Revision> {
        match &self.0.kind {
            Kind::Conflict { actual, .. } | Kind::Exists { actual, .. } => Some(*actual),
            _ => None,
        }
    }

    /// Returns the last message of the stream or subject, for [`is_conflict`](Self::is_conflict) of
    /// a publish. [`Sequence::NONE`] is one without any.
    pub fn actual_sequence(&self) -> Option<Sequence> {
        match &self.0.kind {
            Kind::Moved { actual, .. } => Some(*actual),
            _ => None,
        }
    }

    /// Returns true when a key, value or message is above a limit, which `Display` names.
    pub fn is_too_large(&self) -> bool {
        matches!(self.0.kind, Kind::TooLarge { .. })
    }

    /// Returns true when an argument is malformed; the same call never succeeds.
    pub fn is_invalid(&self) -> bool {
        matches!(self.0.kind, Kind::Invalid { .. })
    }

    /// Returns true when this build or backend lacks what was asked for.
    pub fn is_unsupported(&self) -> bool {
        matches!(self.0.kind, Kind::Unsupported { .. })
    }

    /// Returns true when the backend is away or refuses for now: the same call may succeed later.
    pub fn is_unavailable(&self) -> bool {
        matches!(self.0.kind, Kind::Unavailable { .. })
    }

    /// Returns true when the driver was closed; nothing succeeds any more.
    pub fn is_closed(&self) -> bool {
        matches!(self.0.kind, Kind::Closed)
    }

    /// Returns true when the deadline passed. A write may have happened or not: read the entry to
    /// learn which.
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, Kind::Timeout { .. })
    }

    /// Returns true when another process, or another driver of this one, holds the store.
    pub fn is_locked(&self) -> bool {
        matches!(self.0.kind, Kind::Locked { .. })
    }

    /// Returns true when a file of the store is corrupt. It has been left as it was.
    pub fn is_damaged(&self) -> bool {
        matches!(self.0.kind, Kind::Damaged { .. })
    }

    /// Returns true when the store may not be written: permissions, or a file system mounted
    /// read-only.
    pub fn is_read_only(&self) -> bool {
        matches!(self.0.kind, Kind::ReadOnly { .. })
    }

    /// Returns true when the disk is full. Nothing acknowledged is lost, reads go on, and writes
    /// succeed again when there is space.
    pub fn is_full(&self) -> bool {
        matches!(self.0.kind, Kind::Full { .. })
    }

    /// Returns true when a reader was too slow. A watch resumes from
    /// [`Watch::position`](crate::Watch::position) and a follower after
    /// [`Follow::position`](crate::Follow::position) without a gap; a subscription goes on with
    /// what came later.
    pub fn is_lagged(&self) -> bool {
        matches!(self.0.kind, Kind::Lagged { .. })
    }

    /// Returns true when a watch cannot resume from the revision given, or a follower or page after
    /// the sequence given: start whole, with [`WatchFrom::Current`](crate::WatchFrom::Current) or
    /// [`FollowFrom::Start`](crate::FollowFrom::Start).
    pub fn is_too_old(&self) -> bool {
        matches!(self.0.kind, Kind::TooOld { .. })
    }

    /// Returns true when a request found nobody to answer it.
    pub fn is_no_responders(&self) -> bool {
        matches!(self.0.kind, Kind::NoResponders { .. })
    }

    /// Returns true when what was asked for is refused and the same call never succeeds: a guarded HTTP call to a private
    /// address, a mail that its server will not take.
    pub fn is_refused(&self) -> bool {
        matches!(self.0.kind, Kind::Refused { .. })
    }

    /// Returns the HTTP status of an answer that was to be a success and is none.
    pub fn status_code(&self) -> Option<u16> {
        match self.0.kind {
            Kind::Status { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Returns true when waiting and calling again may help: the store is away, full or late, or a server said so by 429,
    /// 502, 503 or 504.
    pub fn is_retryable(&self) -> bool {
        self.is_unavailable()
            || self.is_timeout()
            || self.is_full()
            || matches!(self.status_code(), Some(429 | 502 | 503 | 504))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            Kind::Conflict {
                key,
                expected,
                actual,
            } if *actual == Revision::NONE => {
                write!(
                    f,
                    "key {key:?} has no entry, where revision {expected} was expected"
                )
            }
            Kind::Conflict {
                key,
                expected,
                actual,
            } => {
                write!(
                    f,
                    "key {key:?} is at revision {actual}, where {expected} was expected"
                )
            }
            Kind::Exists { key, actual } => write!(f, "key {key:?} exists, at revision {actual}"),
            Kind::Moved {
                what,
                expected,
                actual,
            } => write!(
                f,
                "the last message of {what} is {actual}, where {expected} was expected"
            ),
            Kind::NotFound { what } => write!(f, "there is no {what}"),
            Kind::TooLarge { what, limit, size } => {
                write!(f, "{what} of {size} bytes is above the limit of {limit}")
            }
            Kind::Invalid { what, detail } => write!(f, "invalid {what}: {detail}"),
            Kind::Unsupported { detail } | Kind::Unavailable { detail } => f.write_str(detail),
            Kind::Closed => f.write_str("the driver is closed"),
            Kind::Timeout { operation, after } => {
                write!(f, "{operation} took longer than {after:?}")
            }
            Kind::Locked { path } => {
                write!(
                    f,
                    "the store at {} is held by another process",
                    path.display()
                )
            }
            Kind::Damaged { path, detail } => write!(f, "{} is damaged: {detail}", path.display()),
            Kind::ReadOnly { path } => write!(f, "{} cannot be written", path.display()),
            Kind::Full { path } => write!(f, "no space is left for {}", path.display()),
            Kind::Lagged { missed } => {
                write!(f, "the reader was too slow and missed {missed} events")
            }
            Kind::TooOld { detail } => write!(f, "cannot resume: {detail}"),
            Kind::NoResponders { subject } => write!(f, "nobody listens on {subject:?}"),
            Kind::Refused { detail } => f.write_str(detail),
            Kind::Status { detail, code } => write!(f, "{detail} was answered with {code}"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &self.0.kind);
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// Lets a function that takes `impl TryInto<Filter>` take a ready [`Filter`](crate::Filter) too.
impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
