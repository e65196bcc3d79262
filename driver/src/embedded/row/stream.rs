//! The rows of streams.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};

use super::key::key_of;
use super::{Malformed, StreamId, take, text};
use crate::embedded::clock::{Micros, Millis};
use crate::embedded::engine::Range;
use crate::stream::{Publish, Sequence, StreamConfig, StreamMessage};

const STREAM: u8 = b'N';
const END: u8 = b'E';
const MESSAGE: u8 = b'M';
const INDEX: u8 = b'X';
const SUBJECT: u8 = b'J';
const KNOWN: u8 = b'D';
const KNOWN_AGE: u8 = b'I';
const ALARM: u8 = b'A';
const DROPPED: u8 = b'G';

/// Ends a text in the midst of a key.
pub(super) const TEXT_END: u8 = 0xFF;

/// What all rows of a stream but its name and alarm begin with.
pub(in crate::embedded) fn all_rows(id: StreamId) -> Vec<Range> {
    let kinds = [MESSAGE, INDEX, SUBJECT, KNOWN, KNOWN_AGE, END];
    let kinds = kinds.into_iter().chain(super::consumer::KINDS);
    kinds.map(|kind| rows(kind, id)).collect()
}

fn rows(kind: u8, id: StreamId) -> Range {
    Range::of(key_of(kind, &[&id.0.to_be_bytes()]))
}

pub(in crate::embedded) fn stream_key(name: &str) -> Bytes {
    key_of(STREAM, &[name.as_bytes()]).into()
}

pub(in crate::embedded) fn streams() -> Range {
    Range::of(vec![STREAM])
}

/// Returns the stream's name from the key of its row.
pub(in crate::embedded) fn stream_name(row: &[u8]) -> Result<String, Malformed> {
    Ok(text(row.get(1..).ok_or(Malformed)?)?.to_owned())
}

pub(in crate::embedded) fn end_key(id: StreamId) -> Bytes {
    key_of(END, &[&id.0.to_be_bytes()]).into()
}

pub(in crate::embedded) fn message_key(id: StreamId, sequence: Sequence) -> Bytes {
    key_of(MESSAGE, &[&id.0.to_be_bytes(), &sequence.0.to_be_bytes()]).into()
}

/// The messages from one on to before another, by sequence.
pub(in crate::embedded) fn messages(id: StreamId, span: &Span) -> Range {
    span.range(key_of(MESSAGE, &[&id.0.to_be_bytes()]))
}

/// Says that there is a message on this subject.
pub(in crate::embedded) fn index_key(id: StreamId, subject: &str, sequence: Sequence) -> Bytes {
    let mut key = index_prefix(id, subject);
    key.extend_from_slice(&sequence.0.to_be_bytes());
    key.into()
}

fn index_prefix(id: StreamId, subject: &str) -> Vec<u8> {
    let parts: [&[u8]; 3] = [&id.0.to_be_bytes(), subject.as_bytes(), &[TEXT_END]];
    key_of(INDEX, &parts)
}

/// The index of one subject from one message on to before another.
pub(in crate::embedded) fn index(id: StreamId, subject: &str, span: &Span) -> Range {
    span.range(index_prefix(id, subject))
}

/// Returns the sequence from the key of a row that ends in one.
pub(in crate::embedded) fn sequence_of(row: &[u8]) -> Result<Sequence, Malformed> {
    let (_, sequence) = row.split_last_chunk().ok_or(Malformed)?;
    Ok(Sequence(u64::from_be_bytes(*sequence)))
}

/// Sequences from one on to before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::embedded) struct Span {
    pub(in crate::embedded) from: u64,
    /// `None`: to the end.
    pub(in crate::embedded) before: Option<u64>,
}

impl Span {
    pub(in crate::embedded) fn from(sequence: Sequence) -> Self {
        Self {
            from: sequence.0,
            before: None,
        }
    }

    pub(in crate::embedded) fn after(sequence: Sequence) -> Self {
        Self::from(Sequence(sequence.0.saturating_add(1)))
    }

    pub(in crate::embedded) fn before(sequence: Sequence) -> Self {
        Self {
            from: 0,
            before: Some(sequence.0),
        }
    }

    pub(super) fn range(self, prefix: Vec<u8>) -> Range {
        let mut range = Range::of(prefix.clone());
        let at = |sequence: u64| -> Bytes {
            let mut key = prefix.clone();
            key.extend_from_slice(&sequence.to_be_bytes());
            key.into()
        };
        range.from = at(self.from);
        if let Some(before) = self.before {
            range.to = at(before.max(self.from));
        }
        range
    }
}

pub(in crate::embedded) fn subject_key(id: StreamId, subject: &str) -> Bytes {
    key_of(SUBJECT, &[&id.0.to_be_bytes(), subject.as_bytes()]).into()
}

