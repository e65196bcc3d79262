//! Binds the port.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, lookup_host};

use super::ServerOptions;
use super::runtime::Layout;

/// Connections that wait for the accept loop. The kernel caps it (`net.core.somaxconn`, 4096 by default).
const BACKLOG: i32 = 4096;

/// A server that listens already, but does not answer yet.
#[derive(Debug)]
pub(crate) struct Server {
    pub(super) options: ServerOptions,
    pub(super) listener: TcpListener,
    pub(super) addr: SocketAddr,
}

impl Server {
    /// Listens on the address of the options: the first that its host has on this machine.
    ///
    /// # Errors
    /// Those of the system: the port is taken, the host is unknown or not of this machine.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped call listens to nothing.
    pub(crate) async fn bind(options: ServerOptions) -> io::Result<Self> {
        let mut last_error = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        let addrs: Vec<SocketAddr> = lookup_host(&options.addr).await?.collect();
        for addr in addrs {
            match listen(addr, &options) {
                Ok(listener) => {
                    let addr = listener.local_addr()?;
                    return Ok(Self {
                        options,
                        listener,
                        addr,
                    });
                }
                Err(error) => last_error = error,
            }
        }
        Err(last_error)
    }

    /// Returns the address, with the port that was taken.
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.addr
    }
}

/// Opens a listening socket. What is set here, accepted connections inherit.
pub(super) fn listen(addr: SocketAddr, options: &ServerOptions) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // A port in the hands of connections that are closing is free; one that another process listens on is not.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    #[cfg(all(unix, not(target_os = "solaris"), not(target_os = "illumos")))]
    if options.layout == Layout::PerCore {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from_std(socket.into())?;
    notice_lost_clients(&listener, options);
    Ok(listener)
}

/// A client whose machine or network is gone says nothing more: the kernel gives it up when what was sent is not acknowledged, and asks
/// when nothing was sent.
fn notice_lost_clients(listener: &TcpListener, options: &ServerOptions) {
    let socket = SockRef::from(listener);
    // Refused by the system, they only take longer to be noticed.
    let _refused = socket.set_tcp_nodelay(true);
    let _refused = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(options.idle_timeout));
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let _refused = socket.set_tcp_user_timeout(Some(options.idle_timeout));
}
