//! Mail into the log.

use std::fmt;

use tracing::{debug, info};

use super::letter::Letter;
use super::mailbox::Mailbox;
use super::transport::MailTransport;
use crate::Error;
use crate::backend::BoxFuture;

/// Logs who gets which letter, and only in detail what it says: a subject or text often holds a code or link that lets its reader in.
pub(super) struct Log;

impl MailTransport for Log {
    fn deliver<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            info!(id = letter.id(), to = %Addresses(letter), "a mail goes to the log");
            debug!(
                id = letter.id(),
                subject = letter.subject(),
                text = letter.text().or(letter.html()),
                "what the mail says"
            );
            Ok(())
        })
    }

    fn describe(&self) -> String {
        "log:".to_owned()
    }
}

/// Everybody who gets a letter, for a log line.
pub(super) struct Addresses<'a>(pub(super) &'a Letter);

impl fmt::Display for Addresses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, address) in self.0.recipients().map(Mailbox::address).enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            f.write_str(address)?;
        }
        Ok(())
    }
}
