//! A handle on one stream.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::backend::{Cursor, Page, StreamBackend, StreamInfo};
use super::{
    Consumer, ConsumerConfig, Follow, FollowFrom, Publish, PublishAck, Sequence, StreamConfig,
    StreamMessage,
};
use crate::boxed::BoxFuture;
use crate::deadline::within;
use crate::fanout::{Hub, Source, Upstream};
use crate::stats::Gauge;
use crate::{Error, Filter, subject};

/// Most messages that one read returns.
pub const MAX_READ: usize = 10_000;

/// A stream: messages on subjects, numbered in the order in which they were stored, kept until a
/// limit trims them. A clone is a handle on the same stream.
///
/// Every operation fails with [`Error::is_timeout`] after the driver's deadline, with
/// [`Error::is_unavailable`] or [`Error::is_full`] while the store cannot serve it, with
/// [`Error::is_closed`] after the driver was closed, and with [`Error::is_not_found`] after the
/// stream was deleted; these are not repeated below. Filters are subjects in which `*` stands for
/// one token and `>` for all that follow; a malformed one is [`Error::is_invalid`].
///
/// # Cancel safety
/// All operations are cancel safe: a dropped write has been made whole or not at all. A publish
/// with an id may be repeated to learn which.
#[derive(Clone)]
pub struct Stream {
    core: Arc<Core>,
}

/// What all handles and followers of one stream share.
pub(super) struct Core {
    name: String,
    pub(super) backend: Arc<dyn StreamBackend>,
    deadline: Duration,
    subjects: RwLock<Vec<Filter>>,
    pub(super) followers: Gauge,
    pub(super) hub: Hub<StreamMessage>,
}

impl Core {
    pub(super) fn new(
        name: String,
        backend: Arc<dyn StreamBackend>,
        deadline: Duration,
        followers: Gauge,
    ) -> Self {
        let hub = Hub::new(name.clone(), Arc::new(Messages(backend.clone())));
        Self {
            name,
            backend,
            deadline,
            subjects: RwLock::default(),
            followers,
            hub,
        }
    }

    pub(super) fn epoch(&self) -> &str {
        self.backend.epoch()
    }

    /// Takes over the settings that the handles check for themselves.
    pub(super) fn configure(&self, config: &StreamConfig) -> Result<(), Error> {
        let subjects = config.subject_patterns().iter();
        let subjects = subjects
            .map(|pattern| subject::pattern(pattern))
            .collect::<Result<_, _>>()?;
        *self
            .subjects
            .write()
            .unwrap_or_else(PoisonError::into_inner) = subjects;
        Ok(())
    }

    fn check_subject(&self, subject: &str) -> Result<(), Error> {
        let subjects = self.subjects.read().unwrap_or_else(PoisonError::into_inner);
        if subjects.iter().any(|pattern| pattern.matches(subject)) {
            return Ok(());
        }
        let detail = format!("the stream {:?} does not take {subject:?}", self.name);
        Err(Error::invalid("subject", detail))
    }

    pub(super) fn close(&self) {
        self.hub.close();
    }

    /// Reads a page, no larger than allowed, and sees to it that a forward one has no hole before
    /// it.
    pub(super) async fn read_page(
        &self,
        filter: &Filter,
        cursor: Cursor,
        most: usize,
    ) -> Result<Page, Error> {
        if !(1..=MAX_READ).contains(&most) {
            let detail = format!("{most} messages are not 1 to {MAX_READ}");
            return Err(Error::invalid("size of a read", detail));
        }
        let read = self.backend.read(filter, cursor, most);
        let page = within("reading a stream", self.deadline, read).await?;
        if let Cursor::After(after) = cursor {
            check_resume(after, page.first, page.last)?;
        }
        Ok(page)
    }
}

/// Refuses to go on after a message when what came next may be gone.
pub(crate) fn check_resume(after: Sequence, first: Sequence, last: Sequence) -> Result<(), Error> {
    if after > last {
        let detail = format!("sequence {after} is not of this stream, which is at {last}");
        return Err(Error::too_old(detail));
    }
    if after != Sequence::NONE && after.0 + 1 < first.0 {
        let detail = format!("after sequence {after}, messages before {first} are gone");
        return Err(Error::too_old(detail));
    }
    Ok(())
}

/// A stream as a hub follows it.
struct Messages(Arc<dyn StreamBackend>);

impl Source<StreamMessage> for Messages {
    fn head(&self) -> BoxFuture<'_, Result<u64, Error>> {
        Box::pin(async { Ok(self.0.info().await?.last.0) })
    }

    fn follow(&self, after: u64) -> BoxFuture<'_, Result<Box<dyn Upstream<StreamMessage>>, Error>> {
        self.0.follow(Sequence(after))
    }
}

impl Stream {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Returns the stream's name.
    pub fn name(&self) -> &str {
        &self.core.name
    }

    /// Returns the id that was made with the stream. Sequences of another epoch mean nothing here.
    pub fn epoch(&self) -> &str {
        self.core.epoch()
    }

    /// Returns how the stream stands.
    pub async fn info(&self) -> Result<StreamInfo, Error> {
        let info = self.core.backend.info();
        within("asking about a stream", self.core.deadline, info).await
    }
}

