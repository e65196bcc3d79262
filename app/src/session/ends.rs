//! Waiting for the end of a session.

use std::future;
use std::time::Duration;

use pleach_driver::{Error as StoreError, WatchEvent};
use tokio::time::sleep;
use tracing::debug;

use super::Session;
use super::store::{Store, is_session};
use super::token::SessionId;

/// Wait before the store is asked again after it was away: a stream has to end within a second of its session.
const RETRY: Duration = Duration::from_millis(500);

/// What there is to wait for, seen from one request.
pub(super) enum End {
    /// Nothing: there is no session.
    Never,
    /// The session ended under the request.
    Past,
    /// The end of this session.
    Of(SessionId),
}

/// Resolves when the session has ended, wherever that was done.
///
/// Thousands may wait, so the store's watch of one key is all that a stream carries: the session is let go of, and
/// what is needed only to begin is boxed and freed.
pub(super) async fn ended(session: Session) {
    let end = loop {
        match Box::pin(session.end()).await {
            Ok(end) => break end,
            Err(error) => debug!(
                ?error,
                "a stream can't tell yet to which session it belongs"
            ),
        }
        sleep(RETRY).await;
    };
    let store = session.store().clone();
    drop(session);
    let id = match end {
        End::Never => return future::pending().await,
        End::Past => return,
        End::Of(id) => id,
    };
    while let Err(error) = gone(&store, id).await {
        if error.is_closed() {
            return future::pending().await;
        }
        debug!(session = %id, %error, "a stream watches its session anew");
        sleep(RETRY).await;
    }
}

/// Waits until the store has no such session.
async fn gone(store: &Store, id: SessionId) -> Result<(), StoreError> {
    let mut watch = Box::pin(store.watch(id)).await?;
    let mut is_there = false;
    while let Some(event) = watch.next().await {
        match event? {
            WatchEvent::Entry(entry) => is_there = is_session(&entry),
            WatchEvent::CaughtUp => {}
            _ => continue,
        }
        if !is_there {
            return Ok(());
        }
    }
    Err(StoreError::closed())
}
