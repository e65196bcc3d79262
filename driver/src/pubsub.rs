//! Messages that are heard by whoever listens at the moment.

mod backend;
mod local;
mod subscription;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub use self::backend::{Delivery, PubSubBackend, SubscriptionBackend};
pub use self::local::LocalPubSub;
pub use self::subscription::{Message, Subscription};
use crate::deadline::within;
use crate::kv::MAX_VALUE_BYTES;
use crate::stats::Gauge;
use crate::{Error, subject};

/// Publish and subscribe, at most once: a message reaches those who listen when it is published. A
/// clone is a handle on the same.
///
/// Messages of one publisher to one subscription keep their order.
///
/// # Cancel safety
/// All operations are cancel safe.
#[derive(Clone)]
pub struct PubSub {
    backend: Arc<dyn PubSubBackend>,
    deadline: Duration,
    subscriptions: Gauge,
}

/// The largest message, in bytes; as for values.
const MAX_MESSAGE_BYTES: usize = MAX_VALUE_BYTES;

impl PubSub {
    /// Puts checks and deadlines on top of `backend`.
    pub fn new(backend: impl PubSubBackend, deadline: Duration) -> Self {
        Self {
            backend: Arc::new(backend),
            deadline,
            subscriptions: Gauge::default(),
        }
    }

    /// Publishes a message to all who listen on `subject` now. Nobody listening is no error.
    ///
    /// # Errors
    /// [`Error::is_invalid`] for a malformed subject, [`Error::is_too_large`] above about 1 MiB,
    /// [`Error::is_unavailable`].
    pub async fn publish(&self, subject: &str, payload: impl Into<Bytes>) -> Result<(), Error> {
        self.publish_bytes(subject, payload.into()).await
    }

    async fn publish_bytes(&self, subject: &str, payload: Bytes) -> Result<(), Error> {
        check_message(subject, &payload)?;
        within(
            "publishing",
            self.deadline,
            self.backend.publish(subject, payload),
        )
        .await
    }

    /// Listens on all subjects that `subject` matches, in which `*` stands for one token and `>`
    /// for all that follow. What is published after this returns is heard.
    ///
    /// # Errors
    /// [`Error::is_invalid`] for a malformed subject, [`Error::is_unavailable`].
    pub async fn subscribe(&self, subject: &str) -> Result<Subscription, Error> {
        self.listen(subject, None).await
    }

    /// Listens as one of `group`: each message reaches exactly one member of it.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    pub async fn queue_subscribe(&self, subject: &str, group: &str) -> Result<Subscription, Error> {
        subject::check(group)?;
        self.listen(subject, Some(group)).await
    }

    async fn listen(&self, subject: &str, group: Option<&str>) -> Result<Subscription, Error> {
        let pattern = subject::pattern(subject)?;
        let backend = within(
            "subscribing",
            self.deadline,
            self.backend.subscribe(&pattern, group),
        )
        .await?;
        Ok(Subscription::new(
            backend,
            self.clone(),
            self.subscriptions.enter(),
        ))
    }

    /// Publishes a request and waits up to `limit` for the first answer.
    ///
    /// # Errors
    /// [`Error::is_no_responders`] at once when nobody listens; [`Error::is_timeout`]; as
    /// [`publish`](Self::publish).
    pub async fn request(
        &self,
        subject: &str,
        payload: impl Into<Bytes>,
        limit: Duration,
    ) -> Result<Message, Error> {
        let payload = payload.into();
        check_message(subject, &payload)?;
        let (subject, payload) =
            within("a request", limit, self.backend.request(subject, payload)).await?;
        Ok(Message::new(subject, payload, None, self.clone()))
    }

    /// Ends all subscriptions. A second call does nothing.
    ///
    /// # Errors
    /// What kept the backend from closing cleanly.
    pub async fn close(&self) -> Result<(), Error> {
        self.backend.close().await
    }

    /// Returns Ok when messages can be expected to pass.
    ///
    /// # Errors
    /// What keeps them from it.
    pub async fn ready(&self) -> Result<(), Error> {
        within("asking the broker", self.deadline, self.backend.ready()).await
    }

    /// Returns how many subscriptions are open.
    pub fn subscriptions(&self) -> usize {
        self.subscriptions.count()
    }
}

fn check_message(subject: &str, payload: &Bytes) -> Result<(), Error> {
    subject::check(subject)?;
    if payload.len() > MAX_MESSAGE_BYTES {
        return Err(Error::too_large(
            "message",
            MAX_MESSAGE_BYTES,
            payload.len(),
        ));
    }
    Ok(())
}

impl fmt::Debug for PubSub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PubSub")
            .field("subscriptions", &self.subscriptions())
            .finish_non_exhaustive()
    }
}
