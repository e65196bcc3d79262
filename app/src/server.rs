//! The server: listens, carries HTTP/1.1 and HTTP/2 with limits that hold under attack, and drains.
//!
//! What a request costs here is a counter up, a counter down and two stores. Time limits need no timer of their own: a connection notes
//! when its present phase began on a coarse clock, and one sweep of all connections ([`sweep`]) ends those that overstay.

mod accept;
mod budget;
mod connection;
mod connections;
mod link;
mod listen;
mod refusal;
mod run;
mod runtime;
mod service;
mod shutdown;
mod signals;
mod stream;
mod sweep;
#[cfg(feature = "tls")]
mod tls;
mod wire;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::time::Duration;

use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;

use crate::body::Body;
use crate::observe::Gauges;
use crate::origin::Peer;

pub(crate) use listen::Server;
#[cfg(test)]
pub(crate) use run::Outcome;
pub(crate) use runtime::{Layout, runtime};
pub(crate) use shutdown::Shutdown;
pub(crate) use signals::drain_on_signals;
#[cfg(feature = "tls")]
pub(crate) use tls::Tls;

/// What the server calls for every request. A clone answers the same.
pub(crate) trait Serve: Clone + Send + Sync + 'static {
    /// Returns a handle for one connection, whose clones count where no other connection counts: two cores that clone one handle with
    /// every request would pass its cache line to and fro. Default: a clone.
    fn for_connection(&self) -> Self {
        self.clone()
    }

    /// Answers a request. It never fails; a panic costs the client its connection and nobody else anything.
    ///
    /// The future owns what it needs, so that it is made where it will stay: moves are what a small request costs most.
    fn call(
        &self,
        request: Request<Incoming>,
        peer: Peer,
    ) -> impl Future<Output = Response<Body>> + Send + use<Self>;

    /// Answers in place of a request that is not let in: no room (503), or a head that is malformed (400) or too large (431).
    ///
    /// The body must be at hand; length, `Connection` and, for 503, `Retry-After` are added. Default: the status in plain text.
    fn refuse(&self, status: StatusCode) -> Response<Body> {
        let mut response = Response::new(Body::full(format!("{status}\n")));
        *response.status_mut() = status;
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        response
    }
}

/// How a server listens, and what it allows.
#[derive(Clone, Debug)]
pub(crate) struct ServerOptions {
    /// Host and port; port 0 takes a free one.
    pub(crate) addr: String,
    /// Time in which the head of a request has to arrive, from its first byte; the first from the beginning of the connection.
    pub(crate) header_timeout: Duration,
    /// Time that a connection is kept without a request, and that a client may take no byte of an answer.
    pub(crate) idle_timeout: Duration,
    /// Largest head of a request: 431 above.
    pub(crate) max_header_bytes: usize,
    /// Open connections, those that carry a stream aside.
    pub(crate) max_connections: usize,
    /// Open streams: event streams and upgraded connections.
    pub(crate) max_streams: usize,
    /// Time that a drain may take.
    pub(crate) drain: Duration,
    pub(crate) layout: Layout,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Tls>,
    /// Counts what is open.
    pub(crate) gauges: Gauges,
}

impl Default for ServerOptions {
    /// The defaults of the settings, on a free port of this machine alone.
    fn default() -> Self {
        Self {
            addr: "127.0.0.1:0".to_owned(),
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            max_header_bytes: 64 << 10,
            max_connections: 10_000,
            max_streams: 50_000,
            drain: Duration::from_secs(10),
            layout: Layout::Shared,
            #[cfg(feature = "tls")]
            tls: None,
            gauges: Gauges::default(),
        }
    }
}
