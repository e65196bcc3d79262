//! Hearing of changes.

use std::fmt;
use std::sync::Arc;

use super::backend::Snapshot;
use super::bucket::Core;
use super::{Entry, Revision};
use crate::Error;
use crate::fanout::Listener;
use crate::stats::Counted;

/// Where a watch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchFrom {
    /// With the living values as they stand, by rising revision; then exactly one
    /// [`WatchEvent::CaughtUp`], also when there is no value; then every later change.
    Current,
    /// With the first change after the call. No [`WatchEvent::CaughtUp`].
    New,
    /// After this revision: all that is kept of what was written since, markers included, by rising
    /// revision; then exactly one [`WatchEvent::CaughtUp`]; then every later change. Of a key that
    /// changed often at least the latest entry is kept.
    ///
    /// [`Error::is_too_old`] when markers have gone since, or when it is not a revision of this
    /// bucket.
    Revision(Revision),
}

/// What a watch yields.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WatchEvent {
    /// A value, or the marker of a delete, purge or expiry. All watchers share it.
    Entry(Arc<Entry>),
    /// What was there when the watch began has been yielded.
    CaughtUp,
}

/// A watch on a bucket. Dropped, it is forgotten.
///
/// Revisions only rise; none is yielded twice. A watcher that falls too far behind is ended with
/// [`Error::is_lagged`]: at more than 1,024 changes or 4 MiB of values that it has not read, so
/// that it neither slows others nor grows. A new watch from [`position`](Self::position) goes on
/// without gap or repeat.
pub struct Watch {
    /// What was there at the start and was not yielded yet.
    start: std::vec::IntoIter<Entry>,
    /// The revision at which the start stood; what is heard up to it was in the start.
    start_revision: Revision,
    caught_up: CaughtUp,
    position: Revision,
    /// Taken at the end.
    listener: Option<Listener<Entry>>,
    /// Keeps the upstream alive, also when no handle of the bucket is left.
    _core: Arc<Core>,
    _counted: Counted,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum CaughtUp {
    Due,
    Done,
}

impl Watch {
    pub(super) fn new(
        listener: Listener<Entry>,
        start: Snapshot,
        from: WatchFrom,
        core: Arc<Core>,
        counted: Counted,
    ) -> Self {
        let (caught_up, position) = match from {
            WatchFrom::Current => (CaughtUp::Due, Revision::NONE),
            WatchFrom::Revision(after) => (CaughtUp::Due, after),
            WatchFrom::New => (CaughtUp::Done, start.revision),
        };
        Self {
            start: start.entries.into_iter(),
            start_revision: start.revision,
            caught_up,
            position,
            listener: Some(listener),
            _core: core,
            _counted: counted,
        }
    }

    /// Waits for the next event; `None` after an error, which is the last that a watch yields.
    ///
    /// # Errors
    /// [`Error::is_lagged`]: resume from [`position`](Self::position). [`Error::is_too_old`]: the
    /// store cannot go on without a gap, start whole. [`Error::is_closed`].
    ///
    /// # Cancel safety
    /// Cancel safe: an event is taken in the same poll that returns it.
    pub async fn next(&mut self) -> Option<Result<WatchEvent, Error>> {
        if let Some(entry) = self.start.next() {
            self.position = entry.revision;
            return Some(Ok(WatchEvent::Entry(Arc::new(entry))));
        }
        if self.caught_up == CaughtUp::Due {
            self.caught_up = CaughtUp::Done;
            self.start = Vec::new().into_iter();
            self.position = self.position.max(self.start_revision);
            return Some(Ok(WatchEvent::CaughtUp));
        }
        let listener = self.listener.as_mut()?;
        loop {
            match listener.next().await {
                Ok(entry) if entry.revision <= self.start_revision => {}
                Ok(entry) => {
                    self.position = entry.revision;
                    return Some(Ok(WatchEvent::Entry(entry)));
                }
                Err(error) => {
                    self.listener = None;
                    return Some(Err(error));
                }
            }
        }
    }

    /// Returns the revision to resume from: everything that the filter matches up to it has been
    /// yielded.
    pub fn position(&self) -> Revision {
        self.position
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("filter", &self.listener.as_ref().map(Listener::filter))
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
