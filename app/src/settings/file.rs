//! Reads `pleach.toml`: keys and their values, nothing nested.

use std::io;
use std::path::Path;

use toml::de::{DeTable, DeValue};

/// The file that is read when none is named.
const DEFAULT_NAME: &str = "pleach.toml";

/// A file of settings.
#[derive(Debug, Default)]
pub(super) struct File {
    /// As the user wrote it, or `pleach.toml`.
    pub(super) name: String,
    pub(super) entries: Vec<Entry>,
    /// What is wrong with it, each with its line.
    pub(super) faults: Vec<String>,
}

/// A key with its value, in the spelling that a flag would have.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) text: String,
    pub(super) line: usize,
}

impl File {
    /// Reads the file that was named, or `pleach.toml` in the working directory if that exists.
    pub(super) fn read(named: Option<&str>) -> Self {
        let name = named.unwrap_or(DEFAULT_NAME);
        match std::fs::read_to_string(Path::new(name)) {
            Ok(text) => Self::parse(name, &text),
            Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => {
                Self::default()
            }
            Err(error) => Self {
                name: name.to_owned(),
                entries: Vec::new(),
                faults: vec![format!("{name}: {error}")],
            },
        }
    }

    fn parse(name: &str, text: &str) -> Self {
        let mut file = Self {
            name: name.to_owned(),
            entries: Vec::new(),
            faults: Vec::new(),
        };
        let table = match DeTable::parse(text) {
            Ok(table) => table,
            Err(error) => {
                let line = error.span().map_or(1, |span| line_of(text, span.start));
                file.faults
                    .push(format!("{name}:{line}: {}", error.message()));
                return file;
            }
        };
        for (key, value) in table.into_inner() {
            let line = line_of(text, key.span().start);
            let key = key.into_inner().into_owned();
            match text_of(value.get_ref()) {
                Ok(text) => file.entries.push(Entry { key, text, line }),
                Err(what) => file.faults.push(format!("{name}:{line}: `{key}` {what}")),
            }
        }
        file.entries.sort_by_key(|entry| entry.line);
        file
    }
}

/// Returns a value as a flag would spell it.
fn text_of(value: &DeValue<'_>) -> Result<String, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.clone().into_owned()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        DeValue::Integer(_) => Err("is a number in another base than ten"),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        DeValue::Boolean(value) => Ok(value.to_string()),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| match item.get_ref() {
                DeValue::Array(_) | DeValue::Table(_) => Err("holds a list or a table in its list"),
                item => text_of(item),
            });
            let items: Vec<String> = items.collect::<Result<_, _>>()?;
            if items.iter().any(|item| item.contains(',')) {
                Err("holds a comma in an item of its list")
            } else {
                Ok(items.join(","))
            }
        }
        DeValue::Table(_) => Err("is a table; every key stands at the top"),
        DeValue::Datetime(_) => Err("is a date; no option takes one"),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
