//! The end of a server, as all that runs in it sees it coming.

use tokio_util::sync::CancellationToken;

/// A handle on the end of a server. Clones are handles on the same end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shutdown {
    draining: CancellationToken,
    deadline: CancellationToken,
}

impl Shutdown {
    /// Makes a handle around the token that live pages and readiness look at.
    pub(crate) fn new(draining: CancellationToken) -> Self {
        Self {
            draining,
            deadline: CancellationToken::new(),
        }
    }

    /// Begins the drain. A second call changes nothing.
    pub(crate) fn begin(&self) {
        self.draining.cancel();
    }

    /// Returns the token that is cancelled when the drain begins: streams end, readiness says no.
    pub(crate) fn draining(&self) -> &CancellationToken {
        &self.draining
    }

    /// Returns the token that is cancelled when the drain has to be over: whatever still runs is cut.
    pub(crate) fn deadline(&self) -> &CancellationToken {
        &self.deadline
    }
}
