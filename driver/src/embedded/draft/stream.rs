//! What changes of streams do to rows.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::Draft;
use crate::embedded::clock::{Micros, Millis};
use crate::embedded::engine::{Direction, Range};
use crate::embedded::fault::Fault;
use crate::embedded::row::stream::{self as row, End, Known, Span, SubjectRow};
use crate::embedded::row::{self as rows, BucketId, StreamId, StreamRow, StreamSettings};
use crate::embedded::store::Drafting;
use crate::embedded::stream::{Published, StreamState};
use crate::stream::{Publish, PublishAck, Sequence, StreamConfig};
use crate::{Error, Filter, subject};

/// Most messages that one batch trims, forgets or purges, so that writers do not wait behind an
/// avalanche.
const MOST: usize = 4096;

/// Rows are looked at so many at a time.
const PAGE: usize = 64;

/// Publishing.
impl Draft<'_> {
    /// Stores a message if what is expected holds. The outer error fails the whole draft.
    pub(in crate::embedded) fn publish(
        &mut self,
        stream: &Arc<StreamState>,
        message: &Publish,
    ) -> Drafting<PublishAck> {
        if let Err(error) = stream.check() {
            return Ok(Err(error));
        }
        let (id, settings) = (stream.id, stream.settings());
        let mut end = self.end(id)?;
        let time = self.now.max(end.time);
        if let Some(known) = self.known(id, message, &settings, time)? {
            return Ok(Ok(PublishAck::new(known.sequence, true)));
        }
        let before = self.subject(id, &message.subject)?;
        if let Err(error) = check_expected(message, &end, before) {
            return Ok(Err(error));
        }
        let stored = row::encode_message(time, message);
        let bytes = row::message_bytes(&stored);
        if bytes > settings.max_bytes {
            let limit = usize::try_from(settings.max_bytes).unwrap_or(usize::MAX);
            return Ok(Err(Error::too_large("message", limit, stored.len())));
        }

        let sequence = Sequence(end.last.0 + 1);
        if let Some(message) = &message.id {
            let known = Known { sequence, time };
            self.set(row::known_key(id, message), known.encode());
            let age = row::known_age_key(id, sequence);
            self.set(age, Bytes::copy_from_slice(message.as_bytes()));
            self.set_alarm(id, &mut end, time.plus(settings.window));
        }
        if let Some(age) = settings.max_age {
            self.set_alarm(id, &mut end, time.plus(age));
        }
        self.set(row::message_key(id, sequence), stored.clone());
        self.set(row::index_key(id, &message.subject, sequence), Bytes::new());
        let subject = SubjectRow {
            last: sequence,
            first: before.map_or(sequence, |before| before.first),
            messages: before.map_or(0, |before| before.messages) + 1,
        };
        self.set(row::subject_key(id, &message.subject), subject.encode());
        end.last = sequence;
        end.time = time;
        end.messages += 1;
        end.bytes += bytes;
        self.trim_subject(id, &mut end, &message.subject, &settings, &mut MOST.clone())?;
        self.trim(id, &mut end, &settings, &mut MOST.clone())?;
        self.set(row::end_key(id), end.encode());
        self.published
            .push(Published::new(stream, sequence, &stored));
        Ok(Ok(PublishAck::new(sequence, false)))
    }

    /// Returns what the message's id belongs to, if it is known and not too old.
    fn known(
        &self,
        id: StreamId,
        message: &Publish,
        settings: &StreamSettings,
        now: Micros,
    ) -> Result<Option<Known>, Fault> {
        let Some(message) = &message.id else {
            return Ok(None);
        };
        let Some(row) = self.get(&row::known_key(id, message))? else {
            return Ok(None);
        };
        let known = self.reader.sound(Known::decode(&row))?;
        Ok(Some(known).filter(|known| !has_passed(known.time, settings.window, now)))
    }
}