/// The subjects of a stream that begin so.
pub(in crate::embedded) fn subjects(id: StreamId, prefix: &str) -> Range {
    Range::of(key_of(SUBJECT, &[&id.0.to_be_bytes(), prefix.as_bytes()]))
}

pub(in crate::embedded) fn subject_of(row: &[u8]) -> Result<&str, Malformed> {
    text(row.get(1 + 4..).ok_or(Malformed)?)
}

/// The message that an id belongs to.
pub(in crate::embedded) fn known_key(id: StreamId, message: &str) -> Bytes {
    key_of(KNOWN, &[&id.0.to_be_bytes(), message.as_bytes()]).into()
}

/// The id of a message, so that the oldest is found and forgotten.
pub(in crate::embedded) fn known_age_key(id: StreamId, sequence: Sequence) -> Bytes {
    key_of(KNOWN_AGE, &[&id.0.to_be_bytes(), &sequence.0.to_be_bytes()]).into()
}

pub(in crate::embedded) fn known_ages(id: StreamId) -> Range {
    rows(KNOWN_AGE, id)
}

pub(in crate::embedded) fn alarm_key(at: Millis, id: StreamId) -> Bytes {
    key_of(ALARM, &[&at.0.to_be_bytes(), &id.0.to_be_bytes()]).into()
}

/// All alarms, the earliest first.
pub(in crate::embedded) fn alarms() -> Range {
    Range::of(vec![ALARM])
}

/// Takes the key of an alarm apart.
pub(in crate::embedded) fn alarm_of(row: &[u8]) -> Result<(Millis, StreamId), Malformed> {
    let mut rest = row.get(1..).ok_or(Malformed)?;
    let at = Millis(u64::from_be_bytes(take(&mut rest)?));
    Ok((at, StreamId(u32::from_be_bytes(take(&mut rest)?))))
}

/// Says that the rows of a stream are to go.
pub(in crate::embedded) fn dropped_key(id: StreamId) -> Bytes {
    key_of(DROPPED, &[&id.0.to_be_bytes()]).into()
}

/// A stream's own row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::embedded) struct StreamRow {
    pub(in crate::embedded) id: StreamId,
    pub(in crate::embedded) epoch: String,
    pub(in crate::embedded) settings: StreamSettings,
}

/// What a stream was told to take and to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::embedded) struct StreamSettings {
    pub(in crate::embedded) subjects: Vec<String>,
    pub(in crate::embedded) max_messages: u64,
    pub(in crate::embedded) max_per_subject: u64,
    pub(in crate::embedded) max_bytes: u64,
    pub(in crate::embedded) max_age: Option<Duration>,
    pub(in crate::embedded) window: Duration,
}

