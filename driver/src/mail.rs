//! Mail: messages, and the ways by which they leave.

mod compose;
mod file;
mod letter;
mod location;
mod log;
mod mailbox;
mod memory;
mod message;
mod outbox;
mod smtp;
mod transport;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::letter::Letter;
pub use self::mailbox::Mailbox;
pub use self::memory::MemoryMail;
pub use self::message::{Attachment, Mail};
pub use self::outbox::FailedMail;
pub use self::transport::MailTransport;

use self::outbox::{Outbox, Retries};
use crate::stream::Streams;
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
/// let mail = Mail::new().from("The arena <arena@example.com>").to("ann@example.com")
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
    settings: Arc<Settings>,
    /// Where mail is queued; none before the mailer is a driver's.
    outbox: Option<Outbox>,
}

struct Settings {
    transport: Arc<dyn MailTransport>,
    from: Option<Mailbox>,
    deadline: Duration,
    retries: Retries,
}

/// Settings of mail.
#[must_use]
pub struct MailerBuilder {
    way: Way,
    from: Option<Mailbox>,
    deadline: Duration,
    retries: Retries,
}

enum Way {
    Url(String),
    Own(Arc<dyn MailTransport>),
}

impl Mailer {
    /// Begins the settings of mail that leaves by the URL given: see [`Mailer`].
    pub fn builder(url: impl Into<String>) -> MailerBuilder {
        MailerBuilder::new(Way::Url(url.into()))
    }

    /// Begins the settings of mail that leaves by a transport of one's own, or by [`MemoryMail`].
    pub fn builder_on(transport: impl MailTransport) -> MailerBuilder {
        MailerBuilder::new(Way::Own(Arc::new(transport)))
    }

    /// Makes mail that leaves by a transport of one's own, or by [`MemoryMail`], with the defaults of [`Mailer::builder_on`].
    pub fn new(transport: impl MailTransport) -> Self {
        let transport = Arc::new(transport);
        MailerBuilder::new(Way::Own(transport.clone())).finish(transport, None)
    }

    /// The same mail with its queue in these streams.
    pub(crate) fn bound_to(&self, streams: &Streams) -> Self {
        Self {
            settings: Arc::clone(&self.settings),
            outbox: Some(Outbox::new(streams.clone())),
        }
    }

