//! A client that keeps its cookies.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Request, Server};

/// One client of a server: a browser profile, as far as cookies go. A clone shares them, as another tab does.
#[derive(Debug, Clone)]
pub struct Visitor {
    addr: SocketAddr,
    cookies: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Visitor {
    /// Returns a client without cookies.
    #[must_use]
    pub fn of(server: &Server) -> Self {
        let cookies = Arc::default();
        let addr = server.addr();
        Self { addr, cookies }
    }

    /// Returns the same client, cookies and all, before another server: one that was started anew, say.
    #[must_use]
    pub fn at(&self, server: &Server) -> Self {
        let cookies = Arc::new(Mutex::new(self.cookies().clone()));
        let addr = server.addr();
        Self { addr, cookies }
    }

    /// Begins a request.
    pub fn request(&self, method: &str, path: &str) -> Request<'_> {
        Request::new(self, method, path)
    }

    /// Begins a `GET`.
    pub fn get(&self, path: &str) -> Request<'_> {
        self.request("GET", path)
    }

    /// Begins a `POST`.
    pub fn post(&self, path: &str) -> Request<'_> {
        self.request("POST", path)
    }

    /// Begins a `DELETE`.
    pub fn delete(&self, path: &str) -> Request<'_> {
        self.request("DELETE", path)
    }

    /// Returns the value of a cookie.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies().get(name).cloned()
    }

    /// Sets a cookie, as another site on the host or an attacker might.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies().insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the header that it sends; none without cookies.
    pub(crate) fn cookie_header(&self) -> Option<String> {
        let cookies = self.cookies();
        let pairs = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let pairs: Vec<String> = pairs.collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Takes a `Set-Cookie` in.
    pub(crate) fn keep(&self, set_cookie: &str) {
        let mut parts = set_cookie.split(';').map(str::trim);
        let pair = parts.next().and_then(|pair| pair.split_once('='));
        let (name, value) = pair.expect("a cookie has a name and a value");
        if parts.any(|part| part.eq_ignore_ascii_case("Max-Age=0")) {
            self.cookies().remove(name);
        } else {
            self.set_cookie(name, value);
        }
    }

    fn cookies(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
