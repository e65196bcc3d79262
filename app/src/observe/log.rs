//! Log lines: which are written, in what form, and where they go.

mod format;
mod subscriber;
mod writer;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::IsTerminal as _;
use std::str::FromStr;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::tier::Tier;
use subscriber::Lines;
use writer::Writer;

/// Which lines are written: `info`, or `info,hyper=warn,pleach::live=debug`.
#[derive(Clone, Debug)]
pub(crate) struct Filter(Targets);

impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error| {
            format!("`{text}` is not a filter such as `info` or `info,pleach::live=debug`: {error}")
        })
    }
}

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people at a terminal.
    Pretty {
        /// With colours.
        colours: bool,
    },
    /// An object a line, for machines.
    Json,
}

impl Format {
    /// Returns what a tier asks for on standard error: pretty in development (in colour at a terminal, unless `NO_COLOR` is set), JSON
    /// elsewhere.
    pub(crate) fn of(tier: Tier) -> Self {
        match tier {
            Tier::Development => Self::Pretty {
                colours: std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
            },
            Tier::Staging | Tier::Production => Self::Json,
        }
    }
}

/// Sends the log lines of the whole process to standard error, until the guard is dropped, which writes what is still waiting.
///
/// Only the entry point of a program calls this: an embedding program or a test has a subscriber of its own.
///
/// # Errors
/// When the process has a subscriber already.
pub(crate) fn install(filter: Filter, format: Format) -> Result<Guard, AlreadyInstalled> {
    let (writer, guard) = Writer::start(std::io::stderr());
    let subscriber = tracing_subscriber::registry()
        .with(filter.0)
        .with(Lines::new(format, writer));
    tracing::subscriber::set_global_default(subscriber).map_err(|_| AlreadyInstalled)?;
    Ok(Guard(guard))
}

/// Keeps the writer of log lines going; dropped, it waits up to a second for the lines that are still to be written.
#[derive(Debug)]
#[must_use = "lines that are still waiting are lost without it"]
pub(crate) struct Guard(#[expect(dead_code, reason = "held for its drop")] writer::Flush);

/// The process has a subscriber already.
#[derive(Debug)]
pub(crate) struct AlreadyInstalled;

impl fmt::Display for AlreadyInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the process has a subscriber of log lines already")
    }
}

impl std::error::Error for AlreadyInstalled {}
