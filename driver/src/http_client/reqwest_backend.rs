//! The network, by reqwest.
//!
//! Of reqwest we take connections, proxies and the protocols; its redirects, retries and timeouts of requests are off, because ours
//! stand above the seam.

use std::error::Error as StdError;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Method;
use reqwest::dns::{Addrs, Name, Resolving};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use super::backend::{Exchange, HttpBackend};
use super::guard::{self, Guard};
use super::resolve::Resolve;
use crate::Error;
use crate::backend::BoxFuture;

/// Through whom calls go that are not guarded.
#[derive(Clone, Debug)]
pub(super) enum Proxy {
    None,
    Environment,
    Url(String),
}

/// What the network's clients are made of.
pub(super) struct Network<'a> {
    pub(super) connect_deadline: Duration,
    pub(super) proxy: &'a Proxy,
    pub(super) roots: Vec<CertificateDer<'static>>,
    pub(super) guard: Guard,
    pub(super) resolver: Arc<dyn Resolve>,
}

/// Two clients, because a guarded call must not find a connection that an open one left behind.
pub(super) struct Reqwest {
    open: reqwest::Client,
    guarded: reqwest::Client,
    connect_deadline: Duration,
}

impl Network<'_> {
    pub(super) fn build(self) -> Result<Reqwest, Error> {
        let tls = tls(self.roots)?;
        let client = |guard: Option<Guard>| {
            let resolver = GuardedResolver {
                inner: Arc::clone(&self.resolver),
                guard,
            };
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(resolver)
                .connect_timeout(self.connect_deadline)
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
        };
        let open = match self.proxy {
            Proxy::None => client(None).no_proxy(),
            Proxy::Environment => client(None),
            Proxy::Url(url) => client(None).no_proxy().proxy(proxy(url)?),
        };
        let build = |builder: reqwest::ClientBuilder| {
            builder
                .build()
                .map_err(|error| Error::invalid("settings of the HTTP client", error.to_string()))
        };
        Ok(Reqwest {
            open: build(open)?,
            guarded: build(client(Some(self.guard)).no_proxy())?,
            connect_deadline: self.connect_deadline,
        })
    }
}

/// The URL may hold a password, so that no error repeats it.
fn proxy(url: &str) -> Result<reqwest::Proxy, Error> {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    if !matches!(scheme, "http" | "https") {
        return Err(Error::invalid(
            "proxy URL",
            "a proxy is http://HOST:PORT or https://HOST:PORT",
        ));
    }
    reqwest::Proxy::all(url).map_err(|_| Error::invalid("proxy URL", "it is no URL"))
}

fn tls(roots: Vec<CertificateDer<'static>>) -> Result<ClientConfig, Error> {
    let mut store = RootCertStore::empty();
    store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for root in roots {
        store
            .add(root)
            .map_err(|error| Error::invalid("root certificate", error.to_string()))?;
    }
    // The provider is named here: the process may have no default one, and reqwest panics without.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::invalid("TLS settings", error.to_string()))?
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

impl HttpBackend for Reqwest {
    fn exchange(&self, exchange: Exchange) -> BoxFuture<'_, Result<http::Response<Bytes>, Error>> {
        Box::pin(async move {
            let Exchange {
                request,
                max_body_bytes,
                guarded,
            } = exchange;
            let client = if guarded { &self.guarded } else { &self.open };
            let to = format!("{} {}", request.method(), shown(request.uri()));
            let has_body = request.method() != Method::HEAD;
            let request = request
                .try_into()
                .map_err(|error: reqwest::Error| self.explain(error, &to))?;
            let mut response = client
                .execute(request)
                .await
                .map_err(|error| self.explain(error, &to))?;
            let too_large =
                |size: usize| Error::too_large("the body of an HTTP answer", max_body_bytes, size);
            if let Some(stated) = response.content_length().filter(|_| has_body) {
                let stated = usize::try_from(stated).unwrap_or(usize::MAX);
                if stated > max_body_bytes {
                    return Err(too_large(stated));
                }
            }
            let mut body = BytesMut::new();
            while let Some(chunk) = response
                .chunk()
                .await
                .map_err(|error| self.explain(error, &to))?
            {
                if chunk.len() > max_body_bytes - body.len() {
                    return Err(too_large(body.len() + chunk.len()));
                }
                body.extend_from_slice(&chunk);
            }
            let mut answer = http::Response::new(body.freeze());
            *answer.status_mut() = response.status();
            *answer.version_mut() = response.version();
            *answer.headers_mut() = std::mem::take(response.headers_mut());
            Ok(answer)
        })
    }
}

impl Reqwest {
    fn explain(&self, error: reqwest::Error, to: &str) -> Error {
        let error = error.without_url();
        let mut cause: Option<&(dyn StdError + 'static)> = error.source();
        while let Some(source) = cause {
            if let Some(Refused { host }) = source.downcast_ref() {
                return guard::refused(host);
            }
            cause = source.source();
        }
        if error.is_builder() {
            return Error::invalid("HTTP request", to).with_source(error);
        }
        if error.is_connect() && error.is_timeout() {
            return Error::timeout("connecting to an HTTP server", self.connect_deadline)
                .with_source(error);
        }
        let what = if error.is_connect() {
            "no connection"
        } else {
            "the connection broke"
        };
        Error::unavailable(format!("{to}: {what}")).with_source(error)
    }
}

/// A URI without its query, which may be secret.
fn shown(uri: &http::Uri) -> String {
    format!(
        "{}://{}{}",
        uri.scheme_str().unwrap_or_default(),
        uri.authority().map_or("", |authority| authority.as_str()),
        uri.path()
    )
}

/// Resolves names, and for guarded calls hands on only what may be reached. reqwest connects to these addresses and to no others.
struct GuardedResolver {
    inner: Arc<dyn Resolve>,
    guard: Option<Guard>,
}

impl reqwest::dns::Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let inner = Arc::clone(&self.inner);
        let guard = self.guard.clone();
        Box::pin(async move {
            let host = name.as_str();
            let mut found = inner.resolve(host).await?;
            if let Some(guard) = guard {
                let any = !found.is_empty();
                found.retain(|address| guard.admits(*address));
                if any && found.is_empty() {
                    return Err(Refused {
                        host: host.to_owned(),
                    }
                    .into());
                }
            }
            // Port 0 is replaced by that of the URL.
            let addresses: Addrs =
                Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

/// The guard's no, on its way through reqwest.
#[derive(Debug)]
struct Refused {
    host: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has no address that may be reached", self.host)
    }
}

impl StdError for Refused {}
