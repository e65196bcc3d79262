//! A letter as it lies in the stream: a line of JSON, which people can read, then the contents of its attachments one after the other.

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::super::letter::{Head, Letter};
use super::super::message::Attachment;
use crate::Error;
use crate::kv::MAX_VALUE_BYTES;

#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    head: Head,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    files: Vec<File>,
}

#[derive(Serialize, Deserialize)]
struct File {
    name: String,
    content_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_id: Option<String>,
    bytes: usize,
}

pub(super) fn encode(letter: &Letter) -> Result<Bytes, Error> {
    let line = Line {
        head: letter.head.clone(),
        files: letter
            .attachments
            .iter()
            .map(|file| File {
                name: file.name.clone(),
                content_type: file.content_type.clone(),
                content_id: file.content_id.clone(),
                bytes: file.content.len(),
            })
            .collect(),
    };
    let line = serde_json::to_vec(&line)
        .map_err(|error| Error::invalid("mail", "it has no form in JSON").with_source(error))?;
    let files: usize = letter
        .attachments
        .iter()
        .map(|file| file.content.len())
        .sum();
    let size = line.len() + 1 + files;
    if size > MAX_VALUE_BYTES {
        return Err(Error::too_large("a queued mail", MAX_VALUE_BYTES, size));
    }
    let mut record = BytesMut::with_capacity(size);
    record.put_slice(&line);
    record.put_u8(b'\n');
    for file in &letter.attachments {
        record.put_slice(&file.content);
    }
    Ok(record.freeze())
}

pub(super) fn decode(record: &Bytes) -> Result<Letter, Error> {
    let invalid = |detail: &str| Error::invalid("queued mail", detail);
    let end = record
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or_else(|| invalid("it is no line"))?;
    let Line { head, files } = serde_json::from_slice(&record[..end])
        .map_err(|error| invalid("its line is not the JSON of one").with_source(error))?;
    let mut rest = record.slice(end + 1..);
    let mut attachments = Vec::with_capacity(files.len());
    for file in files {
        if file.bytes > rest.len() {
            return Err(invalid("an attachment is cut off"));
        }
        attachments.push(Attachment {
            name: file.name,
            content_type: file.content_type,
            content_id: file.content_id,
            content: rest.split_to(file.bytes),
        });
    }
    Ok(Letter { head, attachments })
}

#[cfg(test)]
mod tests {
    use super::super::super::message::Mail;
    use super::*;

    fn letter() -> Letter {
        let mail = Mail::new()
            .from("Ä <a@example.com>")
            .to("b@example.com")
            .bcc("c@example.com")
            .header("X-Test", "1")
            .text("one\ntwo")
            .html("<p>")
            .attach(Attachment::new("a", "text/plain", "A\n"))
            .attach(Attachment::new("b", "image/png", "").inline("b"))
            .attach(Attachment::new("c", "text/plain", vec![0, 255]));
        Letter::seal(mail, None).unwrap()
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let letter = letter();
        assert_eq!(decode(&encode(&letter).unwrap()).unwrap(), letter);
    }

    #[test]
    fn a_record_that_is_none_is_an_error() {
        let whole = encode(&letter()).unwrap();
        for end in [0, 1, 40, whole.len() - 1] {
            assert!(
                decode(&whole.slice(..end)).unwrap_err().is_invalid(),
                "{end}"
            );
        }
        assert!(
            decode(&Bytes::from_static(b"{}\n"))
                .unwrap_err()
                .is_invalid()
        );
    }
}
