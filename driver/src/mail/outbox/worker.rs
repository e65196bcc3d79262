//! Sends what is queued.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::select;
use tokio::time::{interval, sleep};
use tracing::{debug, error, info, warn};

use super::super::log::Addresses;
use super::{ATTEMPTS, FAILED, Letter, Mailer, Outbox, QUEUED, REASON, record};
use crate::Error;
use crate::stream::{Consumer, ConsumerConfig, Delivery, Publish, Stream};

const CONSUMER: &str = "mailer";
/// How long a try is taken to be under way after its worker was last heard of.
const ACK_WAIT: Duration = Duration::from_secs(30);
/// How often a worker is heard of.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long a store that is away is left alone.
const AWAY: Duration = Duration::from_secs(1);
/// How much of a reason is kept, of the 2 KiB that the headers of a message may have.
const MAX_REASON_BYTES: usize = 1500;

pub(super) async fn run(
    outbox: &Outbox,
    mailer: &Mailer,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let mut stop = pin!(stop);
    let (stream, consumer) = loop {
        let opened = select! {
            biased;
            () = &mut stop => return Ok(()),
            opened = open(outbox) => opened,
        };
        match opened {
            Ok(opened) => break opened,
            Err(error) if error.is_retryable() => {
                debug!(%error, "the queue of mail can't be reached");
                select! {
                    () = &mut stop => return Ok(()),
                    () = sleep(AWAY) => {}
                }
            }
            Err(error) => return Err(error),
        }
    };
    let mut under_way = FuturesUnordered::new();
    // Kept over turns, and polled only where there is room: what it takes is sent at once.
    let mut next = pin!(consumer.next());
    loop {
        select! {
            biased;
            () = &mut stop => break,
            Some(()) = under_way.next(), if !under_way.is_empty() => {}
            delivery = &mut next, if under_way.len() < mailer.settings.retries.concurrency => {
                under_way.push(attempt(mailer, stream, delivery?));
                next.set(consumer.next());
            }
        }
    }
    while under_way.next().await.is_some() {}
    Ok(())
}

async fn open(outbox: &Outbox) -> Result<(&Stream, Consumer), Error> {
    let stream = outbox.stream().await?;
    let config = ConsumerConfig::durable(CONSUMER)
        .filter(QUEUED)
        .ack_wait(ACK_WAIT)
        // Mails that wait for their next try are pending too; they must not keep others from their first.
        .max_pending(100_000);
    Ok((stream, stream.consumer(config).await?))
}

/// One try of one mail, from the queue to what became of it.
async fn attempt(mailer: &Mailer, stream: &Stream, delivery: Delivery) {
    let settled = match record::decode(&delivery.message.payload) {
        Ok(letter) => match deliver(mailer, &letter, &delivery).await {
            Ok(()) => {
                info!(
                    id = letter.id(),
                    attempt = delivery.attempt,
                    "a mail was sent"
                );
                finish(stream, &delivery, delivery.ack().await).await
            }
            Err(error) => fail(mailer, stream, &delivery, &letter, &error).await,
        },
        Err(error) => {
            error!(sequence = %delivery.message.sequence, error = reason(&error), "a queued mail can't be read and is put aside");
            bury(stream, &delivery, &error).await
        }
    };
    if let Err(error) = settled {
        let sequence = delivery.message.sequence;
        warn!(%error, %sequence, "the store was not told what became of a mail: it may be tried again");
    }
}

/// Tries, and tells the store meanwhile that somebody does.
async fn deliver(mailer: &Mailer, letter: &Letter, delivery: &Delivery) -> Result<(), Error> {
    let mut delivering = pin!(mailer.deliver(letter, mailer.settings.retries.deadline));
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.tick().await;
    loop {
        select! {
            result = &mut delivering => return result,
            _ = heartbeat.tick() => {
                if let Err(error) = delivery.in_progress().await {
                    debug!(id = letter.id(), %error, "the store does not hear that a mail is under way");
                }
            }
        }
    }
}

async fn fail(
    mailer: &Mailer,
    stream: &Stream,
    delivery: &Delivery,
    letter: &Letter,
    error: &Error,
) -> Result<(), Error> {
    let retries = &mailer.settings.retries;
    let (id, to) = (letter.id(), Addresses(letter));
    let attempt = delivery.attempt;
    // What the transport calls malformed does not get better either.
    let is_final = error.is_refused() || error.is_invalid() || error.is_too_large();
    if is_final || attempt >= u64::from(retries.attempts) {
        error!(id, %to, attempt, error = reason(error), "a mail can't be sent and is put aside");
        return bury(stream, delivery, error).await;
    }
    let wait = retries.after(attempt);
    warn!(id, %to, attempt, again_in = ?wait, error = reason(error), "a mail was not sent");
    delivery.nak(wait).await
}

/// Puts a mail aside, there first and then off the queue.
async fn bury(stream: &Stream, delivery: &Delivery, error: &Error) -> Result<(), Error> {
    let message = &delivery.message;
    let failed = Publish::new(FAILED, message.payload.clone())
        // Of the message, not of the mail: one that was queued again may fail again.
        .id(format!("failed {} {}", stream.epoch(), message.sequence))
        .header(ATTEMPTS, delivery.attempt.to_string())
        .header(REASON, reason(error));
    if let Err(error) = stream.publish(failed).await {
        // It stays in the queue, and its next try comes to the same end.
        delivery.nak(AWAY).await?;
        return Err(error);
    }
    finish(stream, delivery, delivery.term().await).await
}

/// Deletes a mail that the queue is done with.
async fn finish(
    stream: &Stream,
    delivery: &Delivery,
    settled: Result<(), Error>,
) -> Result<(), Error> {
    settled?;
    if let Err(error) = stream.delete_message(delivery.message.sequence).await {
        debug!(%error, "a mail stays in the stream until it is too old");
    }
    Ok(())
}

/// An error with its causes, in one line that fits into a header.
fn reason(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    let mut line: String = text
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    line.truncate(line.floor_char_boundary(MAX_REASON_BYTES));
    line.trim().to_owned()
}
