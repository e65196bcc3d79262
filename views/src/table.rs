//! View tables: which templates make up which view.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use crate::fault::Fault;
use crate::scan::position;

/// The part that lays a page out.
pub(crate) const MAIN: &str = "main";
/// The part that a page is about.
pub(crate) const CONTENT: &str = "content";

/// The views of all tables by name; a later table replaces what an earlier one says of a view.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    entries: BTreeMap<String, Entry>,
    pub(crate) faults: Vec<Fault>,
}

/// One view as a table has it.
#[derive(Debug, Default)]
struct Entry {
    parent: Option<String>,
    alias: Option<String>,
    parts: BTreeMap<String, String>,
    /// The table it comes from, for messages.
    table: String,
}

/// A view after inheritance.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// Path of the template of each part.
    pub(crate) parts: BTreeMap<String, String>,
    /// Whether others inherit from it and it has no content: then it need not be complete.
    pub(crate) is_base: bool,
    pub(crate) table: String,
}

/// The template that is a view's content unless a table says otherwise.
pub(crate) fn content_by_name(view: &str) -> String {
    format!("{}.html", view.replace('.', "/"))
}

impl Tables {
    /// Reads a table in TOML or, if its name ends so, JSON.
    pub(crate) fn read(&mut self, table: &str, text: &str) {
        let root = if table.ends_with(".json") {
            read_json(table, text)
        } else {
            read_toml(table, text)
        };
        match root {
            Ok(root) => {
                for (name, value) in root {
                    match value {
                        Value::Table(view) => self.add(table, name, None, view),
                        _ => self.fault(table, &name, "a view must be a table"),
                    }
                }
            }
            Err(fault) => self.faults.push(fault),
        }
    }

    fn add(&mut self, table: &str, name: String, outer: Option<&str>, view: Table) {
        let parent = outer.map(str::to_owned);
        let mut entry = Entry {
            parent,
            table: table.to_owned(),
            ..Entry::default()
        };
        for (key, value) in view {
            match (key.as_str(), value) {
                ("parent", Value::String(parent)) => entry.parent = Some(parent),
                ("alias", Value::String(alias)) => entry.alias = Some(alias),
                ("parent" | "alias", _) => {
                    self.fault(table, &name, format!("`{key}` must be a string"));
                }
                (_, Value::Table(child)) => {
                    self.add(table, format!("{name}.{key}"), Some(&name), child);
                }
                (_, Value::String(path)) if is_part_name(&key) => {
                    entry.parts.insert(key, path);
                }
                (_, Value::String(_)) => {
                    let message =
                        format!("`{key}` is no name of a part: letters, digits, `_`, `-`");
                    self.fault(table, &name, message);
                }
                _ => self.fault(table, &name, format!("`{key}` must be a string")),
            }
        }
        if entry.alias.is_some() && !entry.parts.is_empty() {
            self.fault(table, &name, "an alias has no parts of its own");
        }
        self.entries.insert(name, entry);
    }

    /// Lets all views inherit; `exists` tells whether there is a template of that path.
    ///
    /// The result leaves out aliases, and views with a fault.
    pub(crate) fn resolve(&mut self, exists: impl Fn(&str) -> bool) -> BTreeMap<String, Resolved> {
        let mut views = BTreeMap::new();
        let mut faults = Vec::new();
        let parents = self
            .entries
            .values()
            .filter_map(|entry| entry.parent.as_deref());
        let parents: BTreeSet<&str> = parents.collect();
        for (name, entry) in &self.entries {
            let fault = |message: String| Fault::in_view(&entry.table, name, message);
            let line = match self.lineage(name) {
                Ok(line) => line,
                Err(line) => {
                    faults.extend(lineage_fault(&line).map(fault));
                    continue;
                }
            };
            if entry.alias.is_some() {
                continue;
            }
            let missing = entry.parts.iter().filter(|(_, path)| !exists(path));
            faults.extend(missing.map(|(part, path)| {
                fault(format!("there is no template `{path}` for its `{part}`"))
            }));
            let mut parts = BTreeMap::new();
            for ancestor in line.iter().rev() {
                parts.extend(self.entries[*ancestor].parts.clone());
            }
            let by_name = content_by_name(name);
            if !entry.parts.contains_key(CONTENT) && exists(&by_name) {
                parts.insert(CONTENT.to_owned(), by_name);
            }
            if parts.values().all(|path| exists(path)) {
                let is_base = parents.contains(name.as_str()) && !parts.contains_key(CONTENT);
                let table = entry.table.clone();
                views.insert(
                    name.clone(),
                    Resolved {
                        parts,
                        is_base,
                        table,
                    },
                );
            }
        }
        self.faults.extend(faults);
        views
    }

    /// Every alias, with the view that it ends at and the table it comes from.
    pub(crate) fn aliases(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.entries
            .iter()
            .filter(|(_, entry)| entry.alias.is_some())
            .filter_map(|(name, entry)| {
                let mut line = self.lineage(name).ok()?.into_iter();
                let target = line.find(|ancestor| self.entries[*ancestor].alias.is_none())?;
                Some((name.as_str(), target, entry.table.as_str()))
            })
    }

    /// The view and its ancestors, nearest first; an alias has its target as its only ancestor.
    /// Fails with the way to a name that is unknown, or is on that way already.
    fn lineage<'t>(&'t self, name: &'t str) -> Result<Vec<&'t str>, Vec<&'t str>> {
        let mut line = vec![];
        let mut next = Some(name);
        while let Some(current) = next {
            let entry = self
                .entries
                .get(current)
                .filter(|_| !line.contains(&current));
            line.push(current);
            let Some(entry) = entry else { return Err(line) };
            next = entry.alias.as_deref().or(entry.parent.as_deref());
        }
        Ok(line)
    }

    fn fault(&mut self, table: &str, view: &str, message: impl ToString) {
        self.faults
            .push(Fault::in_view(table, view, message.to_string()));
    }
}

fn read_toml(table: &str, text: &str) -> Result<Table, Fault> {
    text.parse().map_err(|error: toml::de::Error| {
        let (line, column) = position(text, error.span().map_or(0, |span| span.start));
        Fault::at(table, line, column, error.message())
    })
}

fn read_json(table: &str, text: &str) -> Result<Table, Fault> {
    serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or(&message);
        Fault::at(table, error.line(), error.column(), message)
    })
}

/// Says what is wrong with a way that [`Tables::lineage`] gave up, to the view it is wrong with and not to all below it.
fn lineage_fault(line: &[&str]) -> Option<String> {
    let (last, way) = line.split_last()?;
    match way {
        [_] if way[0] != *last => Some(format!("there is no view `{last}`")),
        [first, ..] if first == last => Some(format!("inherits from itself: {}", line.join(" → "))),
        _ => None,
    }
}

/// Names of parts never look like paths, so that a template can name either.
fn is_part_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}
