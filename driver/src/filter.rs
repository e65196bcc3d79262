//! Which keys, or which subjects, are meant.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::{Error, key};

/// A set of keys: one key, or all that a pattern in the form of NATS matches.
///
/// A pattern is read as tokens with dots between them. `*` stands for any one token, `>` as the
/// last token for one or more. `g.*.s` matches `g.1.s`; `g.>` matches `g.1` and `g.1.s` but not
/// `g`; `>` matches everything. Any other token stands for itself, also when it holds one of these
/// characters (`a*`).
///
/// Functions that take a filter take a `&str` as well. A key from outside goes through
/// [`Filter::key`], where `*` and `>` mean nothing. A clone is a counter.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Filter {
    text: Arc<str>,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    Key,
    Pattern,
}

impl Filter {
    /// Parses a pattern; without a wildcard in it, it is that one key.
    ///
    /// # Errors
    /// [`Error::is_invalid`] when `>` is not the last token, [`Error::is_too_large`] above
    /// [`key::MAX_BYTES`].
    pub fn new(pattern: &str) -> Result<Self, Error> {
        key::check(pattern)?;
        let mut form = Form::Key;
        let mut tokens = pattern.split('.').peekable();
        while let Some(token) = tokens.next() {
            match token {
                "*" => form = Form::Pattern,
                ">" if tokens.peek().is_some() => {
                    return Err(Error::invalid(
                        "filter",
                        format!("in {pattern:?} > is not the last token"),
                    ));
                }
                ">" => form = Form::Pattern,
                _ => {}
            }
        }
        Ok(Self {
            text: pattern.into(),
            form,
        })
    }

    /// Means exactly this key, whatever characters it holds.
    pub fn key(key: &str) -> Self {
        Self {
            text: key.into(),
            form: Form::Key,
        }
    }

    /// Means every key.
    pub fn all() -> Self {
        Self {
            text: ">".into(),
            form: Form::Pattern,
        }
    }

    /// Returns the key when only one is meant.
    pub fn as_key(&self) -> Option<&str> {
        match self.form {
            Form::Key => Some(&self.text),
            Form::Pattern => None,
        }
    }

    /// Returns the text that it was made from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the same text as a counted reference.
    pub(crate) fn text(&self) -> Arc<str> {
        self.text.clone()
    }

    /// Returns true when `key` is meant.
    pub fn matches(&self, key: &str) -> bool {
        match self.form {
            Form::Key => *self.text == *key,
            Form::Pattern => matches_pattern(&self.text, key),
        }
    }

    /// Returns the text that every matching key begins with: whole tokens, with the dot behind
    /// them.
    ///
    /// A sorted store scans no more than the keys that begin so.
    pub fn literal_prefix(&self) -> &str {
        if self.form == Form::Key {
            return &self.text;
        }
        let literal: usize = self
            .text
            .split('.')
            .take_while(|token| !matches!(*token, "*" | ">"))
            .map(|token| token.len() + 1)
            .sum();
        &self.text[..literal]
    }
}

fn matches_pattern(pattern: &str, key: &str) -> bool {
    let mut tokens = key.split('.');
    for wanted in pattern.split('.') {
        match (wanted, tokens.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(token)) if wanted == token => {}
            _ => return false,
        }
    }
    tokens.next().is_none()
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.form {
            Form::Key => write!(f, "Filter::key({:?})", self.text),
            Form::Pattern => write!(f, "Filter({:?})", self.text),
        }
    }
}

impl FromStr for Filter {
    type Err = Error;

    fn from_str(pattern: &str) -> Result<Self, Error> {
        Self::new(pattern)
    }
}

impl TryFrom<&str> for Filter {
    type Error = Error;

    fn try_from(pattern: &str) -> Result<Self, Error> {
        Self::new(pattern)
    }
}

impl TryFrom<&String> for Filter {
    type Error = Error;

    fn try_from(pattern: &String) -> Result<Self, Error> {
        Self::new(pattern)
    }
}

impl From<&Filter> for Filter {
    fn from(filter: &Filter) -> Self {
        filter.clone()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        let filter = Filter::new(pattern).unwrap();
        for key in matching {
            assert!(filter.matches(key), "{pattern} should match {key:?}");
            assert!(
                key.starts_with(filter.literal_prefix()),
                "{pattern}: prefix of {key:?}"
            );
        }
        for key in others {
            assert!(!filter.matches(key), "{pattern} should not match {key:?}");
        }
    }

    #[test]
    fn wildcards_match_as_in_nats() {
        check(
            "g.*.s",
            &["g.1.s", "g..s"],
            &["g.s", "g.1.t", "h.1.s", "g.1.s.x"],
        );
        check("g.>", &["g.1", "g.1.s", "g."], &["g", "h.1"]);
        check("*.1.*", &["g.1.s", "h.1.s"], &["g.2.s", "1.1"]);
        check("g.*", &["g.1"], &["g.1.s", "g"]);
        check(">", &["a", "g.1.s", ""], &[]);
        check("*", &["a", ""], &["a.b"]);
        check("a*", &["a*"], &["ab", "a"]);
        check("a.b", &["a.b"], &["a", "a.b.c", "a.c"]);
    }

    #[test]
    fn a_key_filter_takes_wildcards_literally() {
        let filter = Filter::key("g.*");
        assert!(filter.matches("g.*") && !filter.matches("g.1"));
        assert_eq!(filter.as_key(), Some("g.*"));
    }

    #[test]
    fn an_inner_tail_wildcard_is_refused() {
        assert!(Filter::new("a.>.b").unwrap_err().is_invalid());
    }

    #[test]
    fn the_literal_prefix_ends_before_the_first_wildcard() {
        for (pattern, prefix) in [
            ("g.*.s", "g."),
            ("g.1.>", "g.1."),
            (">", ""),
            ("a.b", "a.b"),
        ] {
            assert_eq!(Filter::new(pattern).unwrap().literal_prefix(), prefix);
        }
    }

    proptest! {
        #[test]
        fn encoding_keeps_what_a_filter_matches(
            pattern in prop::collection::vec("[ab*]|é|", 1..4),
            key in prop::collection::vec("[ab*]|é|", 1..4),
        ) {
            let (pattern, key) = (pattern.join("."), key.join("."));
            let encoded: Vec<_> = pattern
                .split('.')
                .map(|token| if token == "*" { token.into() } else { key::encode_token(token) })
                .collect();
            let direct = Filter::new(&pattern).unwrap().matches(&key);
            let through = Filter::new(&encoded.join(".")).unwrap().matches(&key::encode(&key));
            prop_assert_eq!(direct, through);
        }
    }
}
