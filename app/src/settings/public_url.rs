//! The URL under which visitors reach the application.

use std::net::IpAddr;

use http::Uri;

use super::Settings;
use super::base::ADDR;
use crate::tier::Tier;

/// Makes the URL of the address that the server listens on, for a browser on the same machine.
pub(super) fn derived(settings: &Settings) -> String {
    #[cfg(feature = "tls")]
    let scheme = if settings.get(&super::base::TLS_CERT).is_some() {
        "https"
    } else {
        "http"
    };
    #[cfg(not(feature = "tls"))]
    let scheme = "http";
    let address = settings.get(&ADDR);
    let (host, port) = address
        .as_str()
        .rsplit_once(':')
        .unwrap_or((address.as_str(), "80"));
    // Nobody can go to "every address of this machine".
    let host = match host {
        "0.0.0.0" => "127.0.0.1",
        "[::]" => "[::1]",
        host => host,
    };
    format!("{scheme}://{host}:{port}")
}

/// Reads a public URL, and checks that it may be used in a tier: cookies over plain `http` are anybody's, so outside of development
/// that is for a loopback host alone.
///
/// # Errors
/// A sentence that says what is wrong; it is a fault of configuration (exit code 2).
pub(crate) fn check_public_url(text: &str, tier: Tier) -> Result<Uri, String> {
    let wrong = |what: &str| format!("public-url: `{text}` {what}");
    let url: Uri = text
        .parse()
        .map_err(|_| wrong("is not a URL such as https://arena.example.com"))?;
    let (Some(scheme), Some(authority)) = (url.scheme_str(), url.authority()) else {
        return Err(wrong("is not a URL such as https://arena.example.com"));
    };
    if scheme != "http" && scheme != "https" {
        return Err(wrong("is neither http nor https"));
    }
    if authority.as_str().contains('@') {
        return Err(wrong("must not hold a user"));
    }
    if url.path() != "/" || url.query().is_some() {
        return Err(wrong(
            "must end after the host: routes say what stands in a path",
        ));
    }
    if scheme == "http" && tier == Tier::Production && !is_loopback_host(authority.host()) {
        return Err(wrong(
            "is plain http on a host that is not this machine: in production that would give sessions away; use https",
        ));
    }
    Ok(url)
}

/// Returns true for hosts that only this machine reaches: `localhost` and names below it, 127.0.0.0/8 and `::1`.
fn is_loopback_host(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = host.parse::<IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_in_production_is_for_this_machine_alone() {
        for (url, tier, is_fine) in [
            ("https://arena.example.com", Tier::Production, true),
            ("https://arena.example.com:8443/", Tier::Production, true),
            ("http://arena.example.com", Tier::Production, false),
            ("http://arena.example.com", Tier::Staging, true),
            ("http://arena.example.com", Tier::Development, true),
            ("http://localhost:8080", Tier::Production, true),
            ("http://arena.localhost:8080", Tier::Production, true),
            ("http://127.0.0.1:8080", Tier::Production, true),
            ("http://127.1.2.3", Tier::Production, true),
            ("http://[::1]:8080", Tier::Production, true),
            ("http://10.0.0.1", Tier::Production, false),
            ("http://0.0.0.0", Tier::Production, false),
            ("http://localhost.example.com", Tier::Production, false),
            ("http://notlocalhost", Tier::Production, false),
            ("arena.example.com", Tier::Development, false),
            ("/path", Tier::Development, false),
            ("ftp://arena.example.com", Tier::Development, false),
            ("https://user@arena.example.com", Tier::Development, false),
            ("https://arena.example.com/base", Tier::Development, false),
            ("https://arena.example.com?x=1", Tier::Development, false),
            ("https://", Tier::Development, false),
        ] {
            let checked = check_public_url(url, tier);
            assert_eq!(checked.is_ok(), is_fine, "{url} in {tier}: {checked:?}");
        }
        assert_eq!(
            check_public_url("http://arena.example.com", Tier::Production),
            Err("public-url: `http://arena.example.com` is plain http on a host that is not this machine: in production that would give sessions away; use https".to_owned())
        );
    }
}
