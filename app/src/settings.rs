//! Settings: one table of options, each a flag, an environment variable and a key of `pleach.toml`.
//!
//! The flag is stronger than the variable, the variable than the file, the file than the default; [`Settings`] remembers for every
//! value where it came from.

mod base;
mod command;
mod duration;
mod file;
mod help;
mod load;
mod mask;
mod option;
mod program;
mod public_url;
mod similar;
mod size;
mod value;

#[cfg(test)]
mod tests;

use std::fmt;

use crate::tier::Tier;

pub(crate) use base::*;
pub(crate) use command::{Command, CommandFlag, Invocation};
pub use option::{Opt, Row};
pub(crate) use program::{Parsed, Program};
pub(crate) use public_url::check_public_url;
pub use size::Size;
pub use value::{Retention, Value};

/// The settings of an application: a value for every option, and where it came from.
#[derive(Clone, Debug)]
pub struct Settings {
    values: Vec<Setting>,
}

/// The value of one option.
#[derive(Clone, Debug)]
struct Setting {
    row: Row,
    text: String,
    source: Source,
}

/// Where a value came from, from the weakest up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Default,
    /// The file, by the name it was given.
    File(String),
    Env,
    Flag,
    /// [`Settings::with`].
    Program,
}

impl Default for Settings {
    /// The options of the base, with their defaults.
    fn default() -> Self {
        Self::of_defaults(base::rows())
    }
}

impl Settings {
    /// Gives every option its default.
    pub(crate) fn of_defaults(rows: impl IntoIterator<Item = Row>) -> Self {
        let mut settings = Self { values: Vec::new() };
        for row in rows {
            let text = row.default_text(&settings);
            settings.values.push(Setting {
                row,
                text,
                source: Source::Default,
            });
        }
        settings
    }

    /// Gives an option a value, in the spelling of a flag: for programs and tests that read no command line.
    ///
    /// # Errors
    /// A sentence that says why the text is no value of this option.
    pub fn with<T: Value>(mut self, option: &Opt<T>, text: &str) -> Result<Self, String> {
        let row = Row::from(*option);
        row.check(text)?;
        let setting = Setting {
            row,
            text: text.to_owned(),
            source: Source::Program,
        };
        match self
            .values
            .iter_mut()
            .find(|setting| setting.row.name() == option.name())
        {
            Some(old) => *old = setting,
            None => self.values.push(setting),
        }
        Ok(self)
    }

    /// Returns the value of an option. An option that was not registered has its default.
    ///
    /// # Panics
    /// When the default of an option that was not registered is no value of its type, which is a mistake in the program.
    #[must_use]
    pub fn get<T: Value>(&self, option: &Opt<T>) -> T {
        let setting = self
            .values
            .iter()
            .find(|setting| setting.row.name() == option.name());
        let parsed = match setting {
            Some(setting) => T::parse(&setting.text),
            None => T::parse(&Row::from(*option).default_text(self)),
        };
        parsed.unwrap_or_else(|error| {
            panic!(
                "values are checked when they are read, and `{}` is not one: {error}",
                option.name()
            )
        })
    }

    /// Returns the tier.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.get(&TIER)
    }

    /// Returns who administers the application: user ids and verified e-mail addresses.
    #[must_use]
    pub fn admins(&self) -> Vec<String> {
        self.get(&ADMINS)
    }

    /// Returns what the command `config` prints: every option with its value, secrets masked, and where the value came from.
    pub(crate) fn describe(&self) -> String {
        self.values
            .iter()
            .map(|setting| format!("{setting}\n"))
            .collect()
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { row, text, source } = self;
        write!(f, "{} = {}  # ", row.name(), mask::masked(row, text))?;
        match source {
            Source::Default => f.write_str("default"),
            Source::File(path) => write!(f, "file {path}"),
            Source::Env => write!(f, "env {}", row.variable()),
            Source::Flag => write!(f, "flag --{}", row.name()),
            Source::Program => f.write_str("program"),
        }
    }
}
