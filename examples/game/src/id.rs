//! Ids of users and games: opaque, never swapped by mistake.

mod uuid;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use uuid::NoRandomness;

/// Who somebody is, for as long as they are logged in. It is no secret and opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct UserId(String);

/// Which game is meant: the key of its record. Ids made later sort later.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct GameId(String);

/// A text that can be no id. In a record an empty one stands for "nobody".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnId;

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an id has 1 to {MAX_BYTES} bytes")
    }
}

impl std::error::Error for NotAnId {}

/// Room for ids of others than us; a URL may hold anything, and what is longer is not worth asking the store for.
const MAX_BYTES: usize = 128;

macro_rules! id {
    ($id:ident) => {
        impl $id {
            /// Makes an id that was never there before and won't come again.
            ///
            /// # Errors
            /// When the system has no randomness to give.
            pub fn random() -> Result<Self, NoRandomness> {
                uuid::fresh().map(Self)
            }

            /// Returns the id as it is stored and sent.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $id {
            type Error = NotAnId;

            fn try_from(text: String) -> Result<Self, NotAnId> {
                if (1..=MAX_BYTES).contains(&text.len()) {
                    Ok(Self(text))
                } else {
                    Err(NotAnId)
                }
            }
        }

        impl FromStr for $id {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                Self::try_from(text.to_owned())
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(UserId);
id!(GameId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_ids_differ() {
        let [one, other] = [(); 2].map(|()| UserId::random().expect("randomness"));
        assert_ne!(one, other);
    }

    #[test]
    fn a_text_that_is_empty_or_too_long_is_no_id() {
        assert_eq!("".parse::<GameId>(), Err(NotAnId));
        assert_eq!("g".repeat(MAX_BYTES + 1).parse::<GameId>(), Err(NotAnId));
        assert!("g".repeat(MAX_BYTES).parse::<GameId>().is_ok());
    }
}
