//! Replay, then live.

use std::fmt;
use std::sync::Arc;

use super::handle::Core;
use super::{Cursor, Page, Sequence, StreamMessage};
use crate::fanout::Listener;
use crate::stats::Counted;
use crate::{Error, Filter};

/// How many messages are read at a time while a follower catches up.
const PAGE: usize = 256;

/// Where a follower begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowFrom {
    /// With the first message after the call.
    New,
    /// With the first message that is kept.
    Start,
    /// With the first message above this one; [`Sequence::NONE`] is the start.
    ///
    /// [`Error::is_too_old`] when what came after it may have been trimmed, or when it is not a
    /// sequence of this stream. What went for [`max_per_subject`] from the midst of the stream, was
    /// purged or was deleted is no reason: it is passed over.
    ///
    /// [`max_per_subject`]: crate::StreamConfig::max_per_subject
    After(Sequence),
    /// With the last so many that the filter matches, up to 10,000.
    Last(usize),
}

/// What a follower yields.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FollowEvent {
    /// A message. All followers share it.
    Message(Arc<StreamMessage>),
    /// What was there when the follower began has been yielded; what comes now is live.
    CaughtUp,
}

/// A follower of a stream. Dropped, it is forgotten.
///
/// Sequences only rise; none is yielded twice, and none that is kept is left out. There is exactly
/// one [`FollowEvent::CaughtUp`], whatever it began with. A follower that falls too far behind is
/// ended with [`Error::is_lagged`]: at more than 1,024 messages or 4 MiB of payloads that it has
/// not read, so that it neither slows others nor grows. A new one after
/// [`position`](Self::position) goes on without gap or repeat. Before it has caught up it is never
/// too slow, unless what it has yet to read is trimmed ([`Error::is_too_old`]).
pub struct Follow {
    filter: Filter,
    /// What was read and was not yielded yet.
    read: std::vec::IntoIter<StreamMessage>,
    phase: Phase,
    position: Sequence,
    /// Gone while there is much to read, and at the end.
    listener: Option<Listener<StreamMessage>>,
    /// Keeps the upstream alive, also when no handle of the stream is left.
    core: Arc<Core>,
    _counted: Counted,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// There is more to read from the store.
    Reading,
    /// All was read that there was up to this message; the mark is due.
    Read(Sequence),
    Live,
    Ended,
}

impl Follow {
    /// Opens a follower: joins, and reads the first page.
    pub(super) async fn open(
        core: Arc<Core>,
        filter: Filter,
        from: FollowFrom,
    ) -> Result<Self, Error> {
        core.hub.start().await?;
        let counted = core.followers.enter();
        // Joined before the first read: what is published in between is heard, and what is in both
        // is told apart by its sequence.
        let listener = Some(core.hub.join(filter.clone())?);
        let mut follow = Self {
            filter,
            read: Vec::new().into_iter(),
            phase: Phase::Reading,
            position: Sequence::NONE,
            listener,
            core,
            _counted: counted,
        };
        match from {
            FollowFrom::Start => follow.read_on().await?,
            FollowFrom::After(after) => {
                follow.position = after;
                follow.read_on().await?;
            }
            FollowFrom::New => {
                let last = follow.core.backend.info().await?.last;
                follow.position = last;
                follow.phase = Phase::Read(last);
            }
            FollowFrom::Last(most) => {
                let page = follow
                    .core
                    .read_page(&follow.filter, Cursor::End, most)
                    .await?;
                let before = |message: &StreamMessage| Sequence(message.sequence.0 - 1);
                follow.position = page.messages.first().map_or(page.last, before);
                follow.phase = Phase::Read(page.last);
                follow.read = page.messages.into_iter();
            }
        }
        Ok(follow)
    }

    /// Waits for the next event; `None` after an error, which is the last that a follower yields.
    ///
    /// # Errors
    /// [`Error::is_lagged`]: resume after [`position`](Self::position). [`Error::is_too_old`]: what
    /// it had yet to read was trimmed, start whole. [`Error::is_not_found`]: the stream was
    /// deleted. [`Error::is_closed`]. While it catches up, any error of a read: resume.
    ///
    /// # Cancel safety
    /// Cancel safe: an event is taken in the same poll that returns it.
    pub async fn next(&mut self) -> Option<Result<FollowEvent, Error>> {
        loop {
            if let Some(message) = self.read.next() {
                self.position = message.sequence;
                return Some(Ok(FollowEvent::Message(Arc::new(message))));
            }
            match self.phase {
                Phase::Reading => {
                    if let Err(error) = self.read_on().await {
                        return Some(Err(self.end(error)));
                    }
                }
                Phase::Read(last) => {
                    self.phase = Phase::Live;
                    self.read = Vec::new().into_iter();
                    self.position = self.position.max(last);
                    return Some(Ok(FollowEvent::CaughtUp));
                }
                Phase::Live => match self.listener.as_mut()?.next().await {
                    // It was read already.
                    Ok(message) if message.sequence <= self.position => {}
                    Ok(message) => {
                        self.position = message.sequence;
                        return Some(Ok(FollowEvent::Message(message)));
                    }
                    Err(error) => return Some(Err(self.end(error))),
                },
                Phase::Ended => return None,
            }
        }
    }

    /// Reads the next page.
    async fn read_on(&mut self) -> Result<(), Error> {
        loop {
            let cursor = Cursor::After(self.position);
            let page = self.core.read_page(&self.filter, cursor, PAGE).await?;
            let Page {
                messages,
                has_more,
                first: _,
                last,
            } = page;
            if has_more {
                // Nothing is heard while there is much to read, lest it pile up.
                self.listener = None;
            } else if self.listener.is_some() {
                self.phase = Phase::Read(last);
            } else {
                // Read once more for what came between the read and now.
                self.listener = Some(self.core.hub.join(self.filter.clone())?);
                if messages.is_empty() {
                    continue;
                }
            }
            self.read = messages.into_iter();
            return Ok(());
        }
    }

    fn end(&mut self, error: Error) -> Error {
        self.phase = Phase::Ended;
        self.listener = None;
        error
    }

    /// Returns the sequence to resume after: everything that the filter matches up to it has been
    /// yielded.
    pub fn position(&self) -> Sequence {
        self.position
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow")
            .field("filter", &self.filter)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
