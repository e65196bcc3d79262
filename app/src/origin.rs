//! Where a request comes from and whom it addresses, behind proxies too.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::header::{self, HeaderMap};
use http::request::Parts;
use pleach_router::Head;

/// The other end of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Its address; none where the application is embedded in a server that does not tell.
    pub addr: Option<SocketAddr>,
    /// True where the connection itself is encrypted.
    pub tls: bool,
}

/// Scheme, host and client of a request as its sender meant them.
///
/// `Forwarded` and `X-Forwarded-*` count only when the peer is a trusted proxy; anybody else could claim anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'r> {
    pub(crate) scheme: &'r str,
    /// With the port, if one was given.
    pub(crate) authority: &'r str,
    pub(crate) client: Option<IpAddr>,
}

impl<'r> Origin<'r> {
    pub(crate) fn of(head: &'r Parts, peer: Peer, trusted: &TrustedProxies) -> Self {
        let own = Self {
            scheme: head
                .uri
                .scheme_str()
                .unwrap_or(if peer.tls { "https" } else { "http" }),
            authority: authority(head),
            client: peer.addr.map(|addr| addr.ip().to_canonical()),
        };
        match own.client {
            Some(ip) if trusted.contains(ip) => own.forwarded(&head.headers, trusted),
            _ => own,
        }
    }

    /// Reads what trusted proxies added, from the nearest outwards, up to the first address that is not one of them.
    fn forwarded(mut self, headers: &'r HeaderMap, trusted: &TrustedProxies) -> Self {
        let hops = list(headers, "x-forwarded-for").filter_map(parse_ip);
        if let Some(client) = hops.rev().find(|ip| !trusted.contains(*ip)) {
            self.client = Some(client);
        }
        if let Some(scheme) = list(headers, "x-forwarded-proto").next_back() {
            self.scheme = if scheme.eq_ignore_ascii_case("https") {
                "https"
            } else {
                "http"
            };
        }
        if let Some(host) = list(headers, "x-forwarded-host").next_back() {
            self.authority = host;
        }
        // RFC 7239 in one header; the last element was added by the nearest proxy.
        let elements: Vec<&str> = list(headers, "forwarded").collect();
        let client = elements
            .iter()
            .rev()
            .filter_map(|element| parse_ip(pair(element, "for")?))
            .find(|ip| !trusted.contains(*ip));
        self.client = client.or(self.client);
        if let Some(nearest) = elements.last() {
            match pair(nearest, "proto") {
                Some(proto) if proto.eq_ignore_ascii_case("https") => self.scheme = "https",
                Some(_) => self.scheme = "http",
                None => {}
            }
            self.authority = pair(nearest, "host").unwrap_or(self.authority);
        }
        self
    }
}

/// Borrows the head of a request for the tree, with scheme and host as the sender meant them.
pub(crate) fn head_of<'r>(head: &'r Parts, peer: Peer, trusted: &TrustedProxies) -> Head<'r> {
    let plain = Head::from_parts(head);
    if trusted.0.is_empty() {
        return if peer.tls {
            Head {
                scheme: "https",
                ..plain
            }
        } else {
            plain
        };
    }
    let origin = Origin::of(head, peer, trusted);
    Head {
        scheme: origin.scheme,
        authority: Some(origin.authority),
        ..plain
    }
}

/// The authority of an absolute URI (HTTP/2 sends it so), or else the `Host` header.
fn authority(head: &Parts) -> &str {
    match head.uri.authority() {
        Some(authority) => authority.as_str(),
        None => head
            .headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default(),
    }
}

fn list<'r>(headers: &'r HeaderMap, name: &str) -> impl DoubleEndedIterator<Item = &'r str> {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

/// Finds `name=value` in one element of `Forwarded`, without the quotes.
fn pair<'r>(element: &'r str, name: &str) -> Option<&'r str> {
    element.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().trim_matches('"'))
    })
}

/// Reads an address with or without port and brackets.
fn parse_ip(text: &str) -> Option<IpAddr> {
    let ip = text
        .parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|addr| addr.ip()));
    ip.or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
        .map(|ip| ip.to_canonical())
}

/// The proxies whose word about a request's origin is believed. Default: none.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<Network>);

#[derive(Clone, Copy, Debug)]
struct Network {
    base: IpAddr,
    prefix: u8,
}

impl TrustedProxies {
    fn contains(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(ip))
    }
}

impl FromStr for TrustedProxies {
    type Err = String;

