//! Settings of a client.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::backend::HttpBackend;
use super::guard::Guard;
use super::reqwest_backend::{Network, Proxy};
use super::resolve::{Resolve, System};
use super::{Http, Inner};
use crate::Error;

/// Settings of an HTTP client.
#[must_use]
pub struct HttpBuilder {
    deadline: Duration,
    connect_deadline: Duration,
    max_body_bytes: usize,
    user_agent: Option<String>,
    proxy: Proxy,
    roots: Vec<Vec<u8>>,
    guard: Guard,
    resolver: Arc<dyn Resolve>,
}

impl HttpBuilder {
    pub(super) fn new() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            connect_deadline: Duration::from_secs(3),
            max_body_bytes: 4 * 1024 * 1024,
            user_agent: None,
            proxy: Proxy::None,
            roots: Vec::new(),
            guard: Guard::default(),
            resolver: Arc::new(System),
        }
    }

    /// Sets how long a call may take, with all tries and redirects and its body. A call may have its own:
    /// [`HttpRequest::deadline`](super::HttpRequest::deadline). Default: 10 s.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets how long it may take to make a connection: look-up, TCP and TLS together. Default: 3 s.
    pub fn connect_deadline(mut self, deadline: Duration) -> Self {
        self.connect_deadline = deadline;
        self
    }

    /// Sets how many bytes the body of an answer may have. A call may have its own:
    /// [`HttpRequest::max_body_bytes`](super::HttpRequest::max_body_bytes). Default: 4 MiB.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// Sets the `User-Agent` of calls that set none. Default: none is sent.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = Some(name.into());
        self
    }

    /// Sends calls through a proxy, `http://proxy:3128` or `https://…`, with `user:password@` where it wants that. Guarded calls go
    /// directly: a proxy would resolve the name by itself, past the guard. Default: no proxy.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Proxy::Url(url.into());
        self
    }

    /// Sends calls, except for guarded ones, through the proxies that the environment names: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and
    /// `NO_PROXY`, in capitals or not, as they are when the client is made. Default: the environment is not asked.
    pub fn proxy_from_environment(mut self) -> Self {
        self.proxy = Proxy::Environment;
        self
    }

    /// Trusts the certificates in `pem` as roots too, as for a private authority. Default: Mozilla's roots alone.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// Lets guarded calls reach this address though it is not public. Default: no such address.
    pub fn guard_admits(mut self, address: IpAddr) -> Self {
        self.guard.allowed.insert(address);
        self
    }

    /// Resolves names in another way. Default: as the operating system does.
    pub fn resolver(mut self, resolver: impl Resolve) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// Makes the client. It opens no connection before it is used.
    ///
    /// # Errors
    /// [`Error::is_invalid`] for a proxy URL, certificate or user agent that is none.
    pub fn build(self) -> Result<Http, Error> {
        let network = Network {
            connect_deadline: self.connect_deadline,
            proxy: &self.proxy,
            roots: certificates(&self.roots)?,
            guard: self.guard.clone(),
            resolver: Arc::clone(&self.resolver),
        };
        let backend = network.build()?;
        let user_agent = match &self.user_agent {
            Some(name) => Some(
                HeaderValue::from_str(name)
                    .map_err(|error| Error::invalid("user agent", error.to_string()))?,
            ),
            None => None,
        };
        Ok(self.assemble(Box::new(backend), user_agent))
    }

    pub(super) fn assemble(
        self,
        backend: Box<dyn HttpBackend>,
        user_agent: Option<HeaderValue>,
    ) -> Http {
        Http {
            inner: Arc::new(Inner {
                backend,
                guard: self.guard,
                deadline: self.deadline,
                max_body_bytes: self.max_body_bytes,
                user_agent,
            }),
        }
    }
}

fn certificates(pems: &[Vec<u8>]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let mut found = Vec::new();
    for pem in pems {
        let before = found.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            found.push(
                certificate
                    .map_err(|error| Error::invalid("root certificate", error.to_string()))?,
            );
        }
        if found.len() == before {
            return Err(Error::invalid("root certificate", "the PEM text has none"));
        }
    }
    Ok(found)
}

impl fmt::Debug for HttpBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpBuilder")
            .field("deadline", &self.deadline)
            .field("connect_deadline", &self.connect_deadline)
            .field("max_body_bytes", &self.max_body_bytes)
            .finish_non_exhaustive()
    }
}
