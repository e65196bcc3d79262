//! Reading streams from rows.

use bytes::Bytes;

use super::Reader;
use crate::Filter;
use crate::embedded::clock::{Micros, Millis};
use crate::embedded::engine::{Direction, Go, Range};
use crate::embedded::fault::Fault;
use crate::embedded::row::stream::{self as row, End, Span, SubjectRow};
use crate::embedded::row::{StreamId, StreamRow, StreamSettings};
use crate::stream::{Cursor, Page, Sequence, StreamInfo, StreamMessage};

/// Where a page ends before it is full.
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// Messages are looked at so many at a time where most may not match.
const LOOK: usize = 64;

/// How many messages in a row may not match before the subjects are looked at instead.
const PATIENCE: usize = 4096;

/// Streams.
impl Reader {
    /// Returns all streams with their names.
    pub(in crate::embedded) fn streams(&self) -> Result<Vec<(String, StreamRow)>, Fault> {
        self.collect(&[row::streams()], |key, row| {
            Ok(Some((row::stream_name(key)?, StreamRow::decode(row)?)))
        })
    }

    pub(in crate::embedded) fn end_row(&self, row: Option<Bytes>) -> Result<End, Fault> {
        row.map_or(Ok(End::default()), |row| self.sound(End::decode(&row)))
    }

    fn end(&self, id: StreamId) -> Result<End, Fault> {
        self.end_row(self.engine.get(&row::end_key(id))?)
    }

    /// Returns up to `most` alarms that have gone off by `now`, earliest first.
    pub(in crate::embedded) fn due_alarms(
        &self,
        now: Millis,
        most: usize,
    ) -> Result<Vec<(Millis, StreamId)>, Fault> {
        let mut due = Vec::new();
        self.visit(&[row::alarms()], |key, _| {
            let alarm = row::alarm_of(key)?;
            if alarm.0 > now || due.len() == most {
                return Ok(Go::Stop);
            }
            due.push(alarm);
            Ok(Go::On)
        })?;
        Ok(due)
    }

    /// Returns when the first alarm goes off.
    pub(in crate::embedded) fn first_alarm(&self) -> Result<Option<Millis>, Fault> {
        let page = self.engine.page(&row::alarms(), Direction::Forward, 1)?;
        let first = page.first().map(|(key, _)| row::alarm_of(key));
        Ok(self.sound(first.transpose())?.map(|(at, _)| at))
    }

    /// Returns up to `most` subjects that have more than `limit` messages.
    pub(in crate::embedded) fn crowded_subjects(
        &self,
        id: StreamId,
        limit: u64,
        most: usize,
    ) -> Result<Vec<String>, Fault> {
        let mut crowded = Vec::new();
        self.visit(&[row::subjects(id, "")], |key, row| {
            if crowded.len() == most {
                return Ok(Go::Stop);
            }
            if SubjectRow::decode(row)?.messages > limit {
                crowded.push(row::subject_of(key)?.to_owned());
            }
            Ok(Go::On)
        })?;
        Ok(crowded)
    }

    pub(in crate::embedded) fn info(
        &self,
        id: StreamId,
        settings: &StreamSettings,
    ) -> Result<StreamInfo, Fault> {
        let end = self.end(id)?;
        let first = self.first(id, settings)?;
        Ok(StreamInfo::new(end.messages, end.bytes, first, end.last))
    }

    /// Returns the first message that is kept; one above the last when there is none.
    fn first(&self, id: StreamId, settings: &StreamSettings) -> Result<Sequence, Fault> {
        let end = self.end(id)?;
        let none = Sequence(end.last.0 + 1);
        let living = self.living(settings);
        let at = |from: u64| -> Result<Option<(Sequence, bool)>, Fault> {
            let range = row::messages(id, &Span::from(Sequence(from)));
            let page = self.engine.page(&range, Direction::Forward, 1)?;
            let Some((key, message)) = page.first() else {
                return Ok(None);
            };
            let (_, time) = self.sound(row::peek_message(message))?;
            Ok(Some((self.sound(row::sequence_of(key))?, living(time))))
        };
        match at(end.first.0)? {
            None => return Ok(none),
            Some((first, true)) => return Ok(first),
            Some((_, false)) => {}
        }
        // Some are too old, and their alarm is late. Time does not fall from message to message.
        let (mut old, mut young) = (end.first.0, none.0);
        while old < young {
            let middle = old + (young - old) / 2;
            match at(middle)? {
                Some((sequence, false)) => old = sequence.0 + 1,
                Some((_, true)) | None => young = middle,
            }
        }
        Ok(at(old)?.map_or(none, |(sequence, _)| sequence))
    }

