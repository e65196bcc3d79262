//! All templates of all sources, and what can be said of them before any view is looked at.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use tera::{ErrorKind, Tera};

use crate::call::REQUEST;
use crate::fault::{Fault, Place};
use crate::scan::{Block, Component, Reference, Scan, position, scan};

/// Suffixes of templates in which values are escaped. In `.txt` they are not; other files are no templates.
pub(crate) const ESCAPED: [&str; 4] = [".html", ".htm", ".xml", ".svg"];

/// One template: its text and what the scan found in it.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) text: String,
    pub(crate) scan: Scan,
}

/// All templates by path, and which of them defines which component.
#[derive(Debug, Default)]
pub(crate) struct Library {
    pub(crate) templates: BTreeMap<String, Template>,
    pub(crate) components: BTreeMap<String, String>,
}

/// Whether a file is a template, by its name.
pub(crate) fn is_template(path: &str) -> bool {
    is_escaped(path) || path.ends_with(".txt")
}

/// Whether values are escaped in a template of that name.
pub(crate) fn is_escaped(path: &str) -> bool {
    ESCAPED.iter().any(|suffix| path.ends_with(suffix))
}

impl Library {
    /// Scans all templates, and finds what is wrong with each of them alone and with their references to each other.
    pub(crate) fn new(files: BTreeMap<String, String>) -> (Self, BTreeSet<Fault>) {
        let mut faults = BTreeSet::new();
        let templates = files.into_iter().map(|(path, text)| {
            faults.extend(syntax_fault(&path, &text));
            let scan = scan(&text);
            (path, Template { text, scan })
        });
        let templates: BTreeMap<_, _> = templates.collect();
        let mut components = BTreeMap::new();
        for (path, template) in &templates {
            let references = template.scan.extends.iter().chain(&template.scan.includes);
            // What is no path is the name of a part, which means something in each view by itself.
            let missing = references.filter(|reference| {
                is_template(&reference.name) && !templates.contains_key(&reference.name)
            });
            faults.extend(missing.map(|reference| template.missing(path, reference)));
            for component in &template.scan.components {
                let first: &mut String = components
                    .entry(component.name.clone())
                    .or_insert_with(|| path.clone());
                if first != path {
                    let message = format!(
                        "component `{}` is already defined in `{first}`",
                        component.name
                    );
                    faults.insert(template.fault(path, component.parameters, message));
                }
            }
        }
        (
            Self {
                templates,
                components,
            },
            faults,
        )
    }

    /// Leads a place that the engine reports back to the file that a person would open.
    pub(crate) fn place(&self, name: &str, line: usize, mut column: usize) -> Place {
        let Some(template) = self.templates.get(name) else {
            // Fragments keep the places of their file.
            let file = name.split_once(FRAGMENT_OF).map_or(name, |(_, path)| path);
            return Place {
                file: file.to_owned(),
                line,
                column,
            };
        };
        for (added_line, added_column) in template.additions() {
            if line == added_line && column > added_column {
                column = column
                    .saturating_sub(REQUEST_PARAMETER.len())
                    .max(added_column);
            }
        }
        Place {
            file: name.to_owned(),
            line,
            column,
        }
    }

    /// Returns the line of a place with a mark below it.
    pub(crate) fn excerpt(&self, place: &Place) -> Option<String> {
        let line = self
            .templates
            .get(&place.file)?
            .text
            .lines()
            .nth(place.line.checked_sub(1)?)?;
        let number = place.line.to_string();
        let blank = " ".repeat(number.len());
        // Tabs stay tabs, so that the mark stands right however wide they are shown.
        let indent = line.chars().take(place.column.saturating_sub(1));
        let indent: String = indent.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        Some(format!("{number} | {line}\n{blank} | {indent}^"))
    }
}

/// What components get added to their parameters. The engine shows a component nothing but its arguments, and finds
/// "implicit" ones, with an `@`, at whoever calls it: so functions that are called inside find the request too.
const REQUEST_PARAMETER: &str = "@z_cx=none, ";
const _: () = assert!(matches!(REQUEST.as_bytes(), b"z_cx"));

/// Stands between the block and the path in the name of a fragment, so that engine messages read well and the name
/// keeps the suffix that decides about escaping.
const FRAGMENT_OF: &str = " of ";

impl Template {
    /// The text as the engine gets it.
    pub(crate) fn compiled(&self) -> Cow<'_, str> {
        let mut text = Cow::Borrowed(self.text.as_str());
        // From the end, so that the offsets before stay right.
        for component in self.in_want_of_request().rev() {
            text.to_mut()
                .insert_str(component.parameters, REQUEST_PARAMETER);
        }
        text
    }

    /// Lines and columns where [`Template::compiled`] adds something.
    fn additions(&self) -> impl Iterator<Item = (usize, usize)> {
        self.in_want_of_request()
            .map(|component| position(&self.text, component.parameters))
    }

    fn in_want_of_request(&self) -> impl DoubleEndedIterator<Item = &Component> {
        let components = self.scan.components.iter();
        components.filter(|component| component.wants_request && !component.takes_request)
    }

    /// Name and text of a template that is one block alone, at its own line and column.
    pub(crate) fn fragment(&self, path: &str, block: &Block) -> (String, String) {
        const COMMENT: &str = "{# -#}";
        let (line, column) = position(&self.text, block.range.start);
        // In place of what stands before the block: a comment that eats the white space behind it.
        let padding = match line {
            1 if column <= COMMENT.len() => String::new(),
            1 => format!("{COMMENT}{}", " ".repeat(column - 1 - COMMENT.len())),
            _ => format!(
                "{COMMENT}{}{}",
                "\n".repeat(line - 1),
                " ".repeat(column - 1)
            ),
        };
        let name = format!("block {}{FRAGMENT_OF}{path}", block.name);
        (name, padding + &self.text[block.range.clone()])
    }

    pub(crate) fn missing(&self, path: &str, reference: &Reference) -> Fault {
        self.fault(
            path,
            reference.offset,
            format!("there is no template `{}`", reference.name),
        )
    }

    pub(crate) fn fault(&self, path: &str, offset: usize, message: impl ToString) -> Fault {
        let (line, column) = position(&self.text, offset);
        Fault::at(path, line, column, message)
    }
}

/// Compiles a template alone for the sake of its syntax: in a set, the first mistake would hide all others.
fn syntax_fault(path: &str, text: &str) -> Option<Fault> {
    match Tera::new().add_raw_template(path, text).err()?.kind() {
        ErrorKind::SyntaxError(report) => {
            let span = report.span();
            Some(Fault::at(
                path,
                span.start_line,
                span.start_col + 1,
                report.message(),
            ))
        }
        _ => None,
    }
}
