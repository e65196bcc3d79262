//! A mail, being written.

use bytes::Bytes;

use super::mailbox::Mailbox;
use crate::Error;

/// A mail that is being written. What is wrong with it is told when it is sent or queued, before anything leaves.
///
/// No value can become a header of its own: control characters are refused in addresses, names, the subject, headers and names of files.
#[must_use]
#[derive(Clone, Debug, Default)]
pub struct Mail {
    pub(super) from: Option<Mailbox>,
    pub(super) reply_to: Vec<Mailbox>,
    pub(super) to: Vec<Mailbox>,
    pub(super) cc: Vec<Mailbox>,
    pub(super) bcc: Vec<Mailbox>,
    pub(super) subject: String,
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
    pub(super) attachments: Vec<Attachment>,
    pub(super) headers: Vec<(String, String)>,
    /// The first thing that was wrong.
    pub(super) fault: Option<Fault>,
}

#[derive(Clone, Debug)]
pub(super) struct Fault(pub(super) String);

/// A file that goes with a mail.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) content_id: Option<String>,
    pub(super) content: Bytes,
}

impl Mail {
    /// Begins a mail. It goes to somebody ([`to`](Self::to), [`cc`](Self::cc), [`bcc`](Self::bcc)) and says something ([`text`](Self::text),
    /// [`html`](Self::html)).
    pub fn new() -> Self {
        Self::default()
    }

    fn put<M>(mut self, mailbox: M, put: impl FnOnce(&mut Self, Mailbox)) -> Self
    where
        M: TryInto<Mailbox>,
        M::Error: Into<Error>,
    {
        match mailbox.try_into() {
            Ok(mailbox) => put(&mut self, mailbox),
            Err(error) => {
                let error = error.into();
                self.fault.get_or_insert_with(|| Fault(error.to_string()));
            }
        }
        self
    }

    /// Sets who writes. Default: the mailer's own address.
    pub fn from<M>(self, from: M) -> Self
    where
        M: TryInto<Mailbox>,
        M::Error: Into<Error>,
    {
        self.put(from, |mail, mailbox| mail.from = Some(mailbox))
    }

    /// Adds somebody whom it is to.
    pub fn to<M>(self, to: M) -> Self
    where
        M: TryInto<Mailbox>,
        M::Error: Into<Error>,
    {
        self.put(to, |mail, mailbox| mail.to.push(mailbox))
    }

    /// Adds somebody who gets a copy, for all to see.
    pub fn cc<M>(self, cc: M) -> Self
    where
        M: TryInto<Mailbox>,
        M::Error: Into<Error>,
    {
        self.put(cc, |mail, mailbox| mail.cc.push(mailbox))
    }

    /// Adds somebody who gets a copy that nobody else sees.
    pub fn bcc<M>(self, bcc: M) -> Self
    where
        M: TryInto<Mailbox>,
        M::Error: Into<Error>,
    {
        self.put(bcc, |mail, mailbox| mail.bcc.push(mailbox))
    }

    /// Adds an address for answers. Default: answers go to who writes.
    pub fn reply_to<M>(self, reply_to: M) -> Self
    where
        M: TryInto<Mailbox>,
        M::Error: Into<Error>,
    {
        self.put(reply_to, |mail, mailbox| mail.reply_to.push(mailbox))
    }

    /// Sets the subject. Default: none.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }

    /// Sets the text. A mail has a text, HTML, or both as two readings of the same.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Sets the HTML.
    pub fn html(mut self, html: impl Into<String>) -> Self {
        self.html = Some(html.into());
        self
    }

    /// Adds a file.
    pub fn attach(mut self, attachment: Attachment) -> Self {
        self.attachments.push(attachment);
        self
    }

    /// Adds a header, such as `List-Unsubscribe`. Those that the mail has by itself (addresses, subject, date, id, and how it is put together) are refused.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

impl Attachment {
    /// Makes a file with a name and a content type, `application/pdf`.
    pub fn new(
        name: impl Into<String>,
        content_type: impl Into<String>,
        content: impl Into<Bytes>,
    ) -> Self {
        Self {
            name: name.into(),
            content_type: content_type.into(),
            content_id: None,
            content: content.into(),
        }
    }

    /// Makes it a picture inside of the HTML, which shows it with `<img src="cid:ID">`.
    pub fn inline(mut self, id: impl Into<String>) -> Self {
        self.content_id = Some(id.into());
        self
    }
}
