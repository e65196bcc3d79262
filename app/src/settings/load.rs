//! Joins flags, environment, file and defaults.

use std::ffi::OsString;
use std::fmt;

use super::file::File;
use super::option::Row;
use super::similar::nearest;
use super::{Setting, Settings, Source};

/// Everything that is wrong with a command line and its settings: a sentence each, with the place.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults(pub(super) Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Faults {}

/// Gives every option of a table its value from the strongest source that has one. A variable that is set to nothing counts as not set.
pub(super) fn load(
    rows: &[Row],
    flags: &[(&'static str, String)],
    env: &dyn Fn(&str) -> Option<OsString>,
    file: &File,
    faults: &mut Vec<String>,
) -> Settings {
    faults.extend_from_slice(&file.faults);
    for entry in &file.entries {
        if !rows.iter().any(|row| row.name() == entry.key) {
            let meant = did_you_mean(nearest(&entry.key, rows.iter().map(Row::name)), "");
            faults.push(format!(
                "{}:{}: there is no option `{}`{meant}",
                file.name, entry.line, entry.key
            ));
        }
    }
    let mut settings = Settings {
        values: Vec::with_capacity(rows.len()),
    };
    for row in rows {
        let (text, source, place) = strongest(row, flags, env, file, &settings, faults);
        let text = match row.check(&text) {
            Ok(()) => text,
            Err(error) => {
                faults.push(if row.is_secret() {
                    format!("{place}: the value is not valid")
                } else {
                    format!("{place}: {error}")
                });
                // Later defaults may be made of this one; they must see a value.
                row.default_text(&settings)
            }
        };
        settings.values.push(Setting {
            row: *row,
            text,
            source,
        });
    }
    settings
}

/// Returns the value of an option from its strongest source, and how a message names the place.
fn strongest(
    row: &Row,
    flags: &[(&'static str, String)],
    env: &dyn Fn(&str) -> Option<OsString>,
    file: &File,
    before: &Settings,
    faults: &mut Vec<String>,
) -> (String, Source, String) {
    let name = row.name();
    if let Some((_, text)) = flags.iter().rev().find(|(flag, _)| *flag == name) {
        return (text.clone(), Source::Flag, format!("flag --{name}"));
    }
    let variable = row.variable();
    match env(&variable).map(OsString::into_string) {
        Some(Ok(text)) if !text.is_empty() => {
            return (text, Source::Env, format!("env {variable}"));
        }
        Some(Err(_)) => faults.push(format!("env {variable}: the value is not UTF-8")),
        Some(Ok(_)) | None => {}
    }
    if let Some(entry) = file.entries.iter().find(|entry| entry.key == name) {
        return (
            entry.text.clone(),
            Source::File(file.name.clone()),
            format!("{}:{}: {name}", file.name, entry.line),
        );
    }
    (
        row.default_text(before),
        Source::Default,
        format!("default of {name}"),
    )
}

/// Returns the second half of a message about an unknown name.
pub(super) fn did_you_mean(name: Option<&str>, dashes: &str) -> String {
    name.map_or_else(String::new, |name| {
        format!("; did you mean `{dashes}{name}`?")
    })
}
