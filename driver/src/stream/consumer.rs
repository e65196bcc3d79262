//! Work that is handed out, and acknowledged.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::backend::{ConsumerBackend, Held, HoldBackend};
use super::{StreamMessage, config};
use crate::deadline::within;
use crate::{Error, subject};

/// How long a failed consumer waits before it asks again, the first time and at most.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const MAX_BACKOFF: Duration = Duration::from_secs(2);

/// The settings of a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerConfig {
    name: String,
    filter: String,
    ack_wait: Duration,
    max_deliveries: Option<u32>,
    max_pending: u32,
}

impl ConsumerConfig {
    /// Begins the settings of the consumer `name`, which lasts until it is deleted: 1 to 64 of
    /// `A-Z a-z 0-9 - _`.
    pub fn durable(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            filter: ">".into(),
            ack_wait: Duration::from_secs(30),
            max_deliveries: None,
            max_pending: 1000,
        }
    }

    /// Sets which subjects it gets, in which `*` stands for one token and `>` for all that follow.
    /// It cannot be changed later. Default: all of the stream.
    #[must_use]
    pub fn filter(mut self, subject: impl Into<String>) -> Self {
        self.filter = subject.into();
        self
    }

    /// Sets how long a delivery may go unacknowledged before the message is delivered again; 100 ms
    /// at least. Default: 30 s.
    #[must_use]
    pub fn ack_wait(mut self, wait: Duration) -> Self {
        self.ack_wait = wait;
        self
    }

    /// Sets how often a message is delivered; after that it is given up and stays in the stream.
    /// Default: any number of times.
    #[must_use]
    pub fn max_deliveries(mut self, deliveries: impl Into<Option<u32>>) -> Self {
        self.max_deliveries = deliveries.into();
        self
    }

    /// Sets how many messages may be out and not acknowledged; no more are delivered meanwhile.
    /// Default: 1,000.
    #[must_use]
    pub fn max_pending(mut self, messages: u32) -> Self {
        self.max_pending = messages;
        self
    }

    /// Returns the consumer's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the pattern of the subjects that it gets.
    pub fn filter_subject(&self) -> &str {
        &self.filter
    }

    /// Returns how long a delivery may go unacknowledged.
    pub fn ack_time(&self) -> Duration {
        self.ack_wait
    }

    /// Returns how often a message is delivered.
    pub fn delivery_limit(&self) -> Option<u32> {
        self.max_deliveries
    }

    /// Returns how many messages may be out.
    pub fn pending_limit(&self) -> u32 {
        self.max_pending
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        config::check_name("consumer name", &self.name)?;
        subject::pattern(&self.filter)?;
        if self.max_pending == 0 || self.max_deliveries == Some(0) {
            return Err(Error::invalid("consumer setting", "a limit of zero"));
        }
        if self.ack_wait < Duration::from_millis(100) {
            return Err(Error::invalid("consumer setting", "ack_wait below 100 ms"));
        }
        Ok(())
    }
}

/// What came of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    /// It is done.
    Ack,
    /// It failed: deliver the message again when this time has passed.
    Nak(Duration),
    /// It can never succeed: do not deliver the message again.
    Term,
    /// It takes longer: the time to acknowledge begins anew.
    InProgress,
}

/// A consumer: hands out the messages of a stream one by one, each until it is acknowledged.
///
/// Each message is delivered at least once, by and large in order, to one of all who call
/// [`next`](Self::next) on the consumer of this name, in any process. One that is not acknowledged
/// in time, because the process died or the work failed, is delivered again. A clone is a handle on
/// the same consumer.
#[derive(Clone)]
pub struct Consumer {
    backend: Arc<dyn ConsumerBackend>,
    name: Arc<str>,
    deadline: Duration,
}

impl Consumer {
    pub(super) fn new(backend: Arc<dyn ConsumerBackend>, name: &str, deadline: Duration) -> Self {
        Self {
            backend,
            name: name.into(),
            deadline,
        }
    }

    /// Returns the consumer's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits for the next message. While the store is away it waits too.
    ///
    /// # Errors
    /// [`Error::is_closed`]; [`Error::is_not_found`] when the consumer or its stream was deleted.
    ///
    /// # Cancel safety
    /// Cancel safe: a message that was on its way to a dropped call is delivered again when its
    /// time to acknowledge has passed. To wait for something else too, keep the future.
    pub async fn next(&self) -> Result<Delivery, Error> {
        let mut backoff = FIRST_BACKOFF;
        loop {
            match self.backend.next().await {
                Ok(Held {
                    message,
                    attempt,
                    hold,
                }) => {
                    return Ok(Delivery {
                        message,
                        attempt,
                        hold,
                        deadline: self.deadline,
                    });
                }
                Err(error) if error.is_retryable() => {
                    tracing::debug!(consumer = &*self.name, %error, "a consumer was interrupted");
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A message that was handed out. Dropped without a word it is delivered again when the time to
/// acknowledge has passed.
///
/// All four answers are durable when they return, and may be repeated.
///
/// # Cancel safety
/// All operations are cancel safe: a dropped answer was taken or not.
pub struct Delivery {
    /// The message.
    pub message: StreamMessage,
    /// How many times it was delivered, this time included.
    pub attempt: u64,
    hold: Box<dyn HoldBackend>,
    deadline: Duration,
}

impl Delivery {
    /// Says that the work is done: the message is not delivered again.
    ///
    /// # Errors
    /// [`Error::is_unavailable`], [`Error::is_timeout`], [`Error::is_full`]; the message may come
    /// again.
    pub async fn ack(&self) -> Result<(), Error> {
        self.settle(Settle::Ack).await
    }

    /// Says that the work failed: the message is delivered again when `delay` has passed.
    ///
    /// # Errors
    /// As [`ack`](Self::ack).
    pub async fn nak(&self, delay: Duration) -> Result<(), Error> {
        self.settle(Settle::Nak(delay)).await
    }

    /// Says that the work can never succeed: the message is not delivered again.
    ///
    /// # Errors
    /// As [`ack`](Self::ack).
    pub async fn term(&self) -> Result<(), Error> {
        self.settle(Settle::Term).await
    }

    /// Says that the work takes longer: the time to acknowledge begins anew.
    ///
    /// # Errors
    /// As [`ack`](Self::ack).
    pub async fn in_progress(&self) -> Result<(), Error> {
        self.settle(Settle::InProgress).await
    }

    async fn settle(&self, settle: Settle) -> Result<(), Error> {
        within(
            "settling a delivery",
            self.deadline,
            self.hold.settle(settle),
        )
        .await
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("message", &self.message)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}
