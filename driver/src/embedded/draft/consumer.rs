//! What consumers do to rows.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Draft;
use crate::embedded::clock::Millis;
use crate::embedded::engine::Direction;
use crate::embedded::fault::Fault;
use crate::embedded::row::StreamId;
use crate::embedded::row::consumer::{self as row, ConsumerRow, Pending};
use crate::embedded::row::stream as message_rows;
use crate::embedded::store::Drafting;
use crate::embedded::stream::StreamState;
use crate::stream::{ConsumerConfig, Sequence, Settle, StreamMessage};
use crate::{Error, subject};

/// Rows are removed so many at a time.
const PAGE: usize = 1024;

/// What a consumer has for one who asks.
#[derive(Debug)]
pub(in crate::embedded) enum Handed {
    /// A message, delivered for this many times.
    Message(StreamMessage, u32),
    /// Nothing now; at this time something may be due that is out.
    Nothing(Option<Millis>),
}

impl Draft<'_> {
    /// Makes a consumer, or gives it other settings.
    pub(in crate::embedded) fn ensure_consumer(
        &mut self,
        stream: &Arc<StreamState>,
        config: &ConsumerConfig,
    ) -> Drafting<()> {
        if let Err(error) = stream.check() {
            return Ok(Err(error));
        }
        let mut consumer = ConsumerRow::new(config);
        if let Some(before) = self.consumer(stream.id, config.name())? {
            if before.filter != consumer.filter {
                let detail = format!(
                    "the consumer {:?} was made for {:?}",
                    config.name(),
                    before.filter
                );
                return Ok(Err(Error::invalid("filter of a consumer", detail)));
            }
            (consumer.delivered, consumer.pending) = (before.delivered, before.pending);
        }
        self.set_consumer(stream.id, config.name(), &consumer);
        Ok(Ok(()))
    }

    /// Removes a consumer. Returns false when there is none.
    pub(in crate::embedded) fn drop_consumer(
        &mut self,
        stream: &Arc<StreamState>,
        name: &str,
    ) -> Drafting<bool> {
        if let Err(error) = stream.check() {
            return Ok(Err(error));
        }
        let id = stream.id;
        if self.consumer(id, name)?.is_none() {
            return Ok(Ok(false));
        }
        self.remove(row::consumer_key(id, name));
        for mut range in [row::pending_rows(id, name), row::due_rows(id, name)] {
            loop {
                let page = self
                    .reader
                    .engine()
                    .page(&range, Direction::Forward, PAGE)?;
                let full = page.len() == PAGE;
                if let Some((last, _)) = page.last() {
                    range.from = crate::embedded::engine::Range::single(last.clone()).to;
                }
                for (key, _) in page {
                    self.remove(key);
                }
                if !full {
                    break;
                }
            }
        }
        Ok(Ok(true))
    }

    /// Hands out what is due: what was out too long, before what is new.
    pub(in crate::embedded) fn hand_out(
        &mut self,
        stream: &Arc<StreamState>,
        name: &str,
    ) -> Drafting<Handed> {
        if let Err(error) = stream.check() {
            return Ok(Err(error));
        }
        let id = stream.id;
        let Some(mut consumer) = self.consumer(id, name)? else {
            return Ok(Err(Error::not_found(format!("consumer {name:?}"))));
        };
        let next_due = loop {
            let Some((key, _)) = self.first_row(&row::due_rows(id, name))? else {
                break None;
            };
            let (due, sequence) = self.reader.sound(row::due_of(&key))?;
            if due > self.now.millis() {
                break Some(due);
            }
            if let Some(again) = self.hand_out_again(id, name, &mut consumer, due, sequence)? {
                return Ok(Ok(again));
            }
        };
        if consumer.pending >= u64::from(consumer.max_pending) {
            return Ok(Ok(Handed::Nothing(next_due)));
        }
        let filter = match subject::pattern(&consumer.filter) {
            Ok(filter) => filter,
            Err(error) => return Ok(Err(error)),
        };
        let Some(message) = self.reader.next_message(id, &filter, consumer.delivered)? else {
            return Ok(Ok(Handed::Nothing(next_due)));
        };
        consumer.delivered = message.sequence;
        consumer.pending += 1;
        self.put_out(id, name, &consumer, message.sequence, 1);
        self.set_consumer(id, name, &consumer);
        Ok(Ok(Handed::Message(message, 1)))
    }

    /// Hands out a message that was out too long, unless it is gone or was delivered often enough.
    fn hand_out_again(
        &mut self,
        id: StreamId,
        name: &str,
        consumer: &mut ConsumerRow,
        due: Millis,
        sequence: Sequence,
    ) -> Result<Option<Handed>, Fault> {
        let pending = self.pending(id, name, sequence)?;
        let attempt = pending.map_or(0, |pending| pending.attempt);
        let message = self.get(&message_rows::message_key(id, sequence))?;
        let Some(message) = message.filter(|_| attempt < consumer.max_deliveries) else {
            self.take_back(id, name, consumer, sequence, due);
            return Ok(None);
        };
        self.remove(row::due_key(id, name, due, sequence));
        self.put_out(id, name, consumer, sequence, attempt + 1);
        let message = message_rows::decode_message(sequence, &message);
        let message = self.reader.sound(message)?;
        Ok(Some(Handed::Message(message, attempt + 1)))
    }

    /// Settles a delivery.
    pub(in crate::embedded) fn settle_delivery(
        &mut self,
        stream: &Arc<StreamState>,
        name: &str,
        sequence: Sequence,
        attempt: u32,
        settle: Settle,
    ) -> Drafting<()> {
        if let Err(error) = stream.check() {
            return Ok(Err(error));
        }
        let id = stream.id;
        let Some(mut consumer) = self.consumer(id, name)? else {
            return Ok(Err(Error::not_found(format!("consumer {name:?}"))));
        };
        // It was settled before.
        let Some(pending) = self.pending(id, name, sequence)? else {
            return Ok(Ok(()));
        };
        let delay = match settle {
            Settle::Ack | Settle::Term => {
                self.take_back(id, name, &mut consumer, sequence, pending.due);
                return Ok(Ok(()));
            }
            Settle::Nak(delay) => delay,
            Settle::InProgress => consumer.ack_wait,
        };
        // What became of an earlier delivery does not touch the one that is under way.
        if pending.attempt == attempt {
            self.remove(row::due_key(id, name, pending.due, sequence));
            self.put_out_until(id, name, sequence, attempt, delay);
        }
        Ok(Ok(()))
    }

    fn put_out(
        &mut self,
        id: StreamId,
        name: &str,
        consumer: &ConsumerRow,
        sequence: Sequence,
        attempt: u32,
    ) {
        self.put_out_until(id, name, sequence, attempt, consumer.ack_wait);
    }

    fn put_out_until(
        &mut self,
        id: StreamId,
        name: &str,
        sequence: Sequence,
        attempt: u32,
        wait: Duration,
    ) {
        let due = self.now.plus(wait);
        let pending = Pending { due, attempt };
        self.set(row::pending_key(id, name, sequence), pending.encode());
        self.set(row::due_key(id, name, due, sequence), Bytes::new());
    }

    fn take_back(
        &mut self,
        id: StreamId,
        name: &str,
        consumer: &mut ConsumerRow,
        sequence: Sequence,
        due: Millis,
    ) {
        self.remove(row::pending_key(id, name, sequence));
        self.remove(row::due_key(id, name, due, sequence));
        consumer.pending = consumer.pending.saturating_sub(1);
        self.set_consumer(id, name, consumer);
    }

    fn consumer(&self, id: StreamId, name: &str) -> Result<Option<ConsumerRow>, Fault> {
        let row = self.get(&row::consumer_key(id, name))?;
        row.map(|row| self.reader.sound(ConsumerRow::decode(&row)))
            .transpose()
    }

    fn set_consumer(&mut self, id: StreamId, name: &str, consumer: &ConsumerRow) {
        self.set(row::consumer_key(id, name), consumer.encode());
    }

    fn pending(
        &self,
        id: StreamId,
        name: &str,
        sequence: Sequence,
    ) -> Result<Option<Pending>, Fault> {
        let row = self.get(&row::pending_key(id, name, sequence))?;
        row.map(|row| self.reader.sound(Pending::decode(&row)))
            .transpose()
    }
}
