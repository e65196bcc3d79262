//! View tables: which templates make up which view.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use crate::fault::Fault;

/// The part that lays a page out.
pub(crate) const MAIN: &str = "main";
/// The part that a page is about.
pub(crate) const CONTENT: &str = "content";

/// One view as a table has it.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    parent: Option<String>,
    alias: Option<String>,
    parts: BTreeMap<String, String>,
    /// The table it comes from, for messages.
    table: String,
}

/// The views of all tables by name; a later table replaces the entries of an earlier one.
pub(crate) type Entries = BTreeMap<String, Entry>;

/// A view after inheritance: path of the template of each part.
#[derive(Debug, PartialEq)]
pub(crate) struct Resolved {
    pub(crate) parts: BTreeMap<String, String>,
    /// Whether others inherit from it and no content is its own: a base that is never rendered itself.
    pub(crate) is_base: bool,
    pub(crate) table: String,
}

/// Reads one table, in TOML or, if its name ends so, JSON, and adds its views to `entries`.
pub(crate) fn read(table: &str, text: &str, entries: &mut Entries) -> Vec<Fault> {
    let root = if table.ends_with(".json") {
        serde_json::from_str::<Table>(text)
            .map_err(|error| Fault::at(table, error.line(), error.column(), error))
    } else {
        text.parse::<Table>().map_err(|error| {
            let (line, column) =
                crate::scan::position(text, error.span().map_or(0, |span| span.start));
            Fault::at(table, line, column, error.message())
        })
    };
    let mut faults = Vec::new();
    match root {
        Ok(root) => {
            for (name, value) in root {
                match value {
                    Value::Table(view) => add(table, name, None, view, entries, &mut faults),
                    _ => faults.push(Fault::in_file(
                        table,
                        format!("`{name}` must be a table: a view"),
                    )),
                }
            }
        }
        Err(fault) => faults.push(fault),
    }
    faults
}

fn add(
    table: &str,
    name: String,
    outer: Option<&str>,
    view: Table,
    entries: &mut Entries,
    faults: &mut Vec<Fault>,
) {
    let mut entry = Entry {
        parent: outer.map(str::to_owned),
        table: table.to_owned(),
        ..Entry::default()
    };
    for (key, value) in view {
        match (key.as_str(), value) {
            ("parent", Value::String(parent)) => entry.parent = Some(parent),
            ("alias", Value::String(alias)) => entry.alias = Some(alias),
            (_, Value::String(_)) if !is_part_name(&key) => {
                faults.push(Fault::in_file(
                    table,
                    format!(
                        "view `{name}`: `{key}` is no name for a part: letters, digits, `_`, `-`"
                    ),
                ));
            }
            (_, Value::String(path)) => {
                entry.parts.insert(key, path);
            }
            (_, Value::Table(child)) if key != "parent" && key != "alias" => {
                add(
                    table,
                    format!("{name}.{key}"),
                    Some(&name),
                    child,
                    entries,
                    faults,
                );
            }
            _ => faults.push(Fault::in_file(
                table,
                format!("view `{name}`: `{key}` must be a string"),
            )),
        }
    }
    if entry.alias.is_some() && !entry.parts.is_empty() {
        faults.push(Fault::in_file(
            table,
            format!("view `{name}`: an alias has no parts of its own"),
        ));
    }
    entries.insert(name, entry);
}

/// Part names never look like paths, so that a template can name either.
fn is_part_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

/// Follows parents and aliases. `exists` tells whether there is a template of that path.
/// Aliases and views with a fault are left out of the result.
pub(crate) fn resolve(
    entries: &Entries,
    exists: impl Fn(&str) -> bool,
) -> (BTreeMap<String, Resolved>, Vec<Fault>) {
    let parents: BTreeSet<&str> = entries
        .values()
        .filter_map(|entry| entry.parent.as_deref())
        .collect();
    let mut views = BTreeMap::new();
    let mut faults = Vec::new();
    for (name, entry) in entries {
        let line = match lineage(name, entries) {
            Ok(line) => line,
            Err(message) => {
                faults.push(Fault::in_file(
                    &entry.table,
                    format!("view `{name}`: {message}"),
                ));
                continue;
            }
        };
        if entry.alias.is_some() {
            continue;
        }
        let mut parts = BTreeMap::new();
        for ancestor in line.iter().rev() {
            parts.extend(entries[*ancestor].parts.clone());
        }
        let by_name = format!("{}.html", name.replace('.', "/"));
        if !entry.parts.contains_key(CONTENT) && exists(&by_name) {
            parts.insert(CONTENT.to_owned(), by_name);
        }
        for (part, path) in entry.parts.iter().filter(|(_, path)| !exists(path)) {
            faults.push(Fault::in_file(
                &entry.table,
                format!("view `{name}`: there is no template `{path}` for its `{part}`"),
            ));
        }
        if parts.values().any(|path| !exists(path)) {
            continue;
        }
        let is_base = parents.contains(name.as_str()) && !parts.contains_key(CONTENT);
        views.insert(
            name.clone(),
            Resolved {
                parts,
                is_base,
                table: entry.table.clone(),
            },
        );
    }
    (views, faults)
}

/// Every alias with the view that it ends at and the table it comes from.
pub(crate) fn aliases(entries: &Entries) -> impl Iterator<Item = (&str, &str, &str)> {
    entries
        .iter()
        .filter(|(_, entry)| entry.alias.is_some())
        .filter_map(|(name, entry)| {
            let line = lineage(name, entries).ok()?;
            let target = line
                .into_iter()
                .find(|ancestor| entries[*ancestor].alias.is_none())?;
            Some((name.as_str(), target, entry.table.as_str()))
        })
}

/// The view and its ancestors, nearest first. An alias stands for its target on the way.
fn lineage<'e>(name: &'e str, entries: &'e Entries) -> Result<Vec<&'e str>, String> {
    let mut line = vec![];
    let mut current = name;
    loop {
        if line.contains(&current) {
            line.push(current);
            return Err(format!("inherits from itself: {}", line.join(" → ")));
        }
        line.push(current);
        let entry = entries
            .get(current)
            .ok_or_else(|| format!("there is no view `{current}`"))?;
        match entry.alias.as_ref().or(entry.parent.as_ref()) {
            Some(next) => current = next,
            None => return Ok(line),
        }
    }
}
