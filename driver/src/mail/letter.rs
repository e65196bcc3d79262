//! A mail that is complete, checked, and has an id.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::compose;
use super::mailbox::Mailbox;
use super::message::{Attachment, Mail};
use crate::Error;

/// How much text and attachments of a mail may be together: what common servers take once it is encoded.
const MAX_BYTES: usize = 10 * 1024 * 1024;
/// How many may get a mail. Source: RFC 5321, section 4.5.3.1.8, the least that a server takes.
const MAX_RECIPIENTS: usize = 100;

/// A mail on its way: checked, with an id and a date that stay the same however often it is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub(super) head: Head,
    pub(super) attachments: Vec<Attachment>,
}

/// All but the contents of attachments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) id: String,
    /// Seconds since 1970.
    pub(super) date: u64,
    pub(super) from: Mailbox,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) reply_to: Vec<Mailbox>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) to: Vec<Mailbox>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) cc: Vec<Mailbox>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) bcc: Vec<Mailbox>,
    pub(super) subject: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) html: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) headers: Vec<(String, String)>,
}

impl Letter {
    /// Completes and checks a mail.
    pub(super) fn seal(mail: Mail, sender: Option<&Mailbox>) -> Result<Self, Error> {
        let Mail {
            from,
            reply_to,
            to,
            cc,
            bcc,
            subject,
            text,
            html,
            attachments,
            headers,
            fault,
        } = mail;
        if let Some(fault) = fault {
            return Err(Error::invalid("mail", fault.0));
        }
        let from = from
            .or_else(|| sender.cloned())
            .ok_or_else(|| Error::invalid("mail", "nobody is named who writes it"))?;
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let letter = Self {
            head: Head {
                id: new_id(from.domain())?,
                date: now.as_secs(),
                from,
                reply_to,
                to,
                cc,
                bcc,
                subject,
                text,
                html,
                headers,
            },
            attachments,
        };
        letter.check_limits()?;
        compose::check(&letter)?;
        // Whatever the builder of messages finds wrong is told now and not by a worker later.
        letter.to_mime()?;
        Ok(letter)
    }

    fn check_limits(&self) -> Result<(), Error> {
        let recipients = self.recipients().count();
        if recipients == 0 {
            return Err(Error::invalid("mail", "nobody is named who gets it"));
        }
        if recipients > MAX_RECIPIENTS {
            return Err(Error::invalid(
                "mail",
                format!("it has {recipients} recipients, and {MAX_RECIPIENTS} is the limit"),
            ));
        }
        let texts = [&self.head.text, &self.head.html];
        let texts = texts.into_iter().flatten().map(String::len);
        let files = self.attachments.iter().map(|file| file.content.len());
        let size = texts.chain(files).fold(0, usize::saturating_add);
        if size > MAX_BYTES {
            return Err(Error::too_large("a mail", MAX_BYTES, size));
        }
        Ok(())
    }

    /// Returns its id, the `Message-ID` without the angle brackets. A repeat has the same.
    pub fn id(&self) -> &str {
        &self.head.id
    }

    /// The part of the id that is random, for places where an id is short.
    pub(super) fn random(&self) -> &str {
        self.head.id.split('@').next().unwrap_or_default()
    }

    /// Returns when it was written.
    pub fn date(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.head.date)
    }

    /// Returns who writes.
    pub fn from(&self) -> &Mailbox {
        &self.head.from
    }

    /// Returns whom it is to, copies aside.
    pub fn to(&self) -> &[Mailbox] {
        &self.head.to
    }

    /// Returns everybody who gets it, those unseen included.
    pub fn recipients(&self) -> impl Iterator<Item = &Mailbox> {
        let Head { to, cc, bcc, .. } = &self.head;
        to.iter().chain(cc).chain(bcc)
    }

    /// Returns the subject.
    pub fn subject(&self) -> &str {
        &self.head.subject
    }

    /// Returns the text.
    pub fn text(&self) -> Option<&str> {
        self.head.text.as_deref()
    }

    /// Returns the HTML.
    pub fn html(&self) -> Option<&str> {
        self.head.html.as_deref()
    }

    /// Returns the attachments: name, content type, content.
    pub fn attachments(&self) -> impl Iterator<Item = (&str, &str, &Bytes)> {
        self.attachments.iter().map(|file| {
            (
                file.name.as_str(),
                file.content_type.as_str(),
                &file.content,
            )
        })
    }

    /// Returns it as it goes over the wire: RFC 5322 and MIME, lines ending in CRLF, without those who get it unseen.
    ///
    /// # Errors
    /// [`Error::is_invalid`], which a letter that was made here never is.
    pub fn to_mime(&self) -> Result<Vec<u8>, Error> {
        Ok(compose::message(self)?.formatted())
    }
}

/// An id that is unique for ever and tells nothing about this machine: 128 random bits at the domain of who writes.
fn new_id(domain: &str) -> Result<String, Error> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| Error::unavailable("there is no randomness").with_source(error))?;
    Ok(format!("{:032x}@{domain}", u128::from_be_bytes(random)))
}
