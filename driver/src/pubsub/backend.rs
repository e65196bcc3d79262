//! What a backend of publish and subscribe must do.

use bytes::Bytes;

use crate::boxed::BoxFuture;
use crate::{Error, Filter};

/// Carries messages. Subjects are well formed and payloads within the limit; every future may be
/// dropped at any point.
pub trait PubSubBackend: Send + Sync + 'static {
    /// Hands a message to everyone whose subscription matches `subject` now, and to one member of
    /// each queue group. Does not wait for slow ones.
    fn publish<'a>(&'a self, subject: &'a str, payload: Bytes) -> BoxFuture<'a, Result<(), Error>>;

    /// Begins to listen; once it returns, whatever is published is heard. With a group, each
    /// message goes to exactly one of the subscriptions of that group which match it.
    fn subscribe<'a>(
        &'a self,
        pattern: &'a Filter,
        group: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Box<dyn SubscriptionBackend>, Error>>;

    /// Publishes with a reply subject of its own and returns the subject and payload of the first
    /// answer. Fails with [`Error::is_no_responders`] when nobody listens. The caller sets the
    /// deadline.
    fn request<'a>(
        &'a self,
        subject: &'a str,
        payload: Bytes,
    ) -> BoxFuture<'a, Result<(String, Bytes), Error>>;

    /// Returns Ok when messages can be expected to pass.
    fn ready(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Ends all subscriptions; later calls fail with [`Error::closed`]. Repeats do nothing.
    fn close(&self) -> BoxFuture<'_, Result<(), Error>>;
}

/// One subscription of a backend; dropped, it ends.
pub trait SubscriptionBackend: Send {
    /// Waits for the next message: subject, payload, reply subject. `None` when the backend was
    /// closed.
    ///
    /// Bounded: a subscriber that is too slow loses the oldest messages and gets
    /// [`Error::is_lagged`] in their place, then what is left. Cancel safe: a message is taken in
    /// the same poll that returns it.
    fn next(&mut self) -> BoxFuture<'_, Option<Result<Delivery, Error>>>;
}

/// A message as a backend delivers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What it was published to.
    pub subject: String,
    /// What it carries.
    pub payload: Bytes,
    /// Where an answer goes.
    pub reply: Option<String>,
}
