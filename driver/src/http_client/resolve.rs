//! From names to addresses.

use std::io;
use std::net::IpAddr;

use tokio::net::lookup_host;

use crate::backend::BoxFuture;

/// Finds the addresses of a host's name, for the client's own connections.
///
/// The guard stands behind it: whatever it answers, a guarded call connects to public addresses only.
pub trait Resolve: Send + Sync + 'static {
    /// Returns all addresses of `host`, the one to try first in front. An empty list is a name without addresses.
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The operating system's resolver.
pub(super) struct System;

impl Resolve for System {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            Ok(lookup_host((host, 0))
                .await?
                .map(|found| found.ip())
                .collect())
        })
    }
}