fn check_expected(message: &Publish, end: &End, subject: Option<SubjectRow>) -> Result<(), Error> {
    if let Some(expected) = message.expect_last
        && expected != end.last
    {
        return Err(Error::moved("the stream", expected, end.last));
    }
    let last = subject.map_or(Sequence::NONE, |subject| subject.last);
    if let Some(expected) = message.expect_last_of_subject
        && expected != last
    {
        let what = format!("the subject {:?}", message.subject);
        return Err(Error::moved(what, expected, last));
    }
    Ok(())
}

fn has_passed(since: Micros, lifetime: Duration, now: Micros) -> bool {
    since.plus(lifetime) <= now.millis()
}

/// Trimming.
impl Draft<'_> {
    /// Removes the oldest messages until the stream is within its limits, `most` at most.
    fn trim(
        &mut self,
        id: StreamId,
        end: &mut End,
        settings: &StreamSettings,
        most: &mut usize,
    ) -> Result<(), Fault> {
        while (end.messages > settings.max_messages || end.bytes > settings.max_bytes) && *most > 0
        {
            let Some((sequence, message)) = self.first_message(id, end)? else {
                break;
            };
            self.remove_message(id, end, sequence, &message)?;
            *most -= 1;
        }
        Ok(())
    }

    /// Removes the oldest messages of a subject until it is within its limit, `most` at most.
    fn trim_subject(
        &mut self,
        id: StreamId,
        end: &mut End,
        subject: &str,
        settings: &StreamSettings,
        most: &mut usize,
    ) -> Result<(), Fault> {
        while *most > 0
            && let Some(row) = self.subject(id, subject)?
            && row.messages > settings.max_per_subject
        {
            let span = row::index(id, subject, &Span::from(row.first));
            let Some((key, _)) = self.next_row(&span, Direction::Forward)? else {
                break;
            };
            let sequence = self.reader.sound(row::sequence_of(&key))?;
            let Some(message) = self.get(&row::message_key(id, sequence))? else {
                return Err(self.reader.unsound("a message that is indexed is missing"));
            };
            self.remove_message(id, end, sequence, &message)?;
            *most -= 1;
        }
        Ok(())
    }

    /// Removes a message and all that speaks of it but its id, which stays known.
    fn remove_message(
        &mut self,
        id: StreamId,
        end: &mut End,
        sequence: Sequence,
        message: &Bytes,
    ) -> Result<(), Fault> {
        let (subject, _) = self.reader.sound(row::peek_message(message))?;
        self.remove(row::message_key(id, sequence));
        self.remove(row::index_key(id, subject, sequence));
        if let Some(mut row) = self.subject(id, subject)? {
            let key = row::subject_key(id, subject);
            row.messages = row.messages.saturating_sub(1);
            if row.messages == 0 {
                self.remove(key);
            } else {
                if row.first >= sequence {
                    row.first = Sequence(sequence.0 + 1);
                }
                if row.last == sequence {
                    let before = row::index(id, subject, &Span::before(sequence));
                    if let Some((key, _)) = self.next_row(&before, Direction::Backward)? {
                        row.last = self.reader.sound(row::sequence_of(&key))?;
                    }
                }
                self.set(key, row.encode());
            }
        }
        end.messages = end.messages.saturating_sub(1);
        end.bytes = end.bytes.saturating_sub(row::message_bytes(message));
        if end.messages == 0 {
            end.first = Sequence(end.last.0 + 1);
        } else if end.first >= sequence {
            end.first = Sequence(sequence.0 + 1);
        }
        Ok(())
    }

    /// Returns the first message that is kept.
    fn first_message(&self, id: StreamId, end: &End) -> Result<Option<(Sequence, Bytes)>, Fault> {
        // Mostly there is no gap.
        if let Some(message) = self.get(&row::message_key(id, end.first))? {
            return Ok(Some((end.first, message)));
        }
        let span = row::messages(id, &Span::from(end.first));
        let Some((key, message)) = self.next_row(&span, Direction::Forward)? else {
            return Ok(None);
        };
        Ok(Some((self.reader.sound(row::sequence_of(&key))?, message)))
    }

    /// Returns the first or last row of a range, as this draft leaves it.
    fn next_row(
        &self,
        range: &Range,
        direction: Direction,
    ) -> Result<Option<(Bytes, Bytes)>, Fault> {
        let drafted = {
            let rows = self.rows.range(range.from.clone()..range.to.clone());
            let mut rows = rows.filter_map(|(key, row)| Some((key, row.as_ref()?)));
            let found = match direction {
                Direction::Forward => rows.next(),
                Direction::Backward => rows.next_back(),
            };
            found.map(|(key, row)| (key.clone(), row.clone()))
        };
        let stored = self.next_stored(range.clone(), direction)?;
        let (Some(one), Some(other)) = (&drafted, &stored) else {
            return Ok(drafted.or(stored));
        };
        let drafted_first = (one.0 <= other.0) == (direction == Direction::Forward);
        Ok(if drafted_first || one.0 == other.0 {
            drafted
        } else {
            stored
        })
    }

    /// Returns the first or last stored row of a range that this draft does not remove.
    fn next_stored(
        &self,
        mut range: Range,
        direction: Direction,
    ) -> Result<Option<(Bytes, Bytes)>, Fault> {
        let mut most = 1;
        loop {
            let page = self.reader.engine().page(&range, direction, most)?;
            let (full, last) = (page.len() == most, page.last().map(|(key, _)| key.clone()));
            let kept = |(key, _): &(Bytes, Bytes)| !matches!(self.rows.get(key), Some(None));
            if let Some(found) = page.into_iter().find(kept) {
                return Ok(Some(found));
            }
            let Some(last) = last.filter(|_| full) else {
                return Ok(None);
            };
            match direction {
                Direction::Forward => range.from = Range::single(last).to,
                Direction::Backward => range.to = last,
            }
            most = PAGE;
        }
    }
}

