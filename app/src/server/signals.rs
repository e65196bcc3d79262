//! SIGTERM and Ctrl-C.

use std::io;
use std::time::Duration;

use tracing::{error, info, warn};

use super::shutdown::Shutdown;

/// The exit code after a second signal: neither done nor a mistake in the configuration.
const IMPATIENT: i32 = 1;

/// Begins the drain at the first SIGTERM or Ctrl-C, and ends the process at once at a second, with exit code 1. If the process still
/// lives when the drain's time is up, because something never yields, it is ended then, with exit code 0.
///
/// It spawns a thread with a runtime of its own, so that signals are heard however busy the application is.
///
/// # Errors
/// When the system gives no thread or no signal handler.
pub(crate) fn drain_on_signals(shutdown: Shutdown, drain: Duration) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut signals = {
        let _runtime = runtime.enter();
        Signals::new()?
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                let name = signals.next().await;
                info!(signal = name, "shutting down; a second signal ends at once");
                shutdown.begin();
                tokio::select! {
                    name = signals.next() => {
                        warn!(signal = name, "second signal: ending at once");
                        std::process::exit(IMPATIENT);
                    }
                    () = tokio::time::sleep(drain) => {
                        error!("the drain's time is up, and something does not let go: ending");
                        std::process::exit(0);
                    }
                }
            });
        })?;
    Ok(())
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(windows)]
struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
}

#[cfg(windows)]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: tokio::signal::windows::ctrl_c()?,
        })
    }

    async fn next(&mut self) -> &'static str {
        self.interrupt.recv().await;
        "Ctrl-C"
    }
}
