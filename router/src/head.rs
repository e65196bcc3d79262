//! The part of a request that routes look at.

use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, Method};

/// The head of a request, as far as a [`Tree`](crate::Tree) looks at it.
///
/// A head only borrows, so that making one costs nothing. Take it from a request with [`Head::from_parts`], and overwrite
/// what only the server knows: the scheme of a TLS connection, or the authority that a trusted proxy forwarded.
///
/// ```
/// use pleach_router::Head;
///
/// let (parts, _) = http::Request::get("/game/42?as=json").header("host", "t.example.com:8080").body(()).unwrap().into_parts();
/// let head = Head { scheme: "https", ..Head::from_parts(&parts) };
/// assert_eq!(head.path, "/game/42");
/// assert_eq!(head.query, Some("as=json"));
/// assert_eq!(head.host(), "t.example.com");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Head<'r> {
    /// The method.
    pub method: &'r Method,
    /// `http` or `https`, in lower case.
    pub scheme: &'r str,
    /// The authority of the request's URI. Where it has none, [`Head::host`] reads the `Host` header.
    pub authority: Option<&'r str>,
    /// The path as it was sent, escapes included.
    pub path: &'r str,
    /// The query as it was sent, without the question mark.
    pub query: Option<&'r str>,
    /// All headers.
    pub headers: &'r HeaderMap,
}

impl<'r> Head<'r> {
    /// Borrows the head of a request. The scheme is that of its URI, else `http`.
    #[must_use]
    pub fn from_parts(parts: &'r Parts) -> Self {
        Self {
            method: &parts.method,
            scheme: parts.uri.scheme_str().unwrap_or("http"),
            authority: parts.uri.authority().map(|authority| authority.as_str()),
            path: parts.uri.path(),
            query: parts.uri.query(),
            headers: &parts.headers,
        }
    }

    /// The host that the request names: of its authority, else of its `Host` header, without user, port and final dot;
    /// empty when it names none.
    ///
    /// In a request to a server the URI is commonly a bare path, and only the header tells the host.
    #[must_use]
    pub fn host(&self) -> &'r str {
        let authority = match self.authority {
            Some(authority) => authority,
            None => self
                .headers
                .get(HOST)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default(),
        };
        bare_host(authority)
    }
}

/// Cuts user, port and final dot from an authority. The colons of an IPv6 address stand in brackets and stay.
pub(crate) fn bare_host(authority: &str) -> &str {
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let after_address = if host.starts_with('[') {
        host.find(']').unwrap_or(0)
    } else {
        0
    };
    let host = match host[after_address..].find(':') {
        Some(colon) => &host[..after_address + colon],
        None => host,
    };
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_port_and_final_dot_are_cut() {
        for (authority, host) in [
            ("t.example.com", "t.example.com"),
            ("t.example.com:8080", "t.example.com"),
            ("t.example.com.:8080", "t.example.com"),
            ("user:pass@t.example.com:1", "t.example.com"),
            ("[::1]:8080", "[::1]"),
            ("[::1]", "[::1]"),
            ("[::1", "["),
            ("", ""),
        ] {
            assert_eq!(bare_host(authority), host, "{authority}");
        }
    }
}
