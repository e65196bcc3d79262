//! The queue of mail, in a stream.
//!
//! A queued mail is a message on [`QUEUED`], settled by one durable consumer that all workers share. When it is sent it is acknowledged and then deleted,
//! because mail holds secrets; should the process end between the two, it lies there unread until it is too old. What can't be sent is stored on
//! [`FAILED`] before it is taken off the queue, so that it is never in neither place.

mod record;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use tracing::debug;

use super::Mailer;
use super::letter::Letter;
use crate::Error;
use crate::stream::{Publish, Sequence, Stream, StreamConfig, Streams};

const STREAM: &str = "mail";
const QUEUED: &str = "mail.queued";
const FAILED: &str = "mail.failed";
const REASON: &str = "Reason";
const ATTEMPTS: &str = "Attempts";
/// How long a mail lies, queued or failed.
const AGE: Duration = Duration::from_secs(30 * 24 * 3600);

/// A mail that was put aside.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FailedMail {
    /// The mail.
    pub letter: Letter,
    /// Why its last try failed.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u64,
    sequence: Sequence,
}

/// How queued mail is tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retries {
    pub(super) attempts: u32,
    pub(super) deadline: Duration,
    pub(super) first: Duration,
    pub(super) longest: Duration,
    pub(super) concurrency: usize,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 30,
            // Servers take their time over the end of a mail, and whoever gives up then sends it twice.
            deadline: Duration::from_secs(120),
            first: Duration::from_secs(5),
            longest: Duration::from_secs(3600),
            concurrency: 4,
        }
    }
}

impl Retries {
    /// The wait after try number `attempt`, counted from 1.
    fn after(&self, attempt: u64) -> Duration {
        let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.longest)
    }
}

/// The queue. A clone is a handle on the same.
#[derive(Clone)]
pub(super) struct Outbox {
    streams: Streams,
    stream: Arc<OnceCell<Stream>>,
}

impl Outbox {
    pub(super) fn new(streams: Streams) -> Self {
        Self {
            streams,
            stream: Arc::default(),
        }
    }

    /// The stream is opened when it is first needed: a driver that never mails has none.
    async fn stream(&self) -> Result<&Stream, Error> {
        let config = StreamConfig::new(STREAM)
            .subjects([QUEUED, FAILED])
            .max_age(AGE);
        self.stream
            .get_or_try_init(|| self.streams.ensure(config))
            .await
    }

    pub(super) async fn push(&self, letter: &Letter) -> Result<(), Error> {
        let message = Publish::new(QUEUED, record::encode(letter)?).id(letter.random());
        self.stream().await?.publish(message).await?;
        Ok(())
    }

    pub(super) async fn work(
        &self,
        mailer: &Mailer,
        stop: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        worker::run(self, mailer, stop).await
    }

    pub(super) async fn failed(&self, most: usize) -> Result<Vec<FailedMail>, Error> {
        let page = self.stream().await?.replay(FAILED, most).await?;
        let mut found = Vec::with_capacity(page.messages.len());
        for message in page.messages {
            match record::decode(&message.payload) {
                Ok(letter) => found.push(FailedMail {
                    letter,
                    reason: message.header(REASON).unwrap_or_default().to_owned(),
                    attempts: message
                        .header(ATTEMPTS)
                        .and_then(|attempts| attempts.parse().ok())
                        .unwrap_or_default(),
                    sequence: message.sequence,
                }),
                Err(error) => {
                    debug!(%error, sequence = %message.sequence, "a failed mail can't be read")
                }
            }
        }
        Ok(found)
    }

    pub(super) async fn requeue(&self, failed: &FailedMail) -> Result<(), Error> {
        let stream = self.stream().await?;
        // An id of its own: that of the first time may still be remembered.
        let id = format!("{} {}", failed.letter.random(), failed.sequence);
        let message = Publish::new(QUEUED, record::encode(&failed.letter)?).id(id);
        stream.publish(message).await?;
        stream.delete_message(failed.sequence).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let retries = Retries::default();
        let seconds: Vec<_> = [1, 2, 3, 10, 11, 29, 1000]
            .map(|attempt| retries.after(attempt).as_secs())
            .into();
        assert_eq!(seconds, [5, 10, 20, 2560, 3600, 3600, 3600]);
    }

    #[test]
    fn all_tries_take_about_a_day() {
        let retries = Retries::default();
        let all: Duration = (1..u64::from(retries.attempts))
            .map(|attempt| retries.after(attempt))
            .sum();
        assert_eq!(all.as_secs() / 3600, 20);
    }
}
