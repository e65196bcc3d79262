//! The text of a template, parsed: literals and variables, piece by piece, with the column of whatever is wrong.

use std::fmt;

/// What a template stands for, which decides where it is split and what may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A path: split at `/`, may end in `{*rest}`.
    Path,
    /// The beginning of a path: as a path, but something has to be able to follow.
    Prefix,
    /// A host: split at dots, without case.
    Host,
    /// The value of a header or of a query parameter: one piece.
    Value,
}

impl Place {
    fn separator(self) -> Option<char> {
        match self {
            Place::Path | Place::Prefix => Some('/'),
            Place::Host => Some('.'),
            Place::Value => None,
        }
    }
}

/// One part of a segment, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Literal(String),
    Variable {
        name: String,
        regex: Option<String>,
        column: usize,
    },
    Rest {
        name: String,
        column: usize,
    },
}

/// What is wrong with a template, and where: columns count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateError {
    pub(crate) column: usize,
    pub(crate) reason: String,
}

impl TemplateError {
    pub(crate) fn new(column: usize, reason: impl Into<String>) -> Self {
        Self {
            column,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.reason)
    }
}

/// Splits `text` into segments of parts.
///
/// A path gives one segment for each slash: `/` is one empty segment, `` none. A trailing slash of a prefix says nothing and is dropped.
pub(crate) fn parse(text: &str, place: Place) -> Result<Vec<Vec<Part>>, TemplateError> {
    let mut parser = Parser {
        chars: text.chars().collect(),
        at: 0,
        place,
    };
    let mut segments = Vec::new();
    match place {
        Place::Path | Place::Prefix => {
            if !parser.chars.is_empty() && !parser.eat('/') {
                return Err(parser.error("a path begins with `/`"));
            }
            if parser.chars.is_empty() || (place == Place::Prefix && parser.chars.len() == 1) {
                return Ok(segments);
            }
        }
        Place::Host if text.is_empty() => return Err(parser.error("a host is not empty")),
        Place::Host | Place::Value => {}
    }
    loop {
        let start = parser.at;
        let segment = parser.segment()?;
        let last = parser.at == parser.chars.len();
        check_segment(&segment, place, start + 1, last)?;
        if last && place == Place::Prefix && segment.is_empty() {
            return Ok(segments);
        }
        segments.push(segment);
        if last {
            return Ok(segments);
        }
        parser.at += 1; // the separator that ended the segment
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    place: Place,
}

impl Parser {
    fn error(&self, reason: impl Into<String>) -> TemplateError {
        TemplateError::new(self.at + 1, reason)
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Reads up to the next separator outside braces, or to the end.
    fn segment(&mut self) -> Result<Vec<Part>, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        while let Some(c) = self.peek() {
            if Some(c) == self.place.separator() {
                break;
            }
            let column = self.at + 1;
            self.at += 1;
            match c {
                '{' if self.eat('{') => literal.push('{'),
                '}' if self.eat('}') => literal.push('}'),
                '}' => {
                    return Err(TemplateError::new(
                        column,
                        "a `}` without `{`; a literal one is written `}}`",
                    ));
                }
                '{' => {
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(self.variable(column)?);
                }
                _ if self.place == Place::Host => literal.extend(c.to_lowercase()),
                _ => literal.push(c),
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(parts)
    }

    /// Reads a variable, whose opening brace stood at `column`.
    fn variable(&mut self, column: usize) -> Result<Part, TemplateError> {
        let rest = self.eat('*');
        let start = self.at;
        while self
            .peek()
            .is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        {
            self.at += 1;
        }
        let name: String = self.chars[start..self.at].iter().collect();
        match self.peek() {
            None => {
                return Err(TemplateError::new(
                    column,
                    "this `{` is never closed; a literal one is written `{{`",
                ));
            }
            Some('}' | ':') if name.is_empty() => {
                return Err(self.error("the variable has no name"));
            }
            Some('}') => {
                self.at += 1;
                return Ok(if rest {
                    Part::Rest { name, column }
                } else {
                    Part::Variable {
                        name,
                        regex: None,
                        column,
                    }
                });
            }
            Some(':') if rest => {
                return Err(self.error("`{*…}` takes whatever is left and can't be constrained"));
            }
            Some(':') => self.at += 1,
            Some(c) => {
                return Err(self.error(format!("`{c}` can't stand in the name of a variable")));
            }
        }
        let regex = self.regex(column)?;
        Ok(Part::Variable {
            name,
            regex: Some(regex),
            column,
        })
    }

    /// Reads a regex up to the brace that closes its variable. Braces of its own are counted, escaped ones are not.
    fn regex(&mut self, column: usize) -> Result<String, TemplateError> {
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                '\\' => self.at += 1,
                '{' => depth += 1,
                '}' if depth == 0 => {
                    let regex: String = self.chars[start..self.at].iter().collect();
                    if regex.is_empty() {
                        return Err(self.error("the regex is empty"));
                    }
                    self.at += 1;
                    return Ok(regex);
                }
                '}' => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
        Err(TemplateError::new(column, "this `{` is never closed"))
    }
}

/// Refuses what could never match or never be written as a URL.
fn check_segment(
    segment: &[Part],
    place: Place,
    column: usize,
    last: bool,
) -> Result<(), TemplateError> {
    for pair in segment.windows(2) {
        if let [
            Part::Variable { regex: None, .. },
            Part::Variable {
                regex: None,
                column,
                ..
            },
        ] = pair
        {
            return Err(TemplateError::new(
                *column,
                "nothing stands between two variables, so where one ends can't be told",
            ));
        }
    }
    for part in segment {
        if let Part::Rest { column, .. } = part {
            match place {
                Place::Path if segment.len() > 1 => {
                    return Err(TemplateError::new(
                        *column,
                        "`{*…}` is a segment of its own",
                    ));
                }
                Place::Path if !last => {
                    return Err(TemplateError::new(*column, "nothing can follow `{*…}`"));
                }
                Place::Path => {}
                Place::Prefix => {
                    return Err(TemplateError::new(
                        *column,
                        "a prefix leaves the rest to others and can't hold `{*…}`",
                    ));
                }
                Place::Host | Place::Value => {
                    return Err(TemplateError::new(
                        *column,
                        "`{*…}` can only stand in a path",
                    ));
                }
            }
        }
    }
    match (place, segment) {
        (Place::Path | Place::Prefix, []) if !last => {
            Err(TemplateError::new(column, "an empty segment"))
        }
        (Place::Path | Place::Prefix, [Part::Literal(text)]) if text == "." || text == ".." => {
            Err(TemplateError::new(
                column,
                format!("clients remove a segment `{text}` before they ask"),
            ))
        }
        (Place::Path | Place::Prefix, _) => {
            let odd = segment.iter().find_map(|part| match part {
                Part::Literal(text) => text.chars().find(|c| matches!(c, '?' | '#')),
                _ => None,
            });
            match odd {
                Some(c) => Err(TemplateError::new(
                    column,
                    format!(
                        "a `{c}` ends the path of a URL; query parameters are matchers of their own"
                    ),
                )),
                None => Ok(()),
            }
        }
        (Place::Host, []) => Err(TemplateError::new(column, "an empty label")),
        (Place::Host, _) => {
            let odd = segment.iter().find_map(|part| match part {
                Part::Literal(text) => text
                    .chars()
                    .find(|c| c.is_whitespace() || matches!(c, '/' | '@' | '?' | '#')),
                _ => None,
            });
            match odd {
                Some(c) => Err(TemplateError::new(
                    column,
                    format!("`{c}` can't stand in a host"),
                )),
                None => Ok(()),
            }
        }
        (Place::Value, _) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn fails(place: Place, text: &str, column: usize, reason: &str) {
        let error = parse(text, place).expect_err(text);
        assert!(
            error.column == column && error.reason.contains(reason),
            "{text}: {error}"
        );
    }

    #[test]
    fn a_path_has_one_segment_for_each_slash() {
        let count = |text, place| parse(text, place).unwrap().len();
        assert_eq!(
            [
                count("", Place::Path),
                count("/", Place::Path),
                count("/a", Place::Path),
                count("/a/", Place::Path)
            ],
            [0, 1, 1, 2]
        );
        assert_eq!(
            [
                count("", Place::Prefix),
                count("/", Place::Prefix),
                count("/a", Place::Prefix),
                count("/a/", Place::Prefix)
            ],
            [0, 0, 1, 1]
        );
    }

    #[test]
    fn braces_slashes_and_dots_of_a_regex_are_its_own() {
        let segments = parse(r"/{a:[0-9]{2,4}/\}x}.{{b}}", Place::Path).unwrap();
        let variable = Part::Variable {
            name: "a".into(),
            regex: Some(r"[0-9]{2,4}/\}x".into()),
            column: 2,
        };
        assert_eq!(segments, [vec![variable, Part::Literal(".{b}".into())]]);
    }

    #[test]
    fn hosts_are_split_at_dots_and_lowered() {
        let segments = parse("{t}.Example.COM", Place::Host).unwrap();
        assert_eq!(
            segments[1..],
            [
                vec![Part::Literal("example".into())],
                vec![Part::Literal("com".into())]
            ]
        );
    }

    #[test]
    fn a_bad_template_is_an_error_at_its_column() {
        fails(Place::Path, "game", 1, "begins with `/`");
        fails(Place::Path, "/game/{}", 8, "no name");
        fails(Place::Path, "/game/{:x}", 8, "no name");
        fails(Place::Path, "/game/{id", 7, "never closed");
        fails(Place::Path, "/game/{id:[0-9]", 7, "never closed");
        fails(Place::Path, "/game/{id:}", 11, "regex is empty");
        fails(Place::Path, "/game/id}", 9, "without `{`");
        fails(Place::Path, "/game/{i d}", 9, "can't stand in the name");
        fails(Place::Path, "/é/{a}{b}", 7, "nothing stands between");
        fails(Place::Path, "/{*rest}/x", 2, "nothing can follow");
        fails(Place::Path, "/x{*rest}", 3, "segment of its own");
        fails(Place::Path, "/{*rest:x}", 8, "can't be constrained");
        fails(Place::Prefix, "/{*rest}", 2, "prefix");
        fails(Place::Path, "/a//b", 4, "empty segment");
        fails(Place::Path, "//a", 2, "empty segment");
        fails(Place::Path, "/a/../b", 4, "clients remove");
        fails(Place::Path, "/a?b", 2, "ends the path");
        fails(Place::Host, "", 1, "not empty");
        fails(Place::Host, "a..b", 3, "empty label");
        fails(Place::Host, "{*a}.b", 1, "only stand in a path");
        fails(Place::Host, "a b", 1, "can't stand in a host");
        fails(Place::Value, "{*a}", 1, "only stand in a path");
    }
}
