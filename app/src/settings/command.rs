//! Commands, and what a command line came to.

use super::Settings;

/// A command of the program: a row of a table, so that an application may add its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// What follows the name, such as `METHOD URL`.
    pub(crate) arguments: &'static str,
    pub(crate) help: &'static str,
    /// Flags that this command alone takes.
    pub(crate) flags: &'static [CommandFlag],
}

/// A flag of one command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommandFlag {
    /// With its dashes, such as `--absolute` or `-H`.
    pub(crate) name: &'static str,
    /// What its value looks like, such as `'K: V'`; none for a switch.
    pub(crate) value: Option<&'static str>,
    pub(crate) help: &'static str,
}

/// What a command line came to: the command, and what it was given.
#[derive(Debug)]
pub(crate) struct Invocation {
    /// The name of the command; the first of the table if none was given.
    pub(crate) command: &'static str,
    /// What is neither a flag nor a flag's value, in order.
    pub(crate) arguments: Vec<String>,
    /// The command's own flags, in order, by the name with dashes. The value of a switch is empty.
    pub(crate) flags: Vec<(&'static str, String)>,
    pub(crate) settings: Settings,
}

impl Invocation {
    /// Returns true when a switch of the command was given.
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|(name, _)| *name == flag)
    }

    /// Iterates over the values of a flag of the command, which may be given several times.
    pub(crate) fn values<'a>(&'a self, flag: &'a str) -> impl Iterator<Item = &'a str> {
        self.flags
            .iter()
            .filter(move |(name, _)| *name == flag)
            .map(|(_, value)| value.as_str())
    }
}
