//! The other end of a connection.

use std::net::SocketAddr;

/// The other end of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Its address; none where the application is embedded in a server that does not tell.
    pub addr: Option<SocketAddr>,
    /// True where the connection itself is encrypted.
    pub tls: bool,
}