/// Alarms: age, and ids.
impl Draft<'_> {
    /// Sees to it that the stream's alarm goes off at `deadline` or before.
    fn set_alarm(&mut self, id: StreamId, end: &mut End, deadline: Millis) {
        if end.alarm.is_some_and(|alarm| alarm <= deadline) {
            return;
        }
        if let Some(alarm) = end.alarm {
            self.remove(row::alarm_key(alarm, id));
        }
        end.alarm = Some(deadline);
        self.wake_at(deadline, id);
    }

    fn wake_at(&mut self, deadline: Millis, id: StreamId) {
        self.set(row::alarm_key(deadline, id), Bytes::new());
        self.timer = Some(self.timer.map_or(deadline, |timer| timer.min(deadline)));
    }

    /// Does what is due when a stream's alarm goes off: removes what is too old, forgets ids, and
    /// sets the alarm anew.
    pub(in crate::embedded) fn fire_alarm(
        &mut self,
        at: Millis,
        stream: &Arc<StreamState>,
    ) -> Result<(), Fault> {
        let id = stream.id;
        self.remove(row::alarm_key(at, id));
        let mut end = self.end(id)?;
        // An end that does not name this alarm has another one.
        if end.alarm != Some(at) {
            return Ok(());
        }
        end.alarm = None;
        let settings = stream.settings();
        if let Some(deadline) = self.forget_ids(id, &settings)? {
            self.set_alarm(id, &mut end, deadline);
        }
        if let Some(deadline) = self.expire(id, &mut end, &settings, &mut MOST.clone())? {
            self.set_alarm(id, &mut end, deadline);
        }
        self.set(row::end_key(id), end.encode());
        Ok(())
    }

    /// Removes messages that are too old; returns when the next one is.
    fn expire(
        &mut self,
        id: StreamId,
        end: &mut End,
        settings: &StreamSettings,
        most: &mut usize,
    ) -> Result<Option<Millis>, Fault> {
        let Some(age) = settings.max_age else {
            return Ok(None);
        };
        while let Some((sequence, message)) = self.first_message(id, end)? {
            let (_, time) = self.reader.sound(row::peek_message(&message))?;
            if !has_passed(time, age, self.now) || *most == 0 {
                return Ok(Some(time.plus(age)));
            }
            self.remove_message(id, end, sequence, &message)?;
            *most -= 1;
        }
        Ok(None)
    }

    /// Forgets ids that are too old; returns when the next one is.
    fn forget_ids(
        &mut self,
        id: StreamId,
        settings: &StreamSettings,
    ) -> Result<Option<Millis>, Fault> {
        let ids = self
            .reader
            .engine()
            .page(&row::known_ages(id), Direction::Forward, MOST)?;
        for (key, message) in ids {
            let sequence = self.reader.sound(row::sequence_of(&key))?;
            let message = self.reader.sound(rows::text(&message))?.to_owned();
            let known_key = row::known_key(id, &message);
            let known = match self.get(&known_key)? {
                Some(row) => Some(self.reader.sound(Known::decode(&row))?),
                None => None,
            };
            // It may have been published again since, when it was not known any more.
            if let Some(known) = known.filter(|known| known.sequence == sequence) {
                if !has_passed(known.time, settings.window, self.now) {
                    return Ok(Some(known.time.plus(settings.window)));
                }
                self.remove(known_key);
            }
            self.remove(key);
        }
        // There may be more: look again at once.
        let next = self.next_row(&row::known_ages(id), Direction::Forward)?;
        Ok(next.map(|_| self.now.millis()))
    }
}

