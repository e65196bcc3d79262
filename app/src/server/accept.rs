//! The accept loop.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::Serve;
use super::connection::{self, Site};
use super::refusal::{Door, turn_away_at_once};

/// How long the loop waits when the system can't give it a connection.
const PAUSE: Duration = Duration::from_millis(50);

/// A shortage is told at most this often; at the limit, it comes and goes with every client.
const TELL_AGAIN: Duration = Duration::from_secs(30);

/// Accepts connections until the drain begins, and never ends before that: not for a client that left, nor for want of descriptors.
pub(super) async fn accept<S: Serve>(
    listener: TcpListener,
    site: Arc<Site<S>>,
    draining: CancellationToken,
) {
    let door = Door::new();
    let mut spare = Spare::new();
    let mut last_told: Option<Instant> = None;
    let mut drain = std::pin::pin!(draining.cancelled());
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut drain => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((client, addr)) => {
                spare.renew();
                welcome(&site, &door, client, addr);
            }
            Err(error) if is_of_one_client(&error) => {}
            Err(error) => {
                if last_told.is_none_or(|told| told.elapsed() > TELL_AGAIN) {
                    last_told = Some(Instant::now());
                    warn!(%error, open = site.connections.len(), "the system gives no connection: clients are refused until it does");
                }
                if !spare.refuse_one(&listener, &site) {
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

fn welcome<S: Serve>(site: &Arc<Site<S>>, door: &Door, client: TcpStream, addr: SocketAddr) {
    match site.connections.enter() {
        Some(lease) => connection::spawn(site.clone(), client, addr, lease),
        // Without a handshake there is no way to answer over TLS, and at the limit there is no time for handshakes.
        None if site.is_tls() => {}
        None => {
            let connections = site.connections.clone();
            door.turn_away(client, move || {
                connections.refusal(StatusCode::SERVICE_UNAVAILABLE)
            });
        }
    }
}

/// Errors that are the client's, who left before it was accepted. The others are the system's, and would come again at once.
fn is_of_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// A descriptor in reserve: given up when there is no other, it lets the loop accept a client, tell it, and take the descriptor back.
/// Otherwise clients would wait in the backlog for an answer that does not come.
struct Spare(Option<File>);

impl Spare {
    fn new() -> Self {
        Self(open())
    }

    fn renew(&mut self) {
        if self.0.is_none() {
            self.0 = open();
        }
    }

    /// Turns one waiting client away; false if there was no descriptor in reserve, or no client.
    fn refuse_one<S: Serve>(&mut self, listener: &TcpListener, site: &Arc<Site<S>>) -> bool {
        if self.0.take().is_none() {
            self.renew();
            return false;
        }
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let refused = match listener.poll_accept(&mut cx) {
            std::task::Poll::Ready(Ok((client, _))) => {
                if !site.is_tls() {
                    turn_away_at_once(
                        client,
                        &site.connections.refusal(StatusCode::SERVICE_UNAVAILABLE),
                    );
                }
                true
            }
            _ => false,
        };
        self.renew();
        refused
    }
}

fn open() -> Option<File> {
    File::open(if cfg!(windows) { "NUL" } else { "/dev/null" }).ok()
}
