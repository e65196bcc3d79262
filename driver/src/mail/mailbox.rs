//! Who writes, and to whom.

use std::fmt;
use std::str::FromStr;

use lettre::Address;
use lettre::message::Mailbox as Parsed;
use serde::{Deserialize, Serialize};
use url::Host;

use crate::Error;

/// An address of mail, with or without a name: `ann@example.com`, `Ann <ann@example.com>`.
///
/// Text is taken apart and refused where it is not exactly one address, or holds a control character. A name that comes from a user is given apart
/// from the address, with [`Mailbox::named`], so that it can't be read as part of one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mailbox {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    address: String,
}

impl Mailbox {
    /// Makes a mailbox of a name and an address.
    ///
    /// # Errors
    /// [`Error::is_invalid`] for an address that is none, and for control characters.
    pub fn named(name: &str, address: &str) -> Result<Self, Error> {
        refuse_controls(name)?;
        let mut mailbox = Self::bare(address)?;
        mailbox.name = Some(name.trim().to_owned()).filter(|name| !name.is_empty());
        Ok(mailbox)
    }

    fn bare(address: &str) -> Result<Self, Error> {
        refuse_controls(address)?;
        let parsed: Address = address.trim().parse().map_err(|_| invalid(address))?;
        Self::from_parts(None, &parsed)
    }

    /// Domains travel in their ASCII form, which every server takes.
    fn from_parts(name: Option<String>, address: &Address) -> Result<Self, Error> {
        let domain = address.domain();
        let address = if domain.is_ascii() {
            address.to_string()
        } else {
            let host = Host::parse(domain).map_err(|_| invalid(address.as_ref()))?;
            format!("{}@{host}", address.user())
        };
        Ok(Self { name, address })
    }

    /// Returns the name.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns the address.
    pub fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn domain(&self) -> &str {
        self.address
            .rsplit_once('@')
            .map_or("", |(_, domain)| domain)
    }

    pub(super) fn to_lettre(&self) -> Result<Parsed, Error> {
        let address = self.address.parse().map_err(|_| invalid(&self.address))?;
        Ok(Parsed::new(self.name.clone(), address))
    }
}

impl FromStr for Mailbox {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        refuse_controls(text)?;
        let parsed: Parsed = text.trim().parse().map_err(|_| invalid(text))?;
        Self::from_parts(parsed.name.filter(|name| !name.is_empty()), &parsed.email)
    }
}

impl TryFrom<&str> for Mailbox {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self, Error> {
        text.parse()
    }
}

impl TryFrom<&String> for Mailbox {
    type Error = Error;

    fn try_from(text: &String) -> Result<Self, Error> {
        text.parse()
    }
}

impl TryFrom<String> for Mailbox {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            None => f.write_str(&self.address),
            Some(name) => write!(f, "{name:?} <{}>", self.address),
        }
    }
}

fn invalid(text: &str) -> Error {
    Error::invalid("mail address", format!("{text:?} is not one address"))
}

fn refuse_controls(text: &str) -> Result<(), Error> {
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(
            "mail address",
            format!("{text:?} has a control character"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, name: Option<&str>, address: &str) {
        let mailbox: Mailbox = text.parse().unwrap();
        assert_eq!(
            (mailbox.name(), mailbox.address()),
            (name, address),
            "{text}"
        );
        assert_eq!(
            mailbox.to_string().parse::<Mailbox>().unwrap(),
            mailbox,
            "{text}"
        );
    }

    #[test]
    fn addresses_are_taken_apart() {
        check("ann@example.com", None, "ann@example.com");
        check(" <ann@example.com> ", None, "ann@example.com");
        check("Ann <ann@example.com>", Some("Ann"), "ann@example.com");
        check(
            "\"Ann, of \\\"X\\\"\" <ann+x@example.com>",
            Some("Ann, of \"X\""),
            "ann+x@example.com",
        );
        check(
            "Änn <ann@exämple.com>",
            Some("Änn"),
            "ann@xn--exmple-cua.com",
        );
    }

    #[test]
    fn what_is_not_one_address_is_refused() {
        for text in [
            "",
            "ann",
            "ann@",
            "@example.com",
            "a@b@c",
            "ann@example.com, bob@example.com",
            "ann@example.com\nbcc: eve@example.com",
            "ann@example.com\r\n",
            "Ann\r <ann@example.com>",
            "ann@exa mple.com",
            "<ann@example.com",
            "ann@example.com> SIZE=1",
            "a\0@example.com",
        ] {
            assert!(
                text.parse::<Mailbox>().unwrap_err().is_invalid(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_name_is_never_read_as_an_address() {
        let mailbox = Mailbox::named("Eve <eve@evil.test>, ", "ann@example.com").unwrap();
        assert_eq!(mailbox.address(), "ann@example.com");
        assert_eq!(
            mailbox.to_string(),
            "\"Eve <eve@evil.test>,\" <ann@example.com>"
        );
        for (name, address) in [
            ("a\nb", "ann@example.com"),
            ("", "Ann <ann@example.com>"),
            ("Ann", "ann@example.com\n"),
        ] {
            assert!(
                Mailbox::named(name, address).unwrap_err().is_invalid(),
                "{name:?} {address:?}"
            );
        }
    }
}