/// Streams.
impl Draft<'_> {
    /// Makes a stream, or gives it other settings; returns its row, and whether it was changed.
    pub(in crate::embedded) fn ensure_stream(
        &mut self,
        config: &StreamConfig,
    ) -> Drafting<(StreamRow, bool)> {
        let settings = StreamSettings::of(config);
        for (name, other) in self.reader.streams()? {
            let patterns = || settings.subjects.iter();
            let taken = |theirs: &&String| patterns().any(|ours| subject::overlap(ours, theirs));
            if name != config.name()
                && let Some(taken) = other.settings.subjects.iter().find(taken)
            {
                let detail = format!("the stream {name:?} takes {taken:?}");
                return Ok(Err(Error::invalid("subjects of a stream", detail)));
            }
        }
        let key = row::stream_key(config.name());
        let Some(stored) = self.get(&key)? else {
            let store_key = rows::store_key();
            let mut store = self.reader.store_row(self.get(&store_key)?)?;
            let stream = StreamRow {
                id: StreamId(store.next_bucket.0),
                epoch: super::new_epoch(),
                settings,
            };
            store.next_bucket = BucketId(store.next_bucket.0 + 1);
            self.set(store_key, store.encode());
            self.set(key, stream.encode());
            return Ok(Ok((stream, false)));
        };
        let mut stream = self.reader.sound(StreamRow::decode(&stored))?;
        let changed = stream.settings != settings;
        if changed {
            stream.settings = settings;
            self.set(key, stream.encode());
        }
        Ok(Ok((stream, changed)))
    }

    /// Brings a stream in line with its settings, a part at a time; returns whether it is.
    pub(in crate::embedded) fn settle_stream(
        &mut self,
        stream: &Arc<StreamState>,
    ) -> Drafting<bool> {
        let (id, settings) = (stream.id, stream.settings());
        let mut end = self.end(id)?;
        let mut most = MOST;
        self.trim(id, &mut end, &settings, &mut most)?;
        if settings.max_per_subject < u64::MAX {
            for subject in self
                .reader
                .crowded_subjects(id, settings.max_per_subject, most)?
            {
                self.trim_subject(id, &mut end, &subject, &settings, &mut most)?;
            }
        }
        if let Some(deadline) = self.expire(id, &mut end, &settings, &mut most)? {
            self.set_alarm(id, &mut end, deadline);
        }
        // The ids may be due earlier too.
        if self
            .next_row(&row::known_ages(id), Direction::Forward)?
            .is_some()
        {
            self.set_alarm(id, &mut end, self.now.millis());
        }
        self.set(row::end_key(id), end.encode());
        Ok(Ok(most > 0))
    }

    /// Removes a stream's name; its rows go by and by. Returns the id that it had.
    pub(in crate::embedded) fn drop_stream(&mut self, name: &str) -> Drafting<Option<StreamId>> {
        let key = row::stream_key(name);
        let Some(stored) = self.get(&key)? else {
            return Ok(Ok(None));
        };
        let StreamRow { id, .. } = self.reader.sound(StreamRow::decode(&stored))?;
        self.remove(key);
        if let Some(alarm) = self.end(id)?.alarm {
            self.remove(row::alarm_key(alarm, id));
        }
        self.set(row::dropped_key(id), Bytes::new());
        self.wake_at(self.now.millis(), id);
        Ok(Ok(Some(id)))
    }

    /// Removes rows of a stream that was dropped, and sets an alarm for the rest.
    pub(in crate::embedded) fn sweep(&mut self, at: Millis, id: StreamId) -> Result<(), Fault> {
        self.remove(row::alarm_key(at, id));
        if self.get(&row::dropped_key(id))?.is_none() {
            return Ok(());
        }
        let mut left = MOST;
        for range in row::all_rows(id) {
            let page = self
                .reader
                .engine()
                .page(&range, Direction::Forward, left)?;
            left -= page.len();
            for (key, _) in page {
                self.remove(key);
            }
            if left == 0 {
                self.wake_at(Millis(self.now.millis().0 + 1), id);
                return Ok(());
            }
        }
        self.remove(row::dropped_key(id));
        Ok(())
    }

    /// Removes the messages from `from` to `to` that `filter` matches, a part at a time; returns how
    /// many, and where to go on.
    pub(in crate::embedded) fn purge(
        &mut self,
        stream: &Arc<StreamState>,
        filter: &Filter,
        from: Sequence,
        to: Sequence,
    ) -> Drafting<(u64, Option<Sequence>)> {
        if let Err(error) = stream.check() {
            return Ok(Err(error));
        }
        let id = stream.id;
        let mut end = self.end(id)?;
        let span = Span {
            from: from.max(end.first).0,
            before: Some(to.0 + 1),
        };
        let range = match filter.as_key() {
            Some(subject) => row::index(id, subject, &span),
            None => row::messages(id, &span),
        };
        let page = self
            .reader
            .engine()
            .page(&range, Direction::Forward, MOST)?;
        let next = match page.last() {
            Some((key, _)) if page.len() == MOST => {
                Some(Sequence(self.reader.sound(row::sequence_of(key))?.0 + 1))
            }
            _ => None,
        };
        let mut purged = 0;
        for (key, _) in page {
            let sequence = self.reader.sound(row::sequence_of(&key))?;
            let Some(message) = self.get(&row::message_key(id, sequence))? else {
                continue;
            };
            let (subject, _) = self.reader.sound(row::peek_message(&message))?;
            if filter.matches(subject) {
                self.remove_message(id, &mut end, sequence, &message)?;
                purged += 1;
            }
        }
        self.set(row::end_key(id), end.encode());
        Ok(Ok((purged, next)))
    }

    /// Removes one message.
    pub(in crate::embedded) fn delete_message(
        &mut self,
        stream: &Arc<StreamState>,
        sequence: Sequence,
    ) -> Drafting<bool> {
        if let Err(error) = stream.check() {
            return Ok(Err(error));
        }
        let id = stream.id;
        let Some(message) = self.get(&row::message_key(id, sequence))? else {
            return Ok(Ok(false));
        };
        let mut end = self.end(id)?;
        self.remove_message(id, &mut end, sequence, &message)?;
        self.set(row::end_key(id), end.encode());
        Ok(Ok(true))
    }
}

/// Rows.
impl Draft<'_> {
    fn end(&self, id: StreamId) -> Result<End, Fault> {
        let row = self.get(&row::end_key(id))?;
        self.reader.end_row(row)
    }

    fn subject(&self, id: StreamId, subject: &str) -> Result<Option<SubjectRow>, Fault> {
        let row = self.get(&row::subject_key(id, subject))?;
        row.map(|row| self.reader.sound(SubjectRow::decode(&row)))
            .transpose()
    }

    /// Returns the first row of a range whose key `wanted` takes, as this draft leaves it.
    pub(super) fn first_row(&self, range: &Range) -> Result<Option<(Bytes, Bytes)>, Fault> {
        self.next_row(range, Direction::Forward)
    }
}