impl StreamSettings {
    pub(in crate::embedded) fn of(config: &StreamConfig) -> Self {
        Self {
            subjects: config.subject_patterns().to_vec(),
            max_messages: config.message_limit().unwrap_or(u64::MAX),
            max_per_subject: config.subject_limit().unwrap_or(u64::MAX),
            max_bytes: config.byte_limit().unwrap_or(u64::MAX),
            max_age: config.age_limit(),
            window: config.window(),
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn put_text(row: &mut BytesMut, text: &str) {
    row.put_u32_le(
        u32::try_from(text.len()).expect("texts have been checked against their limits"),
    );
    row.put_slice(text.as_bytes());
}

fn take_text(rest: &mut &[u8]) -> Result<String, Malformed> {
    let len = u32::from_le_bytes(take(rest)?) as usize;
    let (taken, left) = rest.split_at_checked(len).ok_or(Malformed)?;
    *rest = left;
    Ok(text(taken)?.to_owned())
}

fn take_u64(rest: &mut &[u8]) -> Result<u64, Malformed> {
    take(rest).map(u64::from_le_bytes)
}

impl StreamRow {
    pub(in crate::embedded) fn encode(&self) -> Bytes {
        let Self {
            id,
            epoch,
            settings:
                StreamSettings {
                    subjects,
                    max_messages,
                    max_per_subject,
                    max_bytes,
                    max_age,
                    window,
                },
        } = self;
        let mut row = BytesMut::new();
        row.put_u32_le(id.0);
        row.put_u64_le(*max_messages);
        row.put_u64_le(*max_per_subject);
        row.put_u64_le(*max_bytes);
        row.put_u64_le(max_age.map_or(0, micros));
        row.put_u64_le(micros(*window));
        put_text(&mut row, epoch);
        for subject in subjects {
            put_text(&mut row, subject);
        }
        row.freeze()
    }

    pub(in crate::embedded) fn decode(mut row: &[u8]) -> Result<Self, Malformed> {
        let rest = &mut row;
        let id = StreamId(u32::from_le_bytes(take(rest)?));
        let max_messages = take_u64(rest)?;
        let max_per_subject = take_u64(rest)?;
        let max_bytes = take_u64(rest)?;
        let max_age = Some(take_u64(rest)?).filter(|&age| age > 0);
        let window = Duration::from_micros(take_u64(rest)?);
        let epoch = take_text(rest)?;
        let mut subjects = Vec::new();
        while !rest.is_empty() {
            subjects.push(take_text(rest)?);
        }
        let settings = StreamSettings {
            subjects,
            max_messages,
            max_per_subject,
            max_bytes,
            max_age: max_age.map(Duration::from_micros),
            window,
        };
        Ok(Self {
            id,
            epoch,
            settings,
        })
    }
}

/// How a stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::embedded) struct End {
    /// The last message that was stored.
    pub(in crate::embedded) last: Sequence,
    /// No message before this one is kept.
    pub(in crate::embedded) first: Sequence,
    pub(in crate::embedded) messages: u64,
    pub(in crate::embedded) bytes: u64,
    /// When the last message was stored; time does not fall from there.
    pub(in crate::embedded) time: Micros,
    /// When the stream's alarm goes off; it may be sooner than there is something to do.
    pub(in crate::embedded) alarm: Option<Millis>,
}

impl Default for End {
    fn default() -> Self {
        Self {
            last: Sequence::NONE,
            first: Sequence(1),
            messages: 0,
            bytes: 0,
            time: Micros(0),
            alarm: None,
        }
    }
}

impl End {
    pub(in crate::embedded) fn encode(self) -> Bytes {
        let mut row = BytesMut::with_capacity(48);
        row.put_u64_le(self.last.0);
        row.put_u64_le(self.first.0);
        row.put_u64_le(self.messages);
        row.put_u64_le(self.bytes);
        row.put_u64_le(self.time.0);
        row.put_u64_le(self.alarm.map_or(0, |alarm| alarm.0));
        row.freeze()
    }

    pub(in crate::embedded) fn decode(mut row: &[u8]) -> Result<Self, Malformed> {
        let rest = &mut row;
        Ok(Self {
            last: Sequence(take_u64(rest)?),
            first: Sequence(take_u64(rest)?),
            messages: take_u64(rest)?,
            bytes: take_u64(rest)?,
            time: Micros(take_u64(rest)?),
            alarm: Some(Millis(take_u64(rest)?)).filter(|alarm| alarm.0 > 0),
        })
    }
}

/// How a subject of a stream stands. There is one while messages of it are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::embedded) struct SubjectRow {
    /// The last message that is kept.
    pub(in crate::embedded) last: Sequence,
    /// No message before this one is kept.
    pub(in crate::embedded) first: Sequence,
    pub(in crate::embedded) messages: u64,
}

impl SubjectRow {
    pub(in crate::embedded) fn encode(self) -> Bytes {
        let mut row = BytesMut::with_capacity(24);
        row.put_u64_le(self.last.0);
        row.put_u64_le(self.first.0);
        row.put_u64_le(self.messages);
        row.freeze()
    }

    pub(in crate::embedded) fn decode(mut row: &[u8]) -> Result<Self, Malformed> {
        let rest = &mut row;
        Ok(Self {
            last: Sequence(take_u64(rest)?),
            first: Sequence(take_u64(rest)?),
            messages: take_u64(rest)?,
        })
    }
}

/// What an id belongs to, and since when it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::embedded) struct Known {
    pub(in crate::embedded) sequence: Sequence,
    pub(in crate::embedded) time: Micros,
}

impl Known {
    pub(in crate::embedded) fn encode(self) -> Bytes {
        let mut row = BytesMut::with_capacity(16);
        row.put_u64_le(self.sequence.0);
        row.put_u64_le(self.time.0);
        row.freeze()
    }

    pub(in crate::embedded) fn decode(mut row: &[u8]) -> Result<Self, Malformed> {
        let rest = &mut row;
        Ok(Self {
            sequence: Sequence(take_u64(rest)?),
            time: Micros(take_u64(rest)?),
        })
    }
}

/// A message as it lies in a row.
const HAS_ID: u8 = 0b01;
const HAS_HEADERS: u8 = 0b10;

/// Makes the row of a message.
pub(in crate::embedded) fn encode_message(time: Micros, message: &Publish) -> Bytes {
    let size = 32 + message.subject.len() + message.payload.len();
    let mut row = BytesMut::with_capacity(size);
    let flags = if message.id.is_some() { HAS_ID } else { 0 }
        | if message.headers.is_empty() {
            0
        } else {
            HAS_HEADERS
        };
    row.put_u8(flags);
    row.put_u64_le(time.0);
    put_text(&mut row, &message.subject);
    if let Some(id) = &message.id {
        put_text(&mut row, id);
    }
    if !message.headers.is_empty() {
        row.put_u32_le(message.headers.len() as u32);
        for (name, value) in &message.headers {
            put_text(&mut row, name);
            put_text(&mut row, value);
        }
    }
    row.put_slice(&message.payload);
    row.freeze()
}

