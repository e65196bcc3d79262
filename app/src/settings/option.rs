//! What an option is.

use std::fmt;
use std::marker::PhantomData;

use super::Settings;
use super::value::Value;

/// What the name of every environment variable begins with.
const PREFIX: &str = "PLEACH_";

/// An option: a flag `--name`, an environment variable `PLEACH_NAME` and a key `name` of `pleach.toml`, for a value of type `T`.
///
/// ```
/// use std::time::Duration;
/// use pleach::{BaseApp, Opt};
///
/// const GAME_TTL: Opt<Duration> = Opt::new("game-ttl", "1h", "How long a game lives after its last change");
///
/// let arena = BaseApp::builder("arena").option(GAME_TTL);
/// // In a handler: `cx.settings().get(&GAME_TTL)`
/// ```
pub struct Opt<T> {
    name: &'static str,
    default: Default,
    help: &'static str,
    secret: bool,
    value: PhantomData<fn() -> T>,
}

/// What an option is when nobody sets it.
#[derive(Clone, Copy)]
enum Default {
    Text(&'static str),
    /// What is made of the options before it in the table.
    Derived(fn(&Settings) -> String),
}

impl<T> Opt<T> {
    /// Makes an option of a name (lower case, words joined by dashes), a default as a user would write it, and a line of help.
    #[must_use]
    pub const fn new(name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self {
            name,
            default: Default::Text(default),
            help,
            secret: false,
            value: PhantomData,
        }
    }

    /// Makes an option whose default depends on the options before it.
    #[must_use]
    pub const fn derived(
        name: &'static str,
        default: fn(&Settings) -> String,
        help: &'static str,
    ) -> Self {
        Self {
            name,
            default: Default::Derived(default),
            help,
            secret: false,
            value: PhantomData,
        }
    }

    /// Never shows the value, nor takes it into a message.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Returns the name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<T> Clone for Opt<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Opt<T> {}

impl<T> fmt::Debug for Opt<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opt(--{})", self.name)
    }
}

/// An option as a row of the table of all: what it is, without the type of its value.
#[derive(Clone, Copy)]
pub struct Row {
    name: &'static str,
    default: Default,
    help: &'static str,
    secret: bool,
    shape: &'static str,
    is_switch: bool,
    check: fn(&str) -> Result<(), String>,
}

impl<T: Value> From<Opt<T>> for Row {
    fn from(option: Opt<T>) -> Self {
        let Opt {
            name,
            default,
            help,
            secret,
            value: PhantomData,
        } = option;
        Self {
            name,
            default,
            help,
            secret,
            shape: T::SHAPE,
            is_switch: T::IS_SWITCH,
            check: |text| T::parse(text).map(drop),
        }
    }
}

impl Row {
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the name of the environment variable.
    pub(crate) fn variable(&self) -> String {
        format!(
            "{PREFIX}{}",
            self.name.to_ascii_uppercase().replace('-', "_")
        )
    }

    pub(crate) fn help(&self) -> &'static str {
        self.help
    }

    /// Returns what a value looks like, such as `DURATION`.
    pub(crate) fn shape(&self) -> &'static str {
        self.shape
    }

    /// Returns true when the flag alone means `true`, and takes a value only after `=`.
    pub(crate) fn is_switch(&self) -> bool {
        self.is_switch
    }

    pub(crate) fn is_secret(&self) -> bool {
        self.secret
    }

    /// Checks that a text is a value of this option.
    pub(crate) fn check(&self, text: &str) -> Result<(), String> {
        (self.check)(text)
    }

    /// Returns the option with another default.
    pub(crate) fn with_default(mut self, text: &'static str) -> Self {
        self.default = Default::Text(text);
        self
    }

    pub(crate) fn default_text(&self, before: &Settings) -> String {
        match self.default {
            Default::Text(text) => text.to_owned(),
            Default::Derived(make) => make(before),
        }
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row(--{})", self.name)
    }
}
