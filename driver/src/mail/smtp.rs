//! Mail over SMTP.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::time::timeout;

use super::compose;
use super::letter::Letter;
use super::transport::MailTransport;
use crate::Error;
use crate::backend::BoxFuture;

/// How long the way to a server may take: look-up, TCP, and TLS where it comes first.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a server may take over our goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// An SMTP server. Each letter has a connection of its own: nothing of a try that was cut off can be taken for an answer to the next.
pub(super) struct Smtp {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) credentials: Option<Credentials>,
}

pub(super) enum Security {
    /// `smtps:`
    Tls(TlsParameters),
    /// `smtp:`
    StartTls(TlsParameters),
    /// `smtp:` on loopback, or where it was asked for.
    None,
}

impl MailTransport for Smtp {
    fn deliver<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let message = compose::message(letter)?;
            let mut connection = self.connect().await?;
            let sent = self
                .send(&mut connection, message.envelope(), &message.formatted())
                .await;
            // The letter is gone or not, whatever becomes of the goodbye: it is said aside, so that a caller that gives up now is not told otherwise.
            tokio::spawn(async move {
                let _ = timeout(GOODBYE, connection.abort()).await;
            });
            sent
        })
    }

    fn describe(&self) -> String {
        let scheme = match self.security {
            Security::Tls(_) => "smtps",
            Security::StartTls(_) | Security::None => "smtp",
        };
        let Self { host, port, .. } = self;
        format!("{scheme}://{host}:{port}")
    }
}

impl Smtp {
    /// Whatever fails before the letter is offered says nothing about the letter: a later try may succeed, once somebody has mended the password perhaps.
    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let away = |what: &str, error: SmtpError| {
            Error::unavailable(format!("{}: {what}", self.describe())).with_source(error)
        };
        let hello = ClientId::default();
        let tls = match &self.security {
            Security::Tls(parameters) => Some(parameters.clone()),
            Security::StartTls(_) | Security::None => None,
        };
        let address = (self.host.trim_matches(['[', ']']), self.port);
        let connecting =
            AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT), &hello, tls, None);
        let mut connection = connecting
            .await
            .map_err(|error| away("no connection", error))?;
        if let Security::StartTls(parameters) = &self.security {
            if !connection.can_starttls() {
                return Err(Error::unavailable(format!(
                    "{}: the server does not offer STARTTLS, and nothing is sent without",
                    self.describe()
                )));
            }
            connection
                .starttls(parameters.clone(), &hello)
                .await
                .map_err(|error| away("no TLS", error))?;
        }
        if let Some(credentials) = &self.credentials {
            connection
                .auth(&[Mechanism::Plain, Mechanism::Login], credentials)
                .await
                .map_err(|error| match error.status() {
                    Some(code) => away(
                        &format!("the server does not take our name and password ({code})"),
                        error,
                    ),
                    None => away("no login", error),
                })?;
        }
        Ok(connection)
    }

    async fn send(
        &self,
        connection: &mut AsyncSmtpConnection,
        envelope: &Envelope,
        message: &[u8],
    ) -> Result<(), Error> {
        let Err(error) = connection.send(envelope, message).await else {
            return Ok(());
        };
        let to = self.describe();
        // What the client itself refuses (an address that the server has no way to take) is as final as a 5xx.
        let error = if error.is_permanent() || error.is_client() {
            Error::refused(format!("{to}: the server refuses the mail")).with_source(error)
        } else if error.is_transient() {
            Error::unavailable(format!("{to}: the server refuses the mail for now"))
                .with_source(error)
        } else {
            Error::unavailable(format!("{to}: the connection broke")).with_source(error)
        };
        Err(error)
    }
}
