//! Names that people type, checked once where they enter.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The fewest code points of any name.
const MIN: usize = 2;

/// What a user is called: 2 to 32 code points, trimmed, without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct UserName(String);

/// What a game is called: 2 to 64 code points, trimmed, without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct GameName(String);

impl UserName {
    /// The most code points of a user's name.
    pub const MAX: usize = 32;

    /// Trims `text` and checks what is left.
    ///
    /// # Errors
    /// [`BadName`], whose text can be shown beside the field.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        check(text, Self::MAX).map(Self)
    }

    /// Returns the name as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl GameName {
    /// The most code points of a game's name.
    pub const MAX: usize = 64;

    /// Trims `text` and checks what is left.
    ///
    /// # Errors
    /// [`BadName`], whose text can be shown beside the field.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        check(text, Self::MAX).map(Self)
    }

    /// Reads the optional field of a form, which a browser sends empty rather than not at all: nothing, or nothing but
    /// space, names the game after its host.
    ///
    /// # Errors
    /// [`BadName`] when something was typed that is no name.
    pub fn parse_or_default(text: Option<&str>, host: &UserName) -> Result<Self, BadName> {
        match text.map(str::trim) {
            None | Some("") => Ok(Self::of_host(host)),
            Some(text) => Self::parse(text),
        }
    }

    /// Returns the name of a game to which its host gave none.
    #[must_use]
    pub fn of_host(host: &UserName) -> Self {
        Self(format!("{}{POSSESSIVE}", host.as_str()))
    }

    /// Returns the name as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const POSSESSIVE: &str = "'s game";
// Every host's default must itself be a name: the ending has seven code points.
const _: () = assert!(UserName::MAX + 7 <= GameName::MAX);

impl TryFrom<String> for UserName {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        Self::parse(&text)
    }
}

impl TryFrom<String> for GameName {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        Self::parse(&text)
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for GameName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no name. Its `Display` is a sentence for whoever typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadName {
    /// Too few or too many code points.
    Length {
        /// The most that would have been accepted.
        max: usize,
    },
    /// A control character inside, such as a line break or NUL.
    Control,
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { max } => write!(f, "Use {MIN} to {max} characters."),
            Self::Control => f.write_str("Use no line breaks or other control characters."),
        }
    }
}

impl std::error::Error for BadName {}

fn check(text: &str, max: usize) -> Result<String, BadName> {
    let text = text.trim();
    if text.contains(char::is_control) {
        return Err(BadName::Control);
    }
    // Stops counting one past the limit, so that a huge body costs no more than a long name.
    match text.chars().take(max + 1).count() {
        length if (MIN..=max).contains(&length) => Ok(text.to_owned()),
        _ => Err(BadName::Length { max }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn length_counts_code_points_after_trimming() {
        for good in [
            "Al",
            "  Al\n",
            "\u{1f98a}\u{1f43b}",
            &"x".repeat(32),
            &"\u{e9}".repeat(32),
        ] {
            assert_eq!(UserName::parse(good).expect(good).as_str(), good.trim());
        }
        for bad in ["", "  ", "A", " A ", "\u{1f98a}", &"x".repeat(33)] {
            assert_eq!(
                UserName::parse(bad),
                Err(BadName::Length { max: 32 }),
                "{bad:?}"
            );
        }
        assert!(GameName::parse(&"x".repeat(64)).is_ok());
        assert_eq!(
            GameName::parse(&"x".repeat(65)),
            Err(BadName::Length { max: 64 })
        );
    }

    #[test]
    fn control_characters_inside_are_refused() {
        for bad in [
            "a\0b",
            "a\nb",
            "a\rb",
            "a\tb",
            "a\u{7f}b",
            "a\u{85}b",
            "\u{1b}[1m",
        ] {
            assert_eq!(UserName::parse(bad), Err(BadName::Control), "{bad:?}");
        }
    }

    #[test]
    fn an_empty_field_names_the_game_after_its_host() {
        let host = UserName::parse("Ada").expect("a name");
        for nothing in [None, Some(""), Some(" \t ")] {
            assert_eq!(
                GameName::parse_or_default(nothing, &host)
                    .expect("a default")
                    .as_str(),
                "Ada's game"
            );
        }
        assert_eq!(
            GameName::parse_or_default(Some(" Duel "), &host)
                .expect("a name")
                .as_str(),
            "Duel"
        );
        assert!(GameName::parse_or_default(Some("D"), &host).is_err());
    }

    proptest! {
        #[test]
        fn a_name_is_stable_when_parsed_again(text in any::<String>()) {
            if let Ok(name) = UserName::parse(&text) {
                prop_assert_eq!(UserName::parse(name.as_str()), Ok(name.clone()));
                prop_assert_eq!(GameName::parse(GameName::of_host(&name).as_str()), Ok(GameName::of_host(&name)));
            }
        }
    }
}
