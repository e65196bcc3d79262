//! The text of `--help`.

use std::fmt::Write as _;

use super::option::Row;
use super::program::Program;
use super::{Settings, mask};

/// Renders the help of a program: usage, commands, options with their defaults.
pub(super) fn render(program: &Program) -> String {
    let mut text = String::new();
    let name = &program.name;
    put(
        &mut text,
        format_args!(
            "{name} {}\n\nUsage: {name} [OPTION]… [COMMAND] [ARGUMENT]…\n\nCommands:\n",
            program.version
        ),
    );
    let commands = program.commands.iter().enumerate().map(|(place, command)| {
        let left = format!("{} {}", command.name, command.arguments);
        let default = if place == 0 { " (default)" } else { "" };
        (
            left.trim_end().to_owned(),
            format!("{}{default}", command.help),
        )
    });
    columns(&mut text, commands.collect());
    let flags: Vec<_> = program
        .commands
        .iter()
        .flat_map(|command| command.flags.iter().map(move |flag| (command, flag)))
        .collect();
    if !flags.is_empty() {
        text.push_str("\nFlags of commands:\n");
        let flags = flags.into_iter().map(|(command, flag)| {
            let left = format!(
                "{} {} {}",
                command.name,
                flag.name,
                flag.value.unwrap_or_default()
            );
            (left.trim_end().to_owned(), flag.help.to_owned())
        });
        columns(&mut text, flags.collect());
    }
    text.push_str("\nOptions:\n");
    let mut options: Vec<_> = program
        .rows
        .iter()
        .map(|row| option(row, program))
        .collect();
    options.push((
        "--config FILE".to_owned(),
        "File of settings [default: pleach.toml, if it exists]".to_owned(),
    ));
    options.push(("-h, --help".to_owned(), "Print this".to_owned()));
    options.push(("-V, --version".to_owned(), "Print the version".to_owned()));
    columns(&mut text, options);
    text.push_str(
        "\nEvery option is also an environment variable (--max-body: PLEACH_MAX_BODY) and a key of pleach.toml (max-body).\n\
         A flag is stronger than a variable, a variable than the file. Durations: 500ms, 30s, 10m, 1h, 30d. Sizes: 64KiB, 1MiB.\n",
    );
    text
}

fn option(row: &Row, program: &Program) -> (String, String) {
    let left = if row.is_switch() {
        format!("--{}", row.name())
    } else {
        format!("--{} {}", row.name(), row.shape())
    };
    let defaults = Settings::of_defaults(program.rows.iter().copied());
    let default = row.default_text(&defaults);
    let default = if default.is_empty() {
        String::new()
    } else {
        format!(" [default: {}]", mask::masked(row, &default))
    };
    (left, format!("{}{default}", row.help()))
}

/// Writes pairs in two columns.
fn columns(text: &mut String, pairs: Vec<(String, String)>) {
    let width = pairs
        .iter()
        .map(|(left, _)| left.chars().count())
        .max()
        .unwrap_or(0);
    for (left, right) in pairs {
        put(text, format_args!("  {left:width$}  {right}\n"));
    }
}

fn put(text: &mut String, part: std::fmt::Arguments<'_>) {
    text.write_fmt(part).expect("a String takes everything");
}
