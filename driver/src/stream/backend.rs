//! What a backend of streams must do.
//!
//! As with buckets the seam is narrow: deadlines, checks, handles, local followers, lag and resume
//! stand above it, once for all backends.

use std::sync::Arc;

use super::{ConsumerConfig, Publish, PublishAck, Sequence, Settle, StreamConfig, StreamMessage};
use crate::boxed::BoxFuture;
use crate::fanout::Upstream;
use crate::{Error, Filter};

/// A store of streams.
///
/// Every future may be dropped at any point; what it was to change has then changed whole or not at
/// all, but for [`StreamBackend::purge`] and [`delete`](Self::delete), which may have removed a
/// part.
pub trait StreamsBackend: Send + Sync + 'static {
    /// Makes the stream that `config` names, or gives the existing one these settings and trims it
    /// to them. The settings are in range. Repeats do no harm.
    ///
    /// Fails with [`Error::is_invalid`] when another stream takes one of the subjects.
    fn ensure(&self, config: StreamConfig) -> BoxFuture<'_, Result<Arc<dyn StreamBackend>, Error>>;

    /// Returns the names of all streams, in any order; none of those beneath buckets.
    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, Error>>;

    /// Deletes a stream with all that is in it. Returns false when there is none of that name.
    fn delete<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool, Error>>;

    /// Returns Ok when reads and writes can be expected to succeed.
    fn ready(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Writes what is left to write, lets go of files and connections, and makes all later calls
    /// fail with [`Error::closed`]. Repeats do nothing.
    fn close(&self) -> BoxFuture<'_, Result<(), Error>>;
}

/// One stream of a backend.
///
/// Calls on a stream that was deleted fail with [`Error::is_not_found`].
pub trait StreamBackend: Send + Sync + 'static {
    /// Returns the id that was made with the stream and is never given to another.
    fn epoch(&self) -> &str;

    /// Stores a message, which is well formed and on a subject of the stream, and returns its
    /// sequence once it is durable. Later reads see it.
    ///
    /// An id that is known from within the window is a duplicate, whatever was expected. Then fails
    /// with [`Error::moved`] when what was expected does not hold, and changes nothing.
    fn publish(&self, message: Publish) -> BoxFuture<'_, Result<PublishAck, Error>>;

    /// Returns the last message of one subject that is kept.
    fn last<'a>(&'a self, subject: &'a str) -> BoxFuture<'a, Result<Option<StreamMessage>, Error>>;

    /// Returns messages that `filter` matches, oldest first: those next to `cursor` in its
    /// direction, `most` at most; fewer when more would be much to hold, but one at least if there
    /// is one. Does not read all that lies beyond.
    fn read<'a>(
        &'a self,
        filter: &'a Filter,
        cursor: Cursor,
        most: usize,
    ) -> BoxFuture<'a, Result<Page, Error>>;

    /// Returns how the stream stands.
    fn info(&self) -> BoxFuture<'_, Result<StreamInfo, Error>>;

    /// Removes the messages that `filter` matches, up to the last one now; returns how many.
    fn purge<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<u64, Error>>;

    /// Removes one message. Returns false when it was not there.
    fn delete(&self, sequence: Sequence) -> BoxFuture<'_, Result<bool, Error>>;

    /// Follows all messages of the stream after `after`. Called once per stream and process, and
    /// again after a failure.
    ///
    /// Fails with [`Error::is_too_old`] when messages after `after` have been trimmed.
    fn follow(
        &self,
        after: Sequence,
    ) -> BoxFuture<'_, Result<Box<dyn Upstream<StreamMessage>>, Error>>;

    /// Makes the consumer that `config` names, or gives the existing one these settings. Where an
    /// existing one stands it stays.
    fn consumer(
        &self,
        config: ConsumerConfig,
    ) -> BoxFuture<'_, Result<Arc<dyn ConsumerBackend>, Error>>;

    /// Deletes a consumer. Returns false when there is none of that name.
    fn delete_consumer<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool, Error>>;
}

/// A consumer of a backend.
pub trait ConsumerBackend: Send + Sync + 'static {
    /// Waits for the next message that is due, and returns it with a hold on it. Any number of
    /// calls may be under way, in any number of processes: each message goes to one of them. The
    /// caller comes again after a failure that may pass.
    ///
    /// Cancel safe: a message that was handed to a dropped call is delivered again when its time to
    /// acknowledge has passed, or sooner.
    fn next(&self) -> BoxFuture<'_, Result<Held, Error>>;
}

/// A delivered message and what it takes to settle it.
pub struct Held {
    /// The message.
    pub message: StreamMessage,
    /// How many times it was delivered, this time included.
    pub attempt: u64,
    /// Settles this delivery.
    pub hold: Box<dyn HoldBackend>,
}

/// Settles one delivery.
pub trait HoldBackend: Send + Sync + 'static {
    /// Tells the store what came of it; durable when it returns. Repeats do no harm, and neither
    /// does one that comes when the message is with somebody else or settled.
    fn settle(&self, settle: Settle) -> BoxFuture<'_, Result<(), Error>>;
}

/// Where a read begins, and which way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// Forward, from the first message above this one.
    After(Sequence),
    /// Backward, from the last message below this one.
    Before(Sequence),
    /// Backward, from the last message.
    End,
}

/// A stretch of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The messages, oldest first.
    pub messages: Vec<StreamMessage>,
    /// Whether there are more in the direction of the read.
    pub has_more: bool,
    /// The first message that the stream keeps, whatever its subject, not before the read began to
    /// look; one above [`last`](Self::last) when it keeps none.
    pub first: Sequence,
    /// A message up to which the read saw all that there was: no less than any that a follower or a
    /// publisher of this process had got when the read began.
    pub last: Sequence,
}

/// How a stream stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamInfo {
    /// How many messages are kept.
    pub messages: u64,
    /// What they take, in bytes, as [`StreamConfig::max_bytes`] counts them.
    pub bytes: u64,
    /// The first message that is kept; one above the last when there is none.
    pub first: Sequence,
    /// The last message that was stored, kept or not.
    pub last: Sequence,
}

impl StreamInfo {
    /// Makes one, for a backend.
    pub fn new(messages: u64, bytes: u64, first: Sequence, last: Sequence) -> Self {
        Self {
            messages,
            bytes,
            first,
            last,
        }
    }
}
