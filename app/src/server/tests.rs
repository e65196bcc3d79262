//! Facts of the server, over real sockets.

mod client;
mod cost;
mod drain;
mod limits;
mod memory;
pub(super) mod probe;
mod process;
mod protocols;
mod streams;
#[cfg(feature = "tls")]
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Outcome, Server, ServerOptions, Shutdown};
use crate::observe::Gauges;
use probe::Probe;

/// Nothing here takes as long, on the slowest machine; a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that runs.
struct Running {
    addr: SocketAddr,
    shutdown: Shutdown,
    gauges: Gauges,
    run: JoinHandle<std::io::Result<Outcome>>,
}

impl Running {
    async fn start(options: ServerOptions) -> Self {
        let shutdown = Shutdown::default();
        let gauges = options.gauges.clone();
        let server = Server::bind(options).await.expect("a port is free");
        let addr = server.local_addr();
        let app = Arc::new(Probe::new(shutdown.draining().clone()));
        let run = tokio::spawn(server.run(app, shutdown.clone()));
        Self {
            addr,
            shutdown,
            gauges,
            run,
        }
    }

    async fn started() -> Self {
        Self::start(ServerOptions::default()).await
    }

    /// Drains, and returns how the server ended and how long it took.
    async fn stop(self) -> (Outcome, Duration) {
        let began = std::time::Instant::now();
        self.shutdown.begin();
        let outcome = timeout(PATIENCE, self.run)
            .await
            .expect("the drain ends")
            .expect("no panic")
            .expect("no error");
        (outcome, began.elapsed())
    }
}
