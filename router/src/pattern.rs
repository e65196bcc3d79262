//! One segment, label or value of a template, compiled to match text and to be written back.

use std::sync::Arc;

use regex_automata::meta::{BuildError, Regex};
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input};

use crate::slots::{Caught, Slots};
use crate::template::{Part, TemplateError};

/// A compiled piece and the names of its variables, in order.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) pattern: Pattern,
    pub(crate) names: Vec<Arc<str>>,
}

/// What a piece of text has to look like. Patterns that match alike are equal, whatever their variables are called.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pattern {
    /// Exactly this text.
    Literal(Arc<str>),
    /// Any text that is not empty.
    Any,
    /// Literals and variables side by side, or a constrained variable.
    Mixed(Arc<Mixed>),
}

/// Literals and variables that share a piece.
///
/// It matches as the regex does in which each `{name}` is `(.+?)` and each `{name:re}` is `(re)`, anchored at both ends: of the ways to split a text
/// the one is taken that keeps earlier variables short, unless a regex of theirs asks for more. No variable is ever empty.
#[derive(Debug)]
pub(crate) struct Mixed {
    parts: Vec<Shape>,
    prefix: String,
    suffix: String,
    split: Split,
}

#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Literal(String),
    Variable(Option<String>),
}

#[derive(Debug)]
enum Split {
    /// One variable between prefix and suffix.
    One(Option<Regex>),
    /// Variables without regex, and the literals between them.
    Literals(Vec<String>),
    /// Several variables of which some are constrained: the whole piece as one regex, and the group of each variable.
    Groups(Regex, Vec<usize>),
}

impl PartialEq for Mixed {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Piece {
    /// Compiles one segment of a parsed template, which holds no `{*rest}`.
    pub(crate) fn compile(parts: &[Part]) -> Result<Self, TemplateError> {
        let mut names = Vec::new();
        let mut shapes = Vec::new();
        let mut first_regex = 1;
        for part in parts {
            match part {
                Part::Literal(text) => shapes.push(Shape::Literal(text.clone())),
                Part::Variable {
                    name,
                    regex,
                    column,
                } => {
                    if let Some(regex) = regex {
                        let column = column + name.len() + 2;
                        compile_regex(regex)
                            .map_err(|reason| TemplateError::new(column, reason))?;
                        first_regex = column;
                    }
                    names.push(name.as_str().into());
                    shapes.push(Shape::Variable(regex.clone()));
                }
                Part::Rest { column, .. } => {
                    return Err(TemplateError::new(
                        *column,
                        "`{*…}` is a segment of its own",
                    ));
                }
            }
        }
        let pattern = match shapes.as_slice() {
            [] => Pattern::Literal("".into()),
            [Shape::Literal(text)] => Pattern::Literal(text.as_str().into()),
            [Shape::Variable(None)] => Pattern::Any,
            _ => Pattern::Mixed(Arc::new(
                Mixed::new(shapes).map_err(|reason| TemplateError::new(first_regex, reason))?,
            )),
        };
        Ok(Self { pattern, names })
    }

    /// Writes the piece with a value for each of its variables, unless these would not be read back from it: then the index of the first
    /// variable that would be another is the error.
    pub(crate) fn write(&self, values: &[&str]) -> Result<String, usize> {
        let mixed = match &self.pattern {
            Pattern::Literal(text) => return Ok(text.to_string()),
            Pattern::Any if values[0].is_empty() => return Err(0),
            Pattern::Any => return Ok(values[0].to_owned()),
            Pattern::Mixed(mixed) => mixed,
        };
        let mut text = String::new();
        let mut next = values.iter();
        for part in &mixed.parts {
            match part {
                Shape::Literal(literal) => text.push_str(literal),
                Shape::Variable(_) => text.push_str(next.next().copied().unwrap_or_default()),
            }
        }
        let mut slots = Slots::default();
        if !mixed.find(&text, 0, &mut slots) {
            return Err(mixed.first_refused(values));
        }
        let read_back = |i, value: &str| match slots.get(i) {
            Some(Caught::Raw(range)) => text[range] == *value,
            _ => false,
        };
        match values
            .iter()
            .enumerate()
            .find(|(i, value)| !read_back(*i, value))
        {
            Some((other, _)) => Err(other),
            None => Ok(text),
        }
    }
}

impl Pattern {
    /// Matches the whole of `text`, which begins at `offset` of its source, and pushes the range of each variable. On a failure
    /// what was pushed is to be cut off by the caller.
    pub(crate) fn find(&self, text: &str, offset: usize, slots: &mut Slots) -> bool {
        match self {
            Pattern::Literal(literal) => **literal == *text,
            Pattern::Any if text.is_empty() => false,
            Pattern::Any => {
                slots.push(offset, offset + text.len());
                true
            }
            Pattern::Mixed(mixed) => mixed.find(text, offset, slots),
        }
    }

