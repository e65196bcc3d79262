//! Where the data lies: the store's URL.

use std::fmt;
use std::path::PathBuf;

use crate::Error;

/// A store's URL, taken apart. `Display` masks what is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    Memory,
    Directory(PathBuf),
}

impl Location {
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let Some((scheme, rest)) = url.split_once(':') else {
            return Err(Error::invalid(
                "store URL",
                format!("{url:?} has no scheme, as in file:./pleach-data"),
            ));
        };
        match scheme {
            "memory" if rest.is_empty() => Ok(Self::Memory),
            "memory" => Err(Error::invalid(
                "store URL",
                format!("memory: is followed by nothing, not by {rest:?}"),
            )),
            "file" => match rest.strip_prefix("//").unwrap_or(rest) {
                "" => Err(Error::invalid(
                    "store URL",
                    "file: is followed by a directory",
                )),
                path => Ok(Self::Directory(path.into())),
            },
            "nats" | "tls" => Err(Error::unsupported(
                "this program was built without the feature \"nats\"",
            )),
            _ => {
                let detail =
                    format!("unknown scheme {scheme:?}; there are memory:, file: and nats:");
                Err(Error::invalid("store URL", detail))
            }
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Directory(path) => write!(f, "file:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, location: Location, shown: &str) {
        let parsed = Location::parse(url).unwrap();
        assert_eq!(parsed, location);
        assert_eq!(parsed.to_string(), shown);
    }

    #[test]
    fn the_schemes_are_known() {
        check("memory:", Location::Memory, "memory:");
        check(
            "file:./pleach-data",
            Location::Directory("./pleach-data".into()),
            "file:./pleach-data",
        );
        check(
            "file:///var/lib/arena",
            Location::Directory("/var/lib/arena".into()),
            "file:/var/lib/arena",
        );
    }

    #[test]
    fn anything_else_is_a_clear_error() {
        for url in [
            "",
            "pleach-data",
            "memory:x",
            "file:",
            "redis://h",
            "FILE:x",
        ] {
            assert!(Location::parse(url).unwrap_err().is_invalid(), "{url:?}");
        }
    }

    #[test]
    fn an_error_tells_no_secret() {
        let error = Location::parse("nats://user:secret@h1:4222").unwrap_err();
        assert!(error.is_unsupported());
        assert!(!error.to_string().contains("secret"), "{error}");
        let error = Location::parse("redis://user:secret@h").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
