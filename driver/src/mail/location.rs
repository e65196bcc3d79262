//! Where mail goes: the URL.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::file::Files;
use super::log::Log;
use super::mailbox::Mailbox;
use super::smtp::{Security, Smtp};
use super::transport::MailTransport;
use crate::Error;

/// What a URL stands for.
pub(super) struct Opened {
    pub(super) transport: Arc<dyn MailTransport>,
    pub(super) from: Option<Mailbox>,
}

/// No error repeats the URL: it may hold a password.
pub(super) fn open(url: &str) -> Result<Opened, Error> {
    let Some((scheme, rest)) = url.split_once(':') else {
        return Err(invalid(
            "it has no scheme, as in log: or smtp://mail.example.com",
        ));
    };
    match scheme {
        "log" if rest.is_empty() => Ok(plain(Log)),
        "log" => Err(invalid("log: is followed by nothing")),
        "file" => match rest.strip_prefix("//").unwrap_or(rest) {
            "" => Err(invalid("file: is followed by a directory")),
            directory => Ok(plain(Files {
                directory: directory.into(),
            })),
        },
        "smtp" | "smtps" => {
            let (transport, from) = smtp(url)?;
            Ok(Opened {
                transport: Arc::new(transport),
                from,
            })
        }
        _ => Err(invalid(format!(
            "unknown scheme {scheme:?}; there are log:, file:, smtp: and smtps:"
        ))),
    }
}

fn plain(transport: impl MailTransport) -> Opened {
    Opened {
        transport: Arc::new(transport),
        from: None,
    }
}

fn smtp(text: &str) -> Result<(Smtp, Option<Mailbox>), Error> {
    let url = Url::parse(text).map_err(|error| invalid(error.to_string()))?;
    let host = match url.host() {
        // In these schemes a host is not looked at closely: an address is still a name here.
        Some(Host::Domain(name)) if !name.is_empty() => {
            Host::parse(name).map_err(|error| invalid(error.to_string()))?
        }
        Some(Host::Ipv4(address)) => Host::Ipv4(address),
        Some(Host::Ipv6(address)) => Host::Ipv6(address),
        _ => return Err(invalid("it has no host, as in smtp://mail.example.com")),
    };
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        return Err(invalid(
            "the host is followed by a port and parameters alone",
        ));
    }
    let parameters = Parameters::read(&url)?;
    let name = match &host {
        Host::Domain(name) => name.clone(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    };
    let security = match (url.scheme(), parameters.tls) {
        ("smtps", Some(false)) => return Err(invalid("smtps: is TLS, so that tls=none can't be")),
        ("smtps", _) => Security::Tls(tls(&name, &parameters)?),
        (_, Some(false)) => Security::None,
        (_, None) if is_loopback(&host) && parameters.ca.is_none() => Security::None,
        _ => Security::StartTls(tls(&name, &parameters)?),
    };
    let default_port = if url.scheme() == "smtps" { 465 } else { 587 };
    let transport = Smtp {
        host: host.to_string(),
        port: url.port().unwrap_or(default_port),
        security,
        credentials: credentials(&url)?,
    };
    Ok((transport, parameters.from))
}

#[derive(Default)]
struct Parameters {
    tls: Option<bool>,
    ca: Option<String>,
    from: Option<Mailbox>,
}

impl Parameters {
    fn read(url: &Url) -> Result<Self, Error> {
        let mut read = Self::default();
        for (name, value) in url.query_pairs() {
            match (&*name, &*value) {
                ("tls", "required") => read.tls = Some(true),
                ("tls", "none") => read.tls = Some(false),
                ("tls", _) => return Err(invalid("tls is required or none")),
                ("ca", file) => read.ca = Some(file.to_owned()),
                ("from", address) => read.from = Some(address.parse()?),
                _ => {
                    return Err(invalid(format!(
                        "unknown parameter {name:?}; there are tls, ca and from"
                    )));
                }
            }
        }
        Ok(read)
    }
}