    /// Matches a segment of a path; these are UTF-8, because the path is or has been checked.
    pub(crate) fn find_bytes(&self, segment: &[u8], offset: usize, slots: &mut Slots) -> bool {
        std::str::from_utf8(segment).is_ok_and(|segment| self.find(segment, offset, slots))
    }

    pub(crate) fn is_empty_literal(&self) -> bool {
        matches!(self, Pattern::Literal(text) if text.is_empty())
    }

    /// True if every text that `other` matches is matched by this pattern as well, as far as that can be told.
    pub(crate) fn covers(&self, other: &Pattern) -> bool {
        match (self, other) {
            (Pattern::Any, Pattern::Literal(text)) => !text.is_empty(),
            (Pattern::Any, _) => true,
            (_, Pattern::Literal(text)) => self.find(text, 0, &mut Slots::default()),
            _ => self == other,
        }
    }
}

impl Mixed {
    fn new(parts: Vec<Shape>) -> Result<Self, String> {
        let prefix = if let Some(Shape::Literal(text)) = parts.first() {
            text.clone()
        } else {
            String::new()
        };
        let suffix = if let Some(Shape::Literal(text)) = parts.last() {
            text.clone()
        } else {
            String::new()
        };
        let variables: Vec<&Option<String>> = parts
            .iter()
            .filter_map(|part| {
                if let Shape::Variable(regex) = part {
                    Some(regex)
                } else {
                    None
                }
            })
            .collect();
        let split = if let [regex] = variables.as_slice() {
            Split::One(regex.as_deref().map(compile_regex).transpose()?)
        } else if variables.iter().all(|regex| regex.is_none()) {
            let literals = parts.iter().filter_map(|part| {
                if let Shape::Literal(text) = part {
                    Some(text.clone())
                } else {
                    None
                }
            });
            let inner = usize::from(!prefix.is_empty());
            Split::Literals(literals.skip(inner).take(variables.len() - 1).collect())
        } else {
            groups_regex(&parts, variables.len())?
        };
        Ok(Self {
            parts,
            prefix,
            suffix,
            split,
        })
    }

    /// Matches the whole of `text`; literals are compared before any regex runs.
    pub(crate) fn find(&self, text: &str, offset: usize, slots: &mut Slots) -> bool {
        let Some(inner) = text
            .strip_prefix(&*self.prefix)
            .and_then(|text| text.strip_suffix(&*self.suffix))
        else {
            return false;
        };
        if inner.is_empty() {
            return false;
        }
        let start = offset + self.prefix.len();
        match &self.split {
            Split::One(regex) => {
                slots.push(start, start + inner.len());
                regex
                    .as_ref()
                    .is_none_or(|regex| regex.is_match(Input::new(inner).anchored(Anchored::Yes)))
            }
            Split::Literals(literals) => split_at(inner, literals, start, slots),
            Split::Groups(regex, groups) => {
                let mut on_stack = [None; 16];
                let mut on_heap = Vec::new();
                let needed = 2 * (groups.last().copied().unwrap_or_default() + 1);
                let found: &mut [Option<NonMaxUsize>] = if needed <= on_stack.len() {
                    &mut on_stack[..needed]
                } else {
                    on_heap.resize(needed, None);
                    &mut on_heap
                };
                if regex
                    .search_slots(&Input::new(text).anchored(Anchored::Yes), found)
                    .is_none()
                {
                    return false;
                }
                groups
                    .iter()
                    .all(|group| match (found[2 * group], found[2 * group + 1]) {
                        (Some(from), Some(to)) if from < to => {
                            slots.push(offset + from.get(), offset + to.get());
                            true
                        }
                        _ => false,
                    })
            }
        }
    }