    /// Says of a message whether it is young enough, though its alarm may be late.
    fn living(&self, settings: &StreamSettings) -> impl Fn(Micros) -> bool + use<> {
        let age = settings.max_age;
        let now = age.map(|_| self.clock.now().millis());
        move |time| match (age, now) {
            (Some(age), Some(now)) => time.plus(age) > now,
            _ => true,
        }
    }
}

/// Messages.
impl Reader {
    /// Returns the last message of one subject that is kept.
    pub(in crate::embedded) fn last(
        &self,
        id: StreamId,
        settings: &StreamSettings,
        subject: &str,
    ) -> Result<Option<StreamMessage>, Fault> {
        let Some(row) = self.engine.get(&row::subject_key(id, subject))? else {
            return Ok(None);
        };
        let sequence = self.sound(SubjectRow::decode(&row))?.last;
        self.message(id, settings, sequence)
    }

    fn message(
        &self,
        id: StreamId,
        settings: &StreamSettings,
        sequence: Sequence,
    ) -> Result<Option<StreamMessage>, Fault> {
        let Some(row) = self.engine.get(&row::message_key(id, sequence))? else {
            return Ok(None);
        };
        let (_, time) = self.sound(row::peek_message(&row))?;
        if !self.living(settings)(time) {
            return Ok(None);
        }
        Ok(Some(self.decode_message(sequence, &row)?))
    }

    pub(in crate::embedded) fn decode_message(
        &self,
        sequence: Sequence,
        row: &Bytes,
    ) -> Result<StreamMessage, Fault> {
        self.sound(row::decode_message(sequence, row))
    }

    /// Returns the first message after `after` that `filter` matches.
    pub(in crate::embedded) fn next_message(
        &self,
        id: StreamId,
        filter: &Filter,
        after: Sequence,
    ) -> Result<Option<StreamMessage>, Fault> {
        let found = self.find(id, filter, Cursor::After(after), 1, &|_| true)?;
        Ok(found.into_iter().next())
    }

    /// Reads a page.
    pub(in crate::embedded) fn read(
        &self,
        id: StreamId,
        settings: &StreamSettings,
        filter: &Filter,
        cursor: Cursor,
        most: usize,
    ) -> Result<Page, Fault> {
        // The last before, so that the page has all up to it; the first after, so that what was
        // trimmed meanwhile shows.
        let last = self.end(id)?.last;
        let living = self.living(settings);
        let mut messages = self.find(id, filter, cursor, most + 1, &living)?;
        let mut has_more = messages.len() > most;
        messages.truncate(most);
        has_more |= cut(&mut messages);
        if !matches!(cursor, Cursor::After(_)) {
            messages.reverse();
        }
        let newest = messages.last().map_or(last, |message| message.sequence);
        Ok(Page {
            messages,
            has_more,
            first: self.first(id, settings)?,
            last: last.max(newest),
        })
    }

    /// Returns up to `most` messages from `cursor` on, in its direction.
    fn find(
        &self,
        id: StreamId,
        filter: &Filter,
        cursor: Cursor,
        most: usize,
        living: &dyn Fn(Micros) -> bool,
    ) -> Result<Vec<StreamMessage>, Fault> {
        match filter.as_key() {
            Some(subject) => {
                let found = self.find_index(id, subject, cursor, most)?;
                self.fetch(id, found, most, living)
            }
            None => self.scan(id, filter, cursor, most, living),
        }
    }

    /// Returns where the messages of one subject are.
    fn find_index(
        &self,
        id: StreamId,
        subject: &str,
        cursor: Cursor,
        most: usize,
    ) -> Result<Vec<Sequence>, Fault> {
        let (span, direction) = span_of(cursor);
        let page = self
            .engine
            .page(&row::index(id, subject, &span), direction, most)?;
        page.iter()
            .map(|(key, _)| self.sound(row::sequence_of(key)))
            .collect()
    }

