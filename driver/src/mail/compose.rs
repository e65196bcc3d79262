//! From a letter to the bytes of RFC 5322 and MIME.

use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{self, MultiPart, SinglePart};

use super::letter::{Head, Letter};
use super::message::Attachment;
use crate::Error;

/// Headers that a mail has by itself.
const OWN: [&str; 14] = [
    "bcc",
    "cc",
    "date",
    "from",
    "message-id",
    "mime-version",
    "received",
    "reply-to",
    "return-path",
    "sender",
    "subject",
    "to",
    "dkim-signature",
    "authentication-results",
];

/// Checks what the builder beneath lets pass.
pub(super) fn check(letter: &Letter) -> Result<(), Error> {
    let Head {
        subject,
        headers,
        text,
        html,
        ..
    } = &letter.head;
    refuse_controls("the subject", subject)?;
    if text.is_none() && html.is_none() {
        return Err(invalid("it has neither text nor HTML"));
    }
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        if OWN.contains(&lower.as_str())
            || lower.starts_with("content-")
            || lower.starts_with("resent-")
        {
            return Err(invalid(format!(
                "the header {name:?} is made by the mail itself"
            )));
        }
        // Source: RFC 5322, section 2.2, of which only tokens are of use.
        if name.is_empty()
            || name.len() > 64
            || !name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            return Err(invalid(format!("{name:?} is not the name of a header")));
        }
        refuse_controls(name, value)?;
    }
    for file in &letter.attachments {
        refuse_controls("the name of an attachment", &file.name)?;
        if let Some(id) = &file.content_id {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_@".contains(&byte);
            if id.is_empty() || !id.bytes().all(is_plain) {
                return Err(invalid(format!(
                    "{id:?} is not the id of a picture: letters, digits and . - _ @ are"
                )));
            }
        }
    }
    Ok(())
}

pub(super) fn message(letter: &Letter) -> Result<Message, Error> {
    let Head {
        id,
        date: _,
        from,
        reply_to,
        to,
        cc,
        bcc,
        subject,
        text: _,
        html: _,
        headers,
    } = &letter.head;
    let mut builder = Message::builder()
        .message_id(Some(format!("<{id}>")))
        .date(letter.date())
        .from(from.to_lettre()?)
        .subject(subject.clone());
    for mailbox in reply_to {
        builder = builder.reply_to(mailbox.to_lettre()?);
    }
    for mailbox in to {
        builder = builder.to(mailbox.to_lettre()?);
    }
    for mailbox in cc {
        builder = builder.cc(mailbox.to_lettre()?);
    }
    for mailbox in bcc {
        builder = builder.bcc(mailbox.to_lettre()?);
    }
    for (name, value) in headers {
        let header = HeaderName::new_from_ascii(name.clone())
            .map_err(|error| invalid(format!("the header {name:?}: {error}")))?;
        builder = builder.raw_header(HeaderValue::new(header, value.clone()));
    }
    let built = match body(letter)? {
        Part::Single(part) => builder.singlepart(part),
        Part::Multi(part) => builder.multipart(part),
    };
    built.map_err(|error| invalid(error.to_string()))
}

enum Part {
    Single(SinglePart),
    Multi(MultiPart),
}

/// Puts the parts together: files beside the body, and in the body the text before the HTML with its pictures.
fn body(letter: &Letter) -> Result<Part, Error> {
    let (inline, files): (Vec<_>, Vec<_>) = letter
        .attachments
        .iter()
        .partition(|file| file.content_id.is_some() && letter.head.html.is_some());
    let html = match &letter.head.html {
        None => None,
        Some(html) => {
            let part = SinglePart::html(html.clone());
            Some(if inline.is_empty() {
                Part::Single(part)
            } else {
                let mut related = MultiPart::related().singlepart(part);
                for file in inline {
                    related = related.singlepart(attachment(file)?);
                }
                Part::Multi(related)
            })
        }
    };
    let text = letter.head.text.clone().map(SinglePart::plain);
    let body = match (text, html) {
        (Some(text), Some(html)) => {
            let both = MultiPart::alternative().singlepart(text);
            Part::Multi(match html {
                Part::Single(html) => both.singlepart(html),
                Part::Multi(html) => both.multipart(html),
            })
        }
        (Some(text), None) => Part::Single(text),
        (None, Some(html)) => html,
        (None, None) => return Err(invalid("it has neither text nor HTML")),
    };
    if files.is_empty() {
        return Ok(body);
    }
    let mixed = MultiPart::mixed();
    let mut mixed = match body {
        Part::Single(body) => mixed.singlepart(body),
        Part::Multi(body) => mixed.multipart(body),
    };
    for file in files {
        mixed = mixed.singlepart(attachment(file)?);
    }
    Ok(Part::Multi(mixed))
}

fn attachment(file: &Attachment) -> Result<SinglePart, Error> {
    let Attachment {
        name,
        content_type,
        content_id,
        content,
    } = file;
    let kind = ContentType::parse(content_type)
        .map_err(|_| invalid(format!("{content_type:?} is not a content type")))?;
    let disposition = match content_id {
        None => message::Attachment::new(name.clone()),
        Some(id) => message::Attachment::new_inline_with_name(id.clone(), name.clone()),
    };
    Ok(disposition.body(content.to_vec(), kind))
}

fn refuse_controls(what: &str, text: &str) -> Result<(), Error> {
    if text.chars().any(char::is_control) {
        return Err(invalid(format!("{what} has a control character")));
    }
    Ok(())
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::invalid("mail", detail)
}
