//! Tasks that run beside the requests, each with an owner.

use std::future::Future;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The tasks of an application.
///
/// A task selects on [`Tasks::child_token`] and ends when it is cancelled: at the end of a drain, after the last answer.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    draining: CancellationToken,
}

impl Tasks {
    /// Runs a task; a shutdown waits for it until its deadline.
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tracker.spawn(task);
    }

    /// Returns a token that is cancelled when the application stops.
    #[must_use]
    pub fn child_token(&self) -> CancellationToken {
        self.stop.child_token()
    }

    /// Returns the token that is cancelled when a drain begins: live pages end, readiness says no.
    #[must_use]
    pub fn draining(&self) -> &CancellationToken {
        &self.draining
    }

    /// Returns how many tasks run.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tracker.len()
    }

    /// Tells every task to end, and waits for them.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped call leaves the tasks told.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}
