//! Types that an option's value may have.

use std::time::Duration;

use super::duration;
use super::size::Size;
use crate::tier::Tier;

/// A type that an option's value may have.
pub trait Value: Sized {
    /// What help shows in the place of the value, such as `DURATION`.
    const SHAPE: &'static str;

    /// True when the flag alone means `true`.
    const IS_SWITCH: bool = false;

    /// Reads a value as a user writes it.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the text and what would be right. It names the text, except where that is a secret.
    fn parse(text: &str) -> Result<Self, String>;
}

impl Value for String {
    const SHAPE: &'static str = "TEXT";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl Value for bool {
    const SHAPE: &'static str = "BOOL";
    const IS_SWITCH: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err(format!("`{text}` is neither true nor false")),
        }
    }
}

macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl Value for $number {
            const SHAPE: &'static str = "NUMBER";

            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| format!("`{text}` is not a whole number from 0 to {}", Self::MAX))
            }
        }
    )*};
}

whole_numbers!(u16, u32, u64, usize);

impl Value for Duration {
    const SHAPE: &'static str = "DURATION";

    fn parse(text: &str) -> Result<Self, String> {
        duration::parse(text)
    }
}

impl Value for Size {
    const SHAPE: &'static str = "SIZE";

    fn parse(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl Value for Tier {
    const SHAPE: &'static str = "TIER";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
    }
}

/// Names separated by commas; spaces around them don't count, and nothing at all is an empty list.
impl Value for Vec<String> {
    const SHAPE: &'static str = "LIST";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect())
    }
}

/// Nothing, or a value: an empty text is `None`.
impl<T: Value> Value for Option<T> {
    const SHAPE: &'static str = T::SHAPE;

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            Ok(None)
        } else {
            T::parse(text).map(Some)
        }
    }
}

/// How much is kept: by age (`30d`), or by number (`10000`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// What is younger than that.
    Age(Duration),
    /// The newest, that many.
    Count(u64),
}

impl Value for Retention {
    const SHAPE: &'static str = "DURATION|NUMBER";

    fn parse(text: &str) -> Result<Self, String> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            u64::parse(text).map(Self::Count)
        } else {
            duration::parse(text).map(Self::Age)
        }
    }
}