/// TLS with Mozilla's roots, which lettre has by our choice of its features, and those of the file. Its cryptography is the process's default provider,
/// or ring where none was installed.
fn tls(name: &str, parameters: &Parameters) -> Result<TlsParameters, Error> {
    let mut builder = TlsParameters::builder(name.to_owned());
    if let Some(file) = &parameters.ca {
        let pem = std::fs::read(file).map_err(|error| {
            invalid(format!("the certificates in {file:?} can't be read")).with_source(error)
        })?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| {
            invalid(format!("{file:?} has no certificates in PEM")).with_source(error)
        })?;
        builder = builder.add_root_certificate(certificate);
    }
    builder
        .build_rustls()
        .map_err(|error| invalid("TLS can't be set up with it").with_source(error))
}

fn credentials(url: &Url) -> Result<Option<Credentials>, Error> {
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        (user, Some(password)) if !user.is_empty() => {
            Ok(Some(Credentials::new(decode(user)?, decode(password)?)))
        }
        _ => Err(invalid("a user name and a password belong together")),
    }
}

fn decode(text: &str) -> Result<String, Error> {
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(invalid("user name and password are UTF-8, percent-encoded")),
    }
}

fn is_loopback(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => Ipv4Addr::is_loopback(address),
        Host::Ipv6(address) => Ipv6Addr::is_loopback(address),
    }
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::invalid("mail URL", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, to: &str, security: &str) {
        let (smtp, _) = smtp(url).unwrap();
        let found = match smtp.security {
            Security::Tls(_) => "tls",
            Security::StartTls(_) => "starttls",
            Security::None => "none",
        };
        assert_eq!((smtp.describe().as_str(), found), (to, security), "{url}");
    }

    #[test]
    fn plain_text_needs_a_loopback_host_or_a_word() {
        let to = "smtp://mail.example.com:587";
        check("smtp://mail.example.com", to, "starttls");
        check("smtp://u:p@mail.example.com/?tls=required", to, "starttls");
        check("smtp://u:p@mail.example.com?tls=none", to, "none");
        check(
            "smtps://mail.example.com",
            "smtps://mail.example.com:465",
            "tls",
        );
        check("smtps://localhost:1", "smtps://localhost:1", "tls");
        check("smtp://localhost:25", "smtp://localhost:25", "none");
        check("smtp://127.0.0.9:25", "smtp://127.0.0.9:25", "none");
        check("smtp://[::1]:25", "smtp://[::1]:25", "none");
        check(
            "smtp://127.0.0.1:25?tls=required",
            "smtp://127.0.0.1:25",
            "starttls",
        );
        check("smtp://10.0.0.1", "smtp://10.0.0.1:587", "starttls");
        check(
            "smtp://localhost.example.com",
            "smtp://localhost.example.com:587",
            "starttls",
        );
    }

    #[test]
    fn parameters_and_credentials_are_read() {
        let (smtp, from) =
            smtp("smtp://me%40example.com:p%3Aw%2F@h?from=Arena%20<a@example.com>").unwrap();
        let expected = Credentials::new("me@example.com".to_owned(), "p:w/".to_owned());
        assert_eq!(smtp.credentials, Some(expected));
        assert_eq!(from.unwrap().to_string(), "\"Arena\" <a@example.com>");
    }

    #[test]
    fn anything_else_is_a_clear_error_that_tells_no_secret() {
        for url in [
            "",
            "mail.example.com",
            "log:x",
            "file:",
            "smtp:",
            "smtp://",
            "smtp:///x",
            "smtp://u:secret@",
            "smtp://u:secret@h/x",
            "smtp://u@h",
            "smtp://:secret@h",
            "smtp://u:secret@h:port",
            "smtp://u:secret@h?tls=maybe",
            "smtp://u:secret@h?password=secret",
            "smtp://u:secret@h?from=x",
            "smtp://u:secret@h?ca=/nowhere/ca.pem",
            "smtps://u:secret@h?tls=none",
            "SMTP://h",
            "imap://u:secret@h",
            "smtp://u:%ff@h",
        ] {
            let Err(error) = open(url) else {
                panic!("{url}")
            };
            assert!(
                error.is_invalid() && !format!("{error:?}").contains("secret"),
                "{url}: {error:?}"
            );
        }
    }
}