/// What a message counts for against the limit of bytes.
pub(in crate::embedded) fn message_bytes(row: &Bytes) -> u64 {
    row.len() as u64
}

/// Takes a row apart; the payload shares the row's bytes.
pub(in crate::embedded) fn decode_message(
    sequence: Sequence,
    row: &Bytes,
) -> Result<StreamMessage, Malformed> {
    let mut left: &[u8] = row;
    let rest = &mut left;
    let [flags] = take(rest)?;
    let time = Micros(take_u64(rest)?);
    let subject = take_text(rest)?;
    let id = match flags & HAS_ID {
        0 => None,
        _ => Some(take_text(rest)?),
    };
    let mut headers = Vec::new();
    if flags & HAS_HEADERS != 0 {
        for _ in 0..u32::from_le_bytes(take(rest)?) {
            headers.push((take_text(rest)?, take_text(rest)?));
        }
    }
    let payload = row.slice(row.len() - rest.len()..);
    let mut message = StreamMessage::new(subject, sequence, time.time(), payload);
    message.id = id;
    message.headers = headers;
    Ok(message)
}

/// Returns a message's subject and time alone.
pub(in crate::embedded) fn peek_message(row: &[u8]) -> Result<(&str, Micros), Malformed> {
    let mut rest = row.get(1..).ok_or(Malformed)?;
    let time = Micros(take_u64(&mut rest)?);
    let len = u32::from_le_bytes(take(&mut rest)?) as usize;
    Ok((text(rest.get(..len).ok_or(Malformed)?)?, time))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn publish()(
            subject in any::<String>(),
            id in any::<Option<String>>(),
            headers in prop::collection::vec(any::<(String, String)>(), 0..3),
            payload in prop::collection::vec(any::<u8>(), 0..100),
        ) -> Publish {
            let mut publish = Publish::new(subject, payload);
            (publish.id, publish.headers) = (id, headers);
            publish
        }
    }

    proptest! {
        #[test]
        fn a_message_comes_back(publish in publish(), sequence in any::<u64>(), time in 0..u64::MAX / 2) {
            let row = encode_message(Micros(time), &publish);
            let message = decode_message(Sequence(sequence), &row).unwrap();
            prop_assert_eq!(peek_message(&row), Ok((publish.subject.as_str(), Micros(time))));
            prop_assert_eq!(message.sequence, Sequence(sequence));
            prop_assert_eq!(message.time, Micros(time).time());
            prop_assert_eq!(
                (message.subject, message.id, message.headers, message.payload),
                (publish.subject, publish.id, publish.headers, publish.payload)
            );
        }

        #[test]
        fn no_row_panics(row in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode_message(Sequence(1), &row.clone().into());
            let _ = (peek_message(&row).is_ok(), StreamRow::decode(&row), End::decode(&row));
            let _ = (SubjectRow::decode(&row), Known::decode(&row), alarm_of(&row));
            let _ = (sequence_of(&row), subject_of(&row).is_ok(), stream_name(&row));
        }

        #[test]
        fn a_span_of_a_subject_holds_its_messages_and_no_others(
            subject in "[a-c.]{1,4}",
            other in "[a-c.]{1,4}",
            sequence in 0..10_u64,
            from in 0..10_u64,
            before in prop::option::of(0..10_u64),
        ) {
            let range = index(StreamId(0xFF), &subject, &Span { from, before });
            let row = index_key(StreamId(0xFF), &other, Sequence(sequence));
            let meant = subject == other
                && sequence >= from
                && before.is_none_or(|before| sequence < before);
            prop_assert_eq!(range.from <= row && row < range.to, meant);
        }
    }

    #[test]
    fn a_stream_and_its_end_come_back() {
        let row = StreamRow {
            id: StreamId(7),
            epoch: "q3x".into(),
            settings: StreamSettings {
                subjects: vec!["a.*".into(), "b".into()],
                max_messages: 5,
                max_per_subject: u64::MAX,
                max_bytes: 9,
                max_age: Some(Duration::from_millis(1500)),
                window: Duration::from_secs(60),
            },
        };
        assert_eq!(StreamRow::decode(&row.encode()).unwrap(), row);
        let end = End {
            last: Sequence(9),
            first: Sequence(3),
            messages: 4,
            bytes: 400,
            time: Micros(77),
            alarm: Some(Millis(5)),
        };
        assert_eq!(End::decode(&end.encode()).unwrap(), end);
        assert_eq!(
            End::decode(&End::default().encode()).unwrap(),
            End::default()
        );
    }
}