    /// Returns these messages, but for those that were trimmed meanwhile.
    fn fetch(
        &self,
        id: StreamId,
        sequences: Vec<Sequence>,
        most: usize,
        living: &dyn Fn(Micros) -> bool,
    ) -> Result<Vec<StreamMessage>, Fault> {
        let mut messages = Vec::with_capacity(sequences.len().min(most));
        let mut bytes = 0;
        for sequence in sequences.into_iter().take(most) {
            let Some(row) = self.engine.get(&row::message_key(id, sequence))? else {
                continue;
            };
            if living(self.sound(row::peek_message(&row))?.1) {
                bytes += row.len();
                messages.push(self.decode_message(sequence, &row)?);
            }
            // One more than is returned, to know that there is more.
            if bytes > 2 * PAGE_BYTES {
                break;
            }
        }
        Ok(messages)
    }

    /// Looks at one message after the other, and when too many do not match, at the subjects.
    fn scan(
        &self,
        id: StreamId,
        filter: &Filter,
        cursor: Cursor,
        most: usize,
        living: &dyn Fn(Micros) -> bool,
    ) -> Result<Vec<StreamMessage>, Fault> {
        let (span, direction) = span_of(cursor);
        let mut range = row::messages(id, &span);
        let (mut found, mut bytes, mut strangers) = (Vec::new(), 0, 0);
        loop {
            let look = LOOK.min(most - found.len() + strangers);
            let page = self.engine.page(&range, direction, look)?;
            let full = page.len() == look;
            let Some((last, _)) = page.last() else {
                return Ok(found);
            };
            match direction {
                Direction::Forward => range.from = Range::single(last.clone()).to,
                Direction::Backward => range.to = last.clone(),
            }
            let at = self.sound(row::sequence_of(last))?;
            for (key, row) in page {
                let (subject, time) = self.sound(row::peek_message(&row))?;
                if !filter.matches(subject) {
                    strangers += 1;
                } else if living(time) {
                    bytes += row.len();
                    let sequence = self.sound(row::sequence_of(&key))?;
                    found.push(self.decode_message(sequence, &row)?);
                }
                if found.len() == most || bytes > 2 * PAGE_BYTES {
                    return Ok(found);
                }
            }
            if !full {
                return Ok(found);
            }
            if strangers > PATIENCE && !filter.literal_prefix().is_empty() {
                let rest = match cursor {
                    Cursor::After(_) => Cursor::After(at),
                    Cursor::Before(_) | Cursor::End => Cursor::Before(at),
                };
                let most = most - found.len();
                found.extend(self.merge(id, filter, rest, most, living)?);
                return Ok(found);
            }
        }
    }

    /// Merges the messages of all subjects that match.
    fn merge(
        &self,
        id: StreamId,
        filter: &Filter,
        cursor: Cursor,
        most: usize,
        living: &dyn Fn(Micros) -> bool,
    ) -> Result<Vec<StreamMessage>, Fault> {
        let subjects = self.collect(&[row::subjects(id, filter.literal_prefix())], |key, _| {
            let subject = row::subject_of(key)?;
            Ok(filter.matches(subject).then(|| subject.to_owned()))
        })?;
        let mut found = Vec::new();
        for subject in subjects {
            found.extend(self.find_index(id, &subject, cursor, most)?);
            // Not all at once: there may be many subjects.
            if found.len() > 16 * most {
                keep(&mut found, cursor, most);
            }
        }
        keep(&mut found, cursor, most);
        self.fetch(id, found, most, living)
    }
}

/// Sorts in the direction of the cursor, and keeps the first.
fn keep(found: &mut Vec<Sequence>, cursor: Cursor, most: usize) {
    found.sort_unstable();
    if !matches!(cursor, Cursor::After(_)) {
        found.reverse();
    }
    found.truncate(most);
}

fn span_of(cursor: Cursor) -> (Span, Direction) {
    match cursor {
        Cursor::After(after) => (Span::after(after), Direction::Forward),
        Cursor::Before(before) => (Span::before(before), Direction::Backward),
        Cursor::End => (Span::from(Sequence::NONE), Direction::Backward),
    }
}

/// Ends a page when it holds many bytes; returns whether it did.
fn cut(messages: &mut Vec<StreamMessage>) -> bool {
    let mut bytes = 0;
    let fit = messages
        .iter()
        .take_while(|message| {
            bytes += message.payload.len();
            bytes <= PAGE_BYTES
        })
        .count();
    let fit = fit.max(1);
    let has_more = messages.len() > fit;
    messages.truncate(fit);
    has_more
}
