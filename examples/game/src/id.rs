//! Ids of users and games: opaque, never empty, never swapped by mistake.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Who somebody is, for as long as they are logged in. It is no secret and opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct UserId(String);

/// Which game is meant: the key of its record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct GameId(String);

/// An empty text in the place of an id. In a record it stands for "nobody", so it can be no one's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmptyId;

impl fmt::Display for EmptyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id is empty")
    }
}

impl std::error::Error for EmptyId {}

macro_rules! id {
    ($id:ident) => {
        impl $id {
            /// Returns the id as it is stored and sent.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $id {
            type Error = EmptyId;

            fn try_from(text: String) -> Result<Self, EmptyId> {
                if text.is_empty() {
                    Err(EmptyId)
                } else {
                    Ok(Self(text))
                }
            }
        }

        impl FromStr for $id {
            type Err = EmptyId;

            fn from_str(text: &str) -> Result<Self, EmptyId> {
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
