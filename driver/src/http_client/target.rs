//! A URL as a browser reads it, ready to be called.

use std::fmt;

use url::{Host, Url};

use crate::Error;

/// Where a call goes. `Display` leaves out what may be secret: query and fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target(Url);

impl Target {
    /// Takes a URL of `http` or `https`. Odd spellings of addresses become plain here: `http://0x7f.1/` is `http://127.0.0.1/`.
    ///
    /// Credentials belong into a header: in a URL they end up in logs.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let url = Url::parse(text).map_err(|error| invalid(error.to_string()))?;
        Self::check(url)
    }

    /// Takes what a `Location` header says, which may be relative.
    pub(super) fn join(&self, location: &str) -> Result<Self, Error> {
        let url = self
            .0
            .join(location)
            .map_err(|error| invalid(format!("in the redirect from {self}: {error}")))?;
        Self::check(url)
    }

    fn check(mut url: Url) -> Result<Self, Error> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Error::refused(format!(
                "URLs of the scheme {:?} are not called; http and https are",
                url.scheme()
            )));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid(
                "it has a user name or password: send those in a header".to_owned(),
            ));
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    pub(super) fn add_query(&mut self, name: &str, value: &str) {
        self.0.query_pairs_mut().append_pair(name, value);
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(super) fn host(&self) -> Host<&str> {
        self.0.host().expect("URLs of http and https have a host")
    }

    pub(super) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Returns true when both are of one scheme, host and port: what a secret header was meant for.
    pub(super) fn is_same_origin(&self, other: &Self) -> bool {
        self.0.origin() == other.0.origin()
    }

    pub(super) fn uri(&self) -> Result<http::Uri, Error> {
        self.as_str()
            .parse()
            .map_err(|error: http::uri::InvalidUri| invalid(error.to_string()))
    }
}

fn invalid(detail: String) -> Error {
    Error::invalid("URL", detail)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{}",
            self.0.origin().ascii_serialization(),
            self.0.path()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_spellings_become_plain() {
        for odd in [
            "http://127.1/",
            "http://0x7f.1/",
            "http://2130706433/",
            "http://0177.0.0.1/",
            "http://127.0.0.1./",
            "http://0x7f000001/",
            "HTTP://127.0.0.1:80/",
            "http://１２７.0.0.1/",
            "http:127.0.0.1",
            "http:\\\\127.0.0.1/",
        ] {
            assert_eq!(
                Target::parse(odd).unwrap().as_str(),
                "http://127.0.0.1/",
                "{odd}"
            );
        }
    }

    #[test]
    fn only_http_is_called() {
        for url in [
            "file:///etc/passwd",
            "ftp://h/",
            "gopher://h/",
            "unix:/run/x",
            "data:,x",
            "javascript:1",
        ] {
            assert!(Target::parse(url).unwrap_err().is_refused(), "{url}");
        }
        for url in [
            "",
            "nothing",
            "/path",
            "http://",
            "http://a b/",
            "http://[::1/",
            "http://256.1.1.1/",
        ] {
            assert!(Target::parse(url).unwrap_err().is_invalid(), "{url}");
        }
    }

    #[test]
    fn neither_errors_nor_display_tell_secrets() {
        let error = Target::parse("https://me:secret@example.com/").unwrap_err();
        assert!(
            error.is_invalid() && !error.to_string().contains("secret"),
            "{error}"
        );
        let target = Target::parse("https://example.com:444/a?token=secret#secret").unwrap();
        assert_eq!(target.to_string(), "https://example.com:444/a");
    }
}
