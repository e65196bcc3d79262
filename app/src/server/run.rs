//! Runs the server, and drains it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, interval, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::accept::accept;
use super::budget::Budget;
use super::connection::Site;
use super::connections::Connections;
use super::listen::{Server, listen};
use super::refusal;
use super::runtime::Layout;
use super::shutdown::Shutdown;
use super::sweep::Limits;
use super::{Serve, ServerOptions};

/// From the begin of a drain, the time that streams are given to say goodbye. Afterwards only requests at work are waited for.
const STREAMS_OVER: Duration = Duration::from_millis(1_500);

/// Kept back from the time of a drain, for what the program does after it.
const RESERVE: Duration = Duration::from_millis(500);

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Connections that were still open at the deadline of the drain and had to be cut.
    pub(crate) cut: usize,
}

impl Server {
    /// Answers requests until the drain begins, and then drains: accepts nobody new, lets streams end and requests finish, and cuts what
    /// is left shortly before the drain's time is up.
    ///
    /// # Errors
    /// With [`Layout::PerCore`], when the system gives no thread or no second socket on the port.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped call cuts all connections.
    pub(crate) async fn run<S: Serve>(self, app: S, shutdown: Shutdown) -> io::Result<Outcome> {
        let Self {
            options,
            listener,
            addr,
        } = self;
        let limits = Limits {
            header: options.header_timeout,
            idle: options.idle_timeout,
        };
        let budget = Budget::new(
            options.max_connections,
            options.max_streams,
            options.gauges.streams.clone(),
        );
        let refusing = app.clone();
        let refuse = Box::new(move |status| refusal::bytes_of(&refusing, status));
        let connections = Arc::new(Connections::new(
            &limits,
            budget,
            options.gauges.connections.clone(),
            refuse,
        ));
        let site = Arc::new(Site::new(app, connections.clone(), &options));
        let _cut_on_drop = CutOnDrop(&connections);

        let cores = Cores::default();
        if options.layout == Layout::PerCore {
            let others = std::thread::available_parallelism().map_or(1, usize::from) - 1;
            for core in 0..others {
                cores.start(
                    core + 1,
                    listen(addr, &options)?,
                    site.clone(),
                    shutdown.draining().clone(),
                )?;
            }
        }
        tokio::select! {
            () = accept(listener, site, shutdown.draining().clone()) => {}
            () = sweep(&connections) => {}
        }
        let outcome = drain(&connections, &options, &shutdown).await;
        cores.stop();
        Ok(outcome)
    }
}

/// Sweeps the connections, tick after tick, for ever.
async fn sweep(connections: &Connections) {
    let mut ticks = interval(connections.clock().tick());
    loop {
        ticks.tick().await;
        connections.sweep(false);
    }
}

async fn drain(connections: &Connections, options: &ServerOptions, shutdown: &Shutdown) -> Outcome {
    let began = Instant::now();
    let deadline = began
        + options
            .drain
            .saturating_sub(RESERVE.min(options.drain / 10));
    info!(open = connections.len(), "draining");
    connections.finish_all();
    let ended = timeout_at(deadline, async {
        tokio::select! {
            () = connections.emptied() => {}
            () = sweep_while_draining(connections, began) => {}
        }
    });
    let cut = match ended.await {
        Ok(()) => 0,
        Err(_) => connections.cut_all(),
    };
    shutdown.deadline().cancel();
    if cut > 0 {
        warn!(cut, "the drain's time is up: connections were cut");
        // They are dropped as soon as their tasks run; one that never yields is left to the end of the process.
        let _stuck = timeout_at(Instant::now() + RESERVE / 2, connections.emptied()).await;
    }
    Outcome { cut }
}

/// Sweeps on, after a while with less patience, for ever.
async fn sweep_while_draining(connections: &Connections, began: Instant) {
    let streams_over = sleep_until(began + STREAMS_OVER);
    tokio::pin!(streams_over);
    let mut ticks = interval(connections.clock().tick().min(STREAMS_OVER / 16));
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = &mut streams_over, if !streams_over.is_elapsed() => {}
        }
        connections.sweep(streams_over.is_elapsed());
    }
}

/// Cuts all connections when a run is dropped.
struct CutOnDrop<'c>(&'c Connections);

impl Drop for CutOnDrop<'_> {
    fn drop(&mut self) {
        self.0.cut_all();
    }
}

/// The threads of the cores beside the first, each with a runtime of its own.
#[derive(Default)]
struct Cores {
    over: CancellationToken,
}

impl Cores {
    fn start<S: Serve>(
        &self,
        core: usize,
        listener: tokio::net::TcpListener,
        site: Arc<Site<S>>,
        draining: CancellationToken,
    ) -> io::Result<()> {
        let listener = listener.into_std()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let over = self.over.clone();
        std::thread::Builder::new()
            .name(format!("pleach-{core}"))
            .spawn(move || {
                runtime.block_on(async move {
                    match tokio::net::TcpListener::from_std(listener) {
                        Ok(listener) => accept(listener, site, draining).await,
                        Err(error) => warn!(%error, core, "a core can't listen"),
                    }
                    // Its connections live in this runtime, so it waits for the last of them.
                    over.cancelled().await;
                });
                runtime.shutdown_background();
            })?;
        Ok(())
    }

    fn stop(&self) {
        self.over.cancel();
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        self.stop();
    }
}
