//! Mail: messages, and the ways by which they leave.

mod compose;
mod file;
mod letter;
mod location;
mod log;
mod mailbox;
mod memory;
mod message;
mod smtp;
mod transport;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::letter::Letter;
pub use self::mailbox::Mailbox;
pub use self::memory::MemoryMail;
pub use self::message::{Attachment, Mail};
pub use self::transport::MailTransport;

use crate::{Error, deadline};

/// How long a direct send may take unless told otherwise: servers delay greetings and answers to keep senders of spam off.
const DEADLINE: Duration = Duration::from_secs(30);

/// Mail of a driver. A clone is a handle on the same transport.
///
/// The transport is named by a URL:
///
/// | URL | what becomes of a mail |
/// |---|---|
/// | `log:` | one log line at `info` with its id and recipients; at `debug` its subject and text, which may hold secrets. It goes nowhere |
/// | `file:DIR` | a file `TIME-ID.eml` in the directory, which is made; nobody else may read it |
/// | `smtp://HOST[:587]` | it goes to an SMTP server over STARTTLS, which the server must offer |
/// | `smtps://HOST[:465]` | it goes to an SMTP server over TLS from the start |
///
/// The SMTP URLs take `USER:PASSWORD@` in front of the host (percent-encoded where need be) and the parameters `tls=required` or `tls=none`, `ca=FILE`
/// (PEM: certificates that are trusted besides Mozilla's roots, which are part of the binary) and `from=ADDRESS` (who writes where a mail does not
/// say). `smtp:` to a loopback host speaks plainly unless `tls=required` is given; to any other host it is TLS unless `tls=none` is given.
///
/// A memory transport for tests is [`MemoryMail`]; one of one's own is a [`MailTransport`](crate::backend::MailTransport).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), pleach_driver::Error> {
/// use pleach_driver::{Attachment, Driver, Mail, Mailer, MemoryMail};
///
/// let sent = MemoryMail::new();
/// let driver = Driver::builder("memory:").mail(Mailer::new(sent.clone())).open().await?;
/// let mail = Mail::new("The arena <arena@example.com>", "ann@example.com")
///     .subject("Your game")
///     .text("You won.")
///     .html("<p>You <b>won</b>.</p>")
///     .attach(Attachment::new("game.txt", "text/plain", "X O X"));
/// driver.mail().send(mail).await?;
/// assert_eq!(sent.letters()[0].subject(), "Your game");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Mailer {
    inner: Arc<Inner>,
}

struct Inner {
    transport: Arc<dyn MailTransport>,
    from: Option<Mailbox>,
    deadline: Duration,
}

/// Settings of mail.
#[derive(Debug)]
#[must_use]
pub struct MailerBuilder {
    url: String,
    from: Option<Mailbox>,
    deadline: Duration,
}

impl Mailer {
    /// Begins the settings of mail that leaves by the URL given: see [`Mailer`].
    pub fn builder(url: impl Into<String>) -> MailerBuilder {
        MailerBuilder {
            url: url.into(),
            from: None,
            deadline: DEADLINE,
        }
    }

    /// Makes mail that leaves by a transport of one's own, or by [`MemoryMail`].
    pub fn new(transport: impl MailTransport) -> Self {
        Self {
            inner: Arc::new(Inner {
                transport: Arc::new(transport),
                from: None,
                deadline: DEADLINE,
            }),
        }
    }

    /// Hands a mail to the transport and returns its id once it was taken.
    ///
    /// With several recipients it is all or nothing: if the server refuses one of them, none gets the mail.
    ///
    /// # Errors
    /// [`Error::is_invalid`] and [`Error::is_too_large`] for what is wrong with the mail, before anything is sent; [`Error::is_refused`] when the
    /// server said no for good (5xx); [`Error::is_unavailable`] when it can't be reached, is not to be trusted, takes neither our name nor password,
    /// or said no for now (4xx); [`Error::is_timeout`] after 30 s unless set.
    ///
    /// # Cancel safety
    /// Cancel safe. A call that was dropped or timed out may have sent the mail: when the server had it all and its answer was lost.
    pub async fn send(&self, mail: Mail) -> Result<String, Error> {
        let letter = Letter::seal(mail, self.inner.from.as_ref())?;
        self.deliver(&letter, self.inner.deadline).await?;
        Ok(letter.id().to_owned())
    }

    async fn deliver(&self, letter: &Letter, limit: Duration) -> Result<(), Error> {
        deadline::within(
            "sending a mail",
            limit,
            self.inner.transport.deliver(letter),
        )
        .await
    }

    /// Returns where mail goes, for people to read, with secrets masked.
    pub fn describe(&self) -> String {
        self.inner.transport.describe()
    }
}

impl MailerBuilder {
    /// Sets who writes where neither a mail nor the URL says. Default: nobody, and such a mail is an error.
    pub fn from(mut self, mailbox: Mailbox) -> Self {
        self.from = Some(mailbox);
        self
    }

    /// Sets how long [`Mailer::send`] may take. Default: 30 s.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Makes the mailer. Nothing is connected to before there is a mail.
    ///
    /// # Errors
    /// [`Error::is_invalid`] for a malformed URL, unknown scheme or parameter, or a certificate file that is none.
    pub fn build(self) -> Result<Mailer, Error> {
        let opened = location::open(&self.url)?;
        Ok(Mailer {
            inner: Arc::new(Inner {
                transport: opened.transport,
                from: opened.from.or(self.from),
                deadline: self.deadline,
            }),
        })
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer")
            .field("to", &self.describe())
            .field("from", &self.inner.from)
            .finish_non_exhaustive()
    }
}
