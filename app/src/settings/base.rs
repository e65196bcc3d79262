//! The options that every application has.

use std::time::Duration;

use super::option::{Opt, Row};
use super::public_url;
use super::size::Size;
use super::value::Value;
use crate::observe::log::Filter;
use crate::origin::TrustedProxies;
use crate::server::Layout;
use crate::tier::Tier;

/// Where the server listens.
pub(crate) const ADDR: Opt<Address> = Opt::new(
    "addr",
    "127.0.0.1:8080",
    "Address to listen on; port 0 takes a free one",
);
/// What keeps the state.
pub(crate) const STORE: Opt<String> = Opt::new(
    "store",
    "file:./pleach-data",
    "Where state is kept: file:DIR, memory: or nats://HOST:PORT,…",
);
/// How public the application is.
pub(crate) const TIER: Opt<Tier> = Opt::derived(
    "tier",
    |_| Tier::default().to_string(),
    "development, staging or production",
);
/// Under which URL visitors reach it.
pub(crate) const PUBLIC_URL: Opt<String> = Opt::derived(
    "public-url",
    public_url::derived,
    "URL under which visitors reach the application",
);
/// Where mail goes.
pub(crate) const MAIL: Opt<String> = Opt::new(
    "mail",
    "log:",
    "Where mail goes: log:, file:DIR, smtp://HOST or smtps://HOST",
);
/// Through whom calls to other servers go.
#[cfg(feature = "http")]
pub(crate) const HTTP_PROXY: Opt<Option<String>> = Opt::new(
    "http-proxy",
    "",
    "Proxy of calls to other servers: a URL, or environment for HTTPS_PROXY and the like",
);
/// Which log lines are written.
pub(crate) const LOG: Opt<Filter> = Opt::new(
    "log",
    "info",
    "Which log lines are written, such as info,pleach::live=debug",
);
/// Who may purge.
pub(crate) const ADMINS: Opt<Vec<String>> = Opt::new(
    "admins",
    "",
    "User ids and verified e-mail addresses of administrators",
);
/// How long a drain may take.
pub(crate) const DRAIN: Opt<Duration> = Opt::new(
    "drain",
    "10s",
    "Time that open requests are given at the end",
);
/// How long a request's head may take.
pub(crate) const HEADER_TIMEOUT: Opt<Duration> = Opt::new(
    "header-timeout",
    "10s",
    "Time in which the head of a request has to arrive",
);
/// How long a connection may be idle.
pub(crate) const IDLE_TIMEOUT: Opt<Duration> = Opt::new(
    "idle-timeout",
    "60s",
    "Time that a connection is kept without a request",
);
/// How large a request's head may be.
pub(crate) const MAX_HEADERS: Opt<Size> = Opt::new(
    "max-headers",
    "64KiB",
    "Largest head of a request; 431 above",
);
/// How large a request's body may be.
pub(crate) const MAX_BODY: Opt<Size> =
    Opt::new("max-body", "1MiB", "Largest body of a request; 413 above");
/// How many connections may be open.
pub(crate) const MAX_CONNECTIONS: Opt<usize> = Opt::new(
    "max-connections",
    "10000",
    "Open connections, event streams and sockets aside; 503 above",
);
/// How many streams may be open.
pub(crate) const MAX_STREAMS: Opt<usize> = Opt::new(
    "max-streams",
    "50000",
    "Open event streams and sockets; 503 above",
);
/// Whose word about the origin of a request is believed.
pub(crate) const TRUSTED_PROXIES: Opt<TrustedProxies> = Opt::new(
    "trusted-proxies",
    "",
    "Addresses and networks of proxies whose X-Forwarded-* and Forwarded headers are believed",
);
/// Who may see `/metrics` in production.
pub(crate) const METRICS_FOR_ALL: Opt<bool> = Opt::new(
    "metrics-for-all",
    "false",
    "Show /metrics to everybody in production, not to loopback alone",
);
/// How the server uses the cores.
pub(crate) const LAYOUT: Opt<Layout> = Opt::new(
    "layout",
    "shared",
    "How cores are used: shared, or per-core",
);
/// The certificate of TLS.
#[cfg(feature = "tls")]
pub(crate) const TLS_CERT: Opt<Option<String>> = Opt::new(
    "tls-cert",
    "",
    "File with the certificate chain (PEM); with it, the server speaks TLS",
);
/// The key of TLS.
#[cfg(feature = "tls")]
pub(crate) const TLS_KEY: Opt<Option<String>> = Opt::new(
    "tls-key",
    "",
    "File with the certificate's private key (PEM)",
);

/// The table, in the order in which help and `config` show it.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        ADDR.into(),
        #[cfg(feature = "tls")]
        TLS_CERT.into(),
        #[cfg(feature = "tls")]
        TLS_KEY.into(),
        STORE.into(),
        TIER.into(),
        PUBLIC_URL.into(),
        MAIL.into(),
        #[cfg(feature = "http")]
        HTTP_PROXY.into(),
        LOG.into(),
        ADMINS.into(),
        DRAIN.into(),
        HEADER_TIMEOUT.into(),
        IDLE_TIMEOUT.into(),
        MAX_HEADERS.into(),
        MAX_BODY.into(),
        MAX_CONNECTIONS.into(),
        MAX_STREAMS.into(),
        TRUSTED_PROXIES.into(),
        METRICS_FOR_ALL.into(),
        LAYOUT.into(),
    ]
}

/// A host, or an IP address, and a port: `127.0.0.1:8080`, `[::1]:8080`, `localhost:0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address(String);

impl Address {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for Address {
    const SHAPE: &'static str = "HOST:PORT";

    fn parse(text: &str) -> Result<Self, String> {
        let valid = text.rsplit_once(':').is_some_and(|(host, port)| {
            let is_host = !host.is_empty()
                && (!host.contains(':') || host.starts_with('[') && host.ends_with(']'));
            is_host && !host.contains(char::is_whitespace) && port.parse::<u16>().is_ok()
        });
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "`{text}` is not an address such as 127.0.0.1:8080, localhost:8080 or [::1]:8080"
            ))
        }
    }
}

impl Value for TrustedProxies {
    const SHAPE: &'static str = "NETWORKS";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
    }
}

impl Value for Filter {
    const SHAPE: &'static str = "FILTER";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
    }
}

impl Value for Layout {
    const SHAPE: &'static str = "LAYOUT";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "shared" => Ok(Self::Shared),
            "per-core" => Ok(Self::PerCore),
            _ => Err(format!("`{text}` is not a layout: shared or per-core")),
        }
    }
}