    /// The first variable whose own regex refuses its value, else the first of all.
    fn first_refused(&self, values: &[&str]) -> usize {
        let regexes = self.parts.iter().filter_map(|part| {
            if let Shape::Variable(regex) = part {
                Some(regex)
            } else {
                None
            }
        });
        let refused = regexes.zip(values).position(|(regex, value)| {
            let accepts =
                |regex: &String| compile_regex(regex).is_ok_and(|regex| regex.is_match(*value));
            value.is_empty() || !regex.as_ref().is_none_or(accepts)
        });
        refused.unwrap_or_default()
    }
}

/// Splits `text` at the first place of each literal in turn that leaves no variable empty. The earliest place is always right: it leaves most to
/// the literals that follow.
fn split_at(text: &str, literals: &[String], offset: usize, slots: &mut Slots) -> bool {
    let mut from = 0;
    for literal in literals {
        let Some(found) = text.as_bytes()[from..]
            .windows(literal.len())
            .skip(1)
            .position(|window| window == literal.as_bytes())
        else {
            return false;
        };
        let to = from + 1 + found;
        slots.push(offset + from, offset + to);
        from = to + literal.len();
    }
    slots.push(offset + from, offset + text.len());
    from < text.len()
}

/// Compiles the regex of one variable, anchored at both ends.
fn compile_regex(regex: &str) -> Result<Regex, String> {
    // On its own first: `a)|(b` is no regex, though it is one between our parentheses.
    Regex::new(regex).map_err(|error| reason(&error))?;
    Regex::new(&format!(r"\A(?:{regex})\z")).map_err(|error| reason(&error))
}

/// Compiles several variables into one regex with a group for each.
fn groups_regex(parts: &[Shape], variables: usize) -> Result<Split, String> {
    let mut text = String::from(r"\A");
    let mut count = 0;
    for part in parts {
        match part {
            Shape::Literal(literal) => literal
                .chars()
                .for_each(|c| text.push_str(&format!(r"\x{{{:x}}}", u32::from(c)))),
            Shape::Variable(regex) => {
                // Named, because groups inside the variables' own regexes shift the numbers.
                text.push_str(&format!(
                    "(?<pleach{count}>{})",
                    regex.as_deref().unwrap_or("(?s:.+?)")
                ));
                count += 1;
            }
        }
    }
    text.push_str(r"\z");
    let regex = Regex::new(&text).map_err(|error| reason(&error))?;
    let groups = (0..variables)
        .filter_map(|i| {
            regex
                .group_info()
                .to_index(regex_automata::PatternID::ZERO, &format!("pleach{i}"))
        })
        .collect();
    Ok(Split::Groups(regex, groups))
}

/// The last line of what the regex parser says; the lines before draw the regex, which the template's own column does.
fn reason(error: &BuildError) -> String {
    let text = match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    };
    let last = text.lines().last().unwrap_or_default();
    format!(
        "bad regex: {}",
        last.strip_prefix("error: ").unwrap_or(last)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{Place, parse};

    fn piece(text: &str) -> Piece {
        Piece::compile(&parse(text, Place::Value).unwrap()[0]).unwrap()
    }

    #[track_caller]
    fn check(template: &str, text: &str, expected: Option<&[&str]>) {
        let mut slots = Slots::default();
        let found = piece(template).pattern.find(text, 0, &mut slots);
        let values: Vec<&str> = (0..slots.len())
            .filter_map(|i| {
                if let Some(Caught::Raw(range)) = slots.get(i) {
                    Some(&text[range])
                } else {
                    None
                }
            })
            .collect();
        assert_eq!(
            found.then_some(values.as_slice()),
            expected,
            "{template} on {text}"
        );
    }

    #[test]
    fn literals_and_variables_share_a_piece() {
        check("v{major}.{minor}", "v1.2", Some(&["1", "2"]));
        check("v{major}.{minor}", "v1.", None);
        check("v{major}.{minor}", "v.1", None);
        check("v{major}.{minor}", "v..1", Some(&[".", "1"]));
        check("v{major}.{minor}", "v1.2.3", Some(&["1", "2.3"]));
        check("{name}.json", "a.json.json", Some(&["a.json"]));
        check("{name}.json", ".json", None);
        check("ab{x}ba", "aba", None);
        check("{a}--{b}", "x---y", Some(&["x", "-y"]));
        check("{{{a}}}", "{x}", Some(&["x"]));
    }

    #[test]
    fn a_regex_is_anchored_and_its_literals_are_literal() {
        check("{cell:[0-8]}", "7", Some(&["7"]));
        check("{cell:[0-8]}", "77", None);
        check("{cell:a|b}", "xb", None);
        check("d.{t:t}", "dXt", None);
        check(
            "{name}.{ext:[a-z]+}",
            "archive.tar.gz",
            Some(&["archive.tar", "gz"]),
        );
        check("{a:(x)(y)}{b:z}", "xyz", Some(&["xy", "z"]));
        check("{a:x*}{b:y}", "y", None);
        check("{a:x*}", "", None);
    }

    #[test]
    fn what_would_be_read_back_otherwise_is_not_written() {
        assert_eq!(
            piece("v{major}.{minor}").write(&["1", "2.3"]),
            Ok("v1.2.3".into())
        );
        assert_eq!(piece("v{major}.{minor}").write(&["1.2", "3"]), Err(0));
        assert_eq!(piece("v{major}.{minor}").write(&["1", ""]), Err(1));
        assert_eq!(
            piece("{name}.{ext:[a-z]+}").write(&["archive.tar", "gz"]),
            Ok("archive.tar.gz".into())
        );
        assert_eq!(
            piece("{name}.{ext:[a-z]+}").write(&["archive", "GZ"]),
            Err(1)
        );
        assert_eq!(piece("{cell:[0-8]}").write(&["9"]), Err(0));
    }

    #[test]
    fn a_regex_must_stand_on_its_own() {
        for regex in ["{a:a)|(b}", "{a:[}", "{a:(?x)a # b}"] {
            let Ok(segments) = parse(regex, Place::Value) else {
                continue;
            };
            let error = Piece::compile(&segments[0]).expect_err(regex);
            assert!(error.reason.starts_with("bad regex"), "{error}");
            assert_eq!(error.column, 4);
        }
    }
}
