//! The tier that an application runs in.

use std::fmt;
use std::str::FromStr;

/// How public a running application is. Development tools exist in [`Tier::Development`] only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    /// On a developer's machine: errors show their causes, templates reload.
    Development,
    /// Like production, for trying things out.
    Staging,
    /// For everybody.
    Production,
}

impl Default for Tier {
    /// Development for a debug build, production for a release build.
    fn default() -> Self {
        if cfg!(debug_assertions) {
            Self::Development
        } else {
            Self::Production
        }
    }
}

impl Tier {
    /// Returns the name, as `--tier` takes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Tier {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "development" => Ok(Self::Development),
            "staging" => Ok(Self::Staging),
            "production" => Ok(Self::Production),
            other => Err(format!(
                "`{other}` is not a tier: development, staging or production"
            )),
        }
    }
}
