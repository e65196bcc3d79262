//! Listening, and what is heard.

use std::fmt;

use bytes::Bytes;

use super::PubSub;
use super::backend::{Delivery, SubscriptionBackend};
use crate::Error;
use crate::stats::Counted;

/// A subscription. Dropped, it ends.
pub struct Subscription {
    backend: Box<dyn SubscriptionBackend>,
    pubsub: PubSub,
    _counted: Counted,
}

impl Subscription {
    pub(super) fn new(
        backend: Box<dyn SubscriptionBackend>,
        pubsub: PubSub,
        counted: Counted,
    ) -> Self {
        Self {
            backend,
            pubsub,
            _counted: counted,
        }
    }

    /// Waits for the next message; `None` when the driver was closed.
    ///
    /// # Errors
    /// [`Error::is_lagged`] when messages were dropped because this subscriber was too slow. It
    /// stands where they are missing; the subscription goes on with those that came later.
    ///
    /// # Cancel safety
    /// Cancel safe: a message is taken in the same poll that returns it.
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        let delivery = self.backend.next().await?;
        Some(delivery.map(
            |Delivery {
                 subject,
                 payload,
                 reply,
             }| { Message::new(subject, payload, reply, self.pubsub.clone()) },
        ))
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

/// A message.
#[derive(Clone)]
pub struct Message {
    /// What it was published to.
    pub subject: String,
    /// What it carries. A clone shares the bytes.
    pub payload: Bytes,
    reply: Option<String>,
    pubsub: PubSub,
}

impl Message {
    pub(super) fn new(
        subject: String,
        payload: Bytes,
        reply: Option<String>,
        pubsub: PubSub,
    ) -> Self {
        Self {
            subject,
            payload,
            reply,
            pubsub,
        }
    }

    /// Returns true when the sender waits for an answer.
    pub fn wants_reply(&self) -> bool {
        self.reply.is_some()
    }

    /// Answers the request that this message is. The first answer counts; one that comes too late
    /// goes nowhere.
    ///
    /// # Errors
    /// [`Error::is_invalid`] when nobody asked; as [`PubSub::publish`].
    pub async fn respond(&self, payload: impl Into<Bytes>) -> Result<(), Error> {
        match &self.reply {
            Some(reply) => self.pubsub.publish_bytes(reply, payload.into()).await,
            None => Err(Error::invalid(
                "answer",
                format!("the message on {:?} asks for none", self.subject),
            )),
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("subject", &self.subject)
            .field("payload", &self.payload)
            .field("reply", &self.reply)
            .finish_non_exhaustive()
    }
}
