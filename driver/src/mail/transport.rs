//! The seam: one letter, taken or not.

use super::letter::Letter;
use crate::Error;
use crate::backend::BoxFuture;

/// A way by which mail leaves. Checks, ids, deadlines and repeats stand above it.
pub trait MailTransport: Send + Sync + 'static {
    /// Hands the letter on, and returns once the other side is answerable for it.
    ///
    /// Fails with [`Error::refused`] when this letter will never be taken, and with any other error, such as [`Error::unavailable`], when a
    /// later try may succeed. On failure nobody got it, as far as can be known. The future may be dropped at any point; the letter may then have gone.
    fn deliver<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<(), Error>>;

    /// Returns where mail goes, for people to read, without secrets.
    fn describe(&self) -> String;
}