/// Writing.
impl Stream {
    /// Stores a message and returns its sequence once it is durable.
    ///
    /// # Errors
    /// [`Error::is_invalid`] for a subject that the stream does not take, or a malformed id or
    /// header; [`Error::is_too_large`]; [`Error::is_conflict`] when what was expected does not
    /// hold, with the sequence that stands there in [`Error::actual_sequence`].
    pub async fn publish(&self, message: Publish) -> Result<PublishAck, Error> {
        message.check()?;
        self.core.check_subject(message.subject())?;
        let publish = self.core.backend.publish(message);
        within("publishing to a stream", self.core.deadline, publish).await
    }

    /// Removes the messages that `filter` matches and that are there when it is called, and returns
    /// how many. Sequences go on from where they are.
    ///
    /// # Cancel safety
    /// A dropped call may have removed a part.
    pub async fn purge(&self, filter: &str) -> Result<u64, Error> {
        let filter = subject::pattern(filter)?;
        let purge = self.core.backend.purge(&filter);
        within("purging a stream", self.core.deadline, purge).await
    }

    /// Removes one message; false when it was not there. Followers that have it are not told.
    pub async fn delete_message(&self, sequence: Sequence) -> Result<bool, Error> {
        let delete = self.core.backend.delete(sequence);
        within("deleting a message", self.core.deadline, delete).await
    }
}

/// Reading.
impl Stream {
    /// Returns the last message on one subject that is kept.
    ///
    /// # Errors
    /// [`Error::is_invalid`] for a malformed subject, or one with a wildcard.
    pub async fn last(&self, subject: &str) -> Result<Option<StreamMessage>, Error> {
        subject::check(subject)?;
        let last = self.core.backend.last(subject);
        within("reading a message", self.core.deadline, last).await
    }

    /// Returns the last `most` messages that `filter` matches, oldest first. What is older is not
    /// read.
    ///
    /// # Errors
    /// [`Error::is_invalid`] unless `most` is 1 to [`MAX_READ`].
    pub async fn replay(&self, filter: &str, most: usize) -> Result<Page, Error> {
        self.read(filter, Cursor::End, most).await
    }

    /// Returns the first `most` messages above `after` that `filter` matches, oldest first; after
    /// [`Sequence::NONE`], the first of all. A page ends sooner when it holds many bytes (some 8
    /// MiB); [`Page::has_more`] tells.
    ///
    /// # Errors
    /// [`Error::is_too_old`] when what came after `after` may have been trimmed, or it is not a
    /// sequence of this stream; [`Error::is_invalid`] unless `most` is 1 to [`MAX_READ`].
    pub async fn read_after(
        &self,
        filter: &str,
        after: Sequence,
        most: usize,
    ) -> Result<Page, Error> {
        self.read(filter, Cursor::After(after), most).await
    }

    /// Returns the last `most` messages below `before` that `filter` matches, oldest first. A page
    /// begins later when it holds many bytes; [`Page::has_more`] tells.
    ///
    /// # Errors
    /// [`Error::is_invalid`] unless `most` is 1 to [`MAX_READ`].
    pub async fn read_before(
        &self,
        filter: &str,
        before: Sequence,
        most: usize,
    ) -> Result<Page, Error> {
        self.read(filter, Cursor::Before(before), most).await
    }

    async fn read(&self, filter: &str, cursor: Cursor, most: usize) -> Result<Page, Error> {
        let filter = subject::pattern(filter)?;
        self.core.read_page(&filter, cursor, most).await
    }

    /// Follows the messages that `filter` matches: those that are there, from where `from` says,
    /// then one mark, then every later one, without gap or repeat.
    ///
    /// All followers of a stream in this process share one upstream. A follower of one subject
    /// costs a few hundred bytes and is not woken by messages on others.
    ///
    /// # Errors
    /// [`Error::is_too_old`] for a sequence that cannot be resumed after.
    pub async fn follow(&self, filter: &str, from: FollowFrom) -> Result<Follow, Error> {
        let filter = subject::pattern(filter)?;
        let open = Follow::open(self.core.clone(), filter, from);
        within("starting to follow", self.core.deadline, open).await
    }
}

/// Consumers.
impl Stream {
    /// Makes the consumer that `config` names, which begins with the first message that is kept, or
    /// gives the existing one these settings. Where an existing one stands it stays.
    ///
    /// # Errors
    /// [`Error::is_invalid`] for a name or setting outside its range, or another filter than it was
    /// made with.
    pub async fn consumer(&self, config: ConsumerConfig) -> Result<Consumer, Error> {
        config.check()?;
        let name = config.name().to_owned();
        let open = self.core.backend.consumer(config);
        let backend = within("opening a consumer", self.core.deadline, open).await?;
        Ok(Consumer::new(backend, &name, self.core.deadline))
    }

    /// Deletes a consumer; false when there is none of that name. Its messages stay in the stream.
    pub async fn delete_consumer(&self, name: &str) -> Result<bool, Error> {
        super::config::check_name("consumer name", name)?;
        let delete = self.core.backend.delete_consumer(name);
        within("deleting a consumer", self.core.deadline, delete).await
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("name", &self.core.name)
            .field("epoch", &self.epoch())
            .finish_non_exhaustive()
    }
}