    /// Hands a mail to the transport and returns its id once it was taken. Where a request waits for it, [`queue`](Self::queue) is the better way.
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
        let letter = Letter::seal(mail, self.settings.from.as_ref())?;
        self.deliver(&letter, self.settings.deadline).await?;
        Ok(letter.id().to_owned())
    }

    /// Queues a mail and returns its id once it is stored: from then on it outlives this process, and whoever runs
    /// [`work`](Self::work) on the same store sends it.
    ///
    /// It is checked as [`send`](Self::send) does, and may have 1 MiB with its attachments. A mail is tried until its server takes it, at growing
    /// distances, and put aside as [failed](Self::failed) when the server refuses it for good or all tries were in vain. What waits for
    /// 30 days without a worker is dropped.
    ///
    /// # Duplicates
    /// No mail is lost, so that one may come twice, with the same `Message-ID` each time: when its server took it and the answer was lost
    /// (the connection broke, no answer came within the [deadline of a try](MailerBuilder::attempt_deadline), or this process ended in that moment), and when it was sent and the
    /// store could not be told. A call of `queue` that failed by its deadline may have queued the mail; a second call makes another mail.
    ///
    /// # Errors
    /// [`Error::is_invalid`], [`Error::is_too_large`] for what is wrong with the mail; those of [`Stream::publish`](crate::Stream::publish);
    /// [`Error::is_unsupported`] for a mailer that is no driver's.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped call has queued the mail or not.
    pub async fn queue(&self, mail: Mail) -> Result<String, Error> {
        let letter = Letter::seal(mail, self.settings.from.as_ref())?;
        self.outbox()?.push(&letter).await?;
        Ok(letter.id().to_owned())
    }

    /// Sends what is queued, until `stop`; then it begins no new try, waits for those under way, and returns. Any number of processes may work on
    /// the same store: each try is made by one of them.
    ///
    /// It lives through a store that is away.
    ///
    /// # Errors
    /// [`Error::is_closed`] when the driver was closed before `stop`, [`Error::is_unsupported`] for a mailer that is no driver's.
    ///
    /// # Cancel safety
    /// Cancel safe: a try that was cut off is made again within half a minute, by whoever works then. Its server may have taken the mail.
    pub async fn work(&self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        self.outbox()?.work(self, stop).await
    }

    /// Returns the last `most` mails (1 to [`MAX_READ`](crate::MAX_READ)) that were put aside, oldest first. They are kept for 30 days.
    ///
    /// # Errors
    /// Those of [`Stream::replay`](crate::Stream::replay); [`Error::is_unsupported`] for a mailer that is no driver's.
    pub async fn failed(&self, most: usize) -> Result<Vec<FailedMail>, Error> {
        self.outbox()?.failed(most).await
    }

    /// Queues a failed mail again, with the same id. It is failed no more.
    ///
    /// # Errors
    /// Those of [`queue`](Self::queue).
    ///
    /// # Cancel safety
    /// A call that was dropped or failed may have queued the mail and left it among the failed.
    pub async fn requeue(&self, failed: &FailedMail) -> Result<(), Error> {
        self.outbox()?.requeue(failed).await
    }

    fn outbox(&self) -> Result<&Outbox, Error> {
        self.outbox.as_ref().ok_or_else(|| {
            Error::unsupported(
                "mail is queued in a driver's streams, and this mailer is no driver's",
            )
        })
    }

    async fn deliver(&self, letter: &Letter, limit: Duration) -> Result<(), Error> {
        deadline::within(
            "sending a mail",
            limit,
            self.settings.transport.deliver(letter),
        )
        .await
    }

    /// Returns where mail goes, for people to read, with secrets masked.
    pub fn describe(&self) -> String {
        self.settings.transport.describe()
    }
}

impl MailerBuilder {
    fn new(way: Way) -> Self {
        Self {
            way,
            from: None,
            deadline: DEADLINE,
            retries: Retries::default(),
        }
    }

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

    /// Sets how often a queued mail is tried before it is put aside: see [`Mailer::failed`]. Default: 30 times, which takes about a day.
    pub fn attempts(mut self, most: u32) -> Self {
        self.retries.attempts = most.max(1);
        self
    }

    /// Sets how long a queued mail waits after its first try, from where it doubles, and how long at most. Default: 5 s and 1 h.
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.retries.first = first;
        self.retries.longest = longest;
        self
    }

    /// Sets how long one try of a queued mail may take. Default: 2 min; a server that is given less may have taken the mail when it is left.
    pub fn attempt_deadline(mut self, deadline: Duration) -> Self {
        self.retries.deadline = deadline;
        self
    }

    /// Sets how many queued mails one worker sends at once. Default: 4.
    pub fn concurrency(mut self, most: usize) -> Self {
        self.retries.concurrency = most.max(1);
        self
    }

    /// Makes the mailer. Nothing is connected to before there is a mail.
    ///
    /// # Errors
    /// [`Error::is_invalid`] for a malformed URL, unknown scheme or parameter, or a certificate file that is none.
    pub fn build(self) -> Result<Mailer, Error> {
        let opened = match &self.way {
            Way::Url(url) => location::open(url)?,
            Way::Own(transport) => location::Opened {
                transport: Arc::clone(transport),
                from: None,
            },
        };
        Ok(self.finish(opened.transport, opened.from))
    }

    fn finish(self, transport: Arc<dyn MailTransport>, from: Option<Mailbox>) -> Mailer {
        Mailer {
            settings: Arc::new(Settings {
                transport,
                from: from.or(self.from),
                deadline: self.deadline,
                retries: self.retries,
            }),
            outbox: None,
        }
    }
}

impl fmt::Debug for MailerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailerBuilder")
            .field("from", &self.from)
            .field("deadline", &self.deadline)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer")
            .field("to", &self.describe())
            .field("from", &self.settings.from)
            .finish_non_exhaustive()
    }
}
