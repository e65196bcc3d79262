//! A program's command line.

use std::ffi::OsString;

use super::command::{Command, CommandFlag, Invocation};
use super::file::File;
use super::help;
use super::load::{Faults, did_you_mean, load};
use super::option::Row;
use super::similar::nearest;

/// Flags that every program has beside its options.
const CONFIG: &str = "config";
const HELP: [&str; 2] = ["--help", "-h"];
const VERSION: [&str; 2] = ["--version", "-V"];

/// What a program is called, its commands and its options: all that is needed to read a command line.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) version: &'static str,
    /// The first is the default.
    pub(crate) commands: Vec<Command>,
    pub(crate) rows: Vec<Row>,
}

/// What a command line asks for.
#[derive(Debug)]
pub(crate) enum Parsed {
    /// Run a command.
    Run(Invocation),
    /// Print this text (help or version) on standard output, and exit 0.
    Print(String),
}

impl Program {
    /// Reads a command line (without the program's own name), the environment and the settings file.
    ///
    /// Flags stand before or after the command, as `--flag value` or `--flag=value`; the last of several counts. A switch takes a value
    /// only after `=`. After `--`, everything is an argument.
    ///
    /// # Errors
    /// Everything that is wrong, at once; the exit code is 2.
    pub(crate) fn parse(
        &self,
        arguments: impl IntoIterator<Item = OsString>,
        env: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Parsed, Faults> {
        let line = Line::read(self, arguments);
        if line.wants_help {
            return Ok(Parsed::Print(help::render(self)));
        }
        if line.wants_version {
            return Ok(Parsed::Print(format!("{} {}\n", self.name, self.version)));
        }
        let Line {
            mut positional,
            options,
            command_flags,
            config,
            mut faults,
            wants_help: _,
            wants_version: _,
        } = line;
        faults.extend(self.options_defined_twice());
        let command = self.command(&mut positional, &command_flags, &mut faults);
        let file = File::read(config.as_deref());
        let settings = load(&self.rows, &options, &env, &file, &mut faults);
        match command {
            Some(command) if faults.is_empty() => Ok(Parsed::Run(Invocation {
                command: command.name,
                arguments: positional,
                flags: command_flags,
                settings,
            })),
            _ => Err(Faults(faults)),
        }
    }

    /// Takes the command off the arguments, and checks that it takes the flags that were given.
    fn command(
        &self,
        positional: &mut Vec<String>,
        flags: &[(&'static str, String)],
        faults: &mut Vec<String>,
    ) -> Option<&Command> {
        let command = if positional.is_empty() {
            self.commands.first()
        } else {
            let name = positional.remove(0);
            let command = self.commands.iter().find(|command| command.name == name);
            // After an unknown flag, this may be the flag's value.
            if command.is_none() && faults.is_empty() {
                let meant = did_you_mean(
                    nearest(&name, self.commands.iter().map(|command| command.name)),
                    "",
                );
                faults.push(format!("there is no command `{name}`{meant}"));
            }
            command
        }?;
        for (flag, _) in flags {
            if !command.flags.iter().any(|own| own.name == *flag) {
                faults.push(format!("`{}` takes no flag `{flag}`", command.name));
            }
        }
        if command.arguments.is_empty() && !positional.is_empty() {
            faults.push(format!(
                "`{}` takes no argument: `{}`",
                command.name,
                positional.join(" ")
            ));
        }
        Some(command)
    }

    /// Two parts of an application may have chosen the same name.
    fn options_defined_twice(&self) -> impl Iterator<Item = String> {
        let twice = self.rows.iter().enumerate().filter(|(place, row)| {
            self.rows[..*place]
                .iter()
                .any(|before| before.name() == row.name())
        });
        twice.map(|(_, row)| format!("the program defines the option `{}` twice", row.name()))
    }

    fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name() == name)
    }

    fn command_flag(&self, name: &str) -> Option<&'static CommandFlag> {
        self.commands
            .iter()
            .flat_map(|command| command.flags)
            .find(|flag| flag.name == name)
    }
}

/// A command line, taken apart.
#[derive(Default)]
struct Line {
    positional: Vec<String>,
    options: Vec<(&'static str, String)>,
    command_flags: Vec<(&'static str, String)>,
    config: Option<String>,
    wants_help: bool,
    wants_version: bool,
    faults: Vec<String>,
}

impl Line {
    fn read(program: &Program, arguments: impl IntoIterator<Item = OsString>) -> Self {
        let mut line = Self::default();
        let mut words = Vec::new();
        for argument in arguments {
            match argument.into_string() {
                Ok(word) => words.push(word),
                Err(argument) => line
                    .faults
                    .push(format!("`{}` is not UTF-8", argument.to_string_lossy())),
            }
        }
        let mut words = words.into_iter().peekable();
        while let Some(word) = words.next() {
            if word == "--" {
                line.positional.extend(words);
                break;
            }
            if word.len() < 2 || !word.starts_with('-') {
                line.positional.push(word);
            } else {
                line.flag(program, &word, &mut words);
            }
        }
        line
    }

    fn flag(
        &mut self,
        program: &Program,
        word: &str,
        words: &mut std::iter::Peekable<std::vec::IntoIter<String>>,
    ) {
        let (name, given) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (word, None),
        };
        // The value is what follows `=`, or the next word, unless that is a flag.
        let mut value = |faults: &mut Vec<String>, shape: &str| {
            let value = given
                .clone()
                .or_else(|| words.next_if(|next| !next.starts_with("--")));
            if value.is_none() {
                faults.push(format!("flag {name} needs a value: {name} {shape}"));
            }
            value
        };
        if HELP.contains(&name) {
            self.wants_help = true;
        } else if VERSION.contains(&name) {
            self.wants_version = true;
        } else if let Some(flag) = program.command_flag(name) {
            let value = match flag.value {
                Some(shape) => value(&mut self.faults, shape),
                None => Some(String::new()),
            };
            self.command_flags
                .extend(value.map(|value| (flag.name, value)));
        } else if name.strip_prefix("--") == Some(CONFIG) {
            self.config = value(&mut self.faults, "FILE").or(self.config.take());
        } else if let Some(row) = name.strip_prefix("--").and_then(|name| program.row(name)) {
            let value = if row.is_switch() {
                Some(given.clone().unwrap_or_else(|| "true".to_owned()))
            } else {
                value(&mut self.faults, row.shape())
            };
            self.options.extend(value.map(|value| (row.name(), value)));
        } else {
            let known = program
                .rows
                .iter()
                .map(Row::name)
                .chain([CONFIG, "help", "version"]);
            let meant = did_you_mean(nearest(name.trim_start_matches('-'), known), "--");
            self.faults
                .push(format!("there is no flag `{name}`{meant}"));
        }
    }
}