    /// Reads addresses and networks separated by commas: `10.0.0.0/8, ::1`.
    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Network {
    fn contains(self, ip: IpAddr) -> bool {
        match (self.base, ip) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => {
                same_prefix(base.octets(), ip.octets(), self.prefix)
            }
            (IpAddr::V6(base), IpAddr::V6(ip)) => {
                same_prefix(base.octets(), ip.octets(), self.prefix)
            }
            _ => false,
        }
    }
}

fn same_prefix<const N: usize>(a: [u8; N], b: [u8; N], prefix: u8) -> bool {
    let whole = usize::from(prefix / 8);
    let mask = !(0xff_u8.checked_shr(u32::from(prefix % 8)).unwrap_or(0));
    a[..whole] == b[..whole] && (prefix.is_multiple_of(8) || (a[whole] ^ b[whole]) & mask == 0)
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not an address or a network such as 10.0.0.0/8");
        let (base, prefix) = match text.split_once('/') {
            Some((base, prefix)) => (base, Some(prefix.parse::<u8>().map_err(|_| bad())?)),
            None => (text, None),
        };
        let base: IpAddr = base.parse().map_err(|_| bad())?;
        let bits = if base.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(bits);
        if prefix > bits {
            Err(bad())
        } else {
            Ok(Self { base, prefix })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(peer: &str, trusted: &str, headers: &[(&str, &str)]) -> (String, String, String) {
        let mut request = http::Request::builder()
            .uri("/")
            .header("host", "own.example:8080");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let head = request.body(()).expect("a request").into_parts().0;
        let peer = Peer {
            addr: Some(peer.parse().expect("an address")),
            tls: false,
        };
        let origin = Origin::of(&head, peer, &trusted.parse().expect("networks"));
        (
            origin.scheme.into(),
            origin.authority.into(),
            origin.client.expect("a client").to_string(),
        )
    }

    #[track_caller]
    fn check(
        peer: &str,
        trusted: &str,
        headers: &[(&str, &str)],
        scheme: &str,
        host: &str,
        client: &str,
    ) {
        assert_eq!(
            origin(peer, trusted, headers),
            (scheme.into(), host.into(), client.into())
        );
    }

    const CLAIMS: &[(&str, &str)] = &[
        ("x-forwarded-for", "9.9.9.9, 10.0.0.2"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "t.example.com"),
    ];

    #[test]
    fn a_stranger_can_claim_nothing() {
        check(
            "192.0.2.1:5",
            "",
            CLAIMS,
            "http",
            "own.example:8080",
            "192.0.2.1",
        );
        check(
            "192.0.2.1:5",
            "10.0.0.0/8",
            CLAIMS,
            "http",
            "own.example:8080",
            "192.0.2.1",
        );
    }

    #[test]
    fn a_trusted_proxy_tells_scheme_host_and_client() {
        check(
            "10.1.2.3:5",
            "10.0.0.0/8",
            CLAIMS,
            "https",
            "t.example.com",
            "9.9.9.9",
        );
        let forwarded = [(
            "forwarded",
            "for=1.1.1.1;host=evil, for=\"[2001:db8::7]:99\";proto=https;host=t.example.com",
        )];
        check(
            "10.1.2.3:5",
            "10.0.0.0/8",
            &forwarded,
            "https",
            "t.example.com",
            "2001:db8::7",
        );
    }

    #[test]
    fn an_address_in_front_of_the_first_stranger_is_not_believed() {
        check(
            "10.0.0.1:5",
            "10.0.0.0/8",
            &[("x-forwarded-for", "1.2.3.4, 9.9.9.9, 10.0.0.2")],
            "http",
            "own.example:8080",
            "9.9.9.9",
        );
    }

    #[test]
    fn networks_are_compared_by_prefix() {
        let networks: TrustedProxies = "10.0.0.0/9,192.0.2.7,2001:db8::/33"
            .parse()
            .expect("networks");
        for (ip, inside) in [
            ("10.127.255.255", true),
            ("10.128.0.0", false),
            ("192.0.2.7", true),
            ("192.0.2.6", false),
            ("2001:db8:7fff::1", true),
            ("2001:db8:8000::1", false),
        ] {
            assert_eq!(networks.contains(ip.parse().expect("ip")), inside, "{ip}");
        }
        assert!("10.0.0.0/33".parse::<TrustedProxies>().is_err());
        assert!("proxy".parse::<TrustedProxies>().is_err());
    }
}
