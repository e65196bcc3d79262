//! The id of the request that runs here and now, for log lines.
//!
//! A span per request would cost a slot, a formatted string and two allocations whether or not anything is ever logged. Most requests
//! log nothing, so the id is only lent to the thread while the request is polled, and written out when a line needs it.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::request_id::RequestId;

thread_local! {
    static CURRENT: Cell<Option<RequestId>> = const { Cell::new(None) };
}

/// Returns the id of the request on whose behalf this thread runs, if there is one.
pub(crate) fn current_request_id() -> Option<RequestId> {
    CURRENT.get()
}

/// Lends a request's id to this thread until the guard is dropped. Costs two writes.
pub(crate) fn lend_request_id(id: RequestId) -> Lent {
    Lent {
        before: CURRENT.replace(Some(id)),
    }
}

/// Runs a future as part of a request: every line that it logs carries the request's id.
pub(crate) fn with_request_id<F: Future>(id: RequestId, future: F) -> WithRequestId<F> {
    WithRequestId { id, future }
}

pin_project! {
    /// The future of [`with_request_id`].
    pub(crate) struct WithRequestId<F> {
        id: RequestId,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for WithRequestId<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _lent = lend_request_id(*this.id);
        this.future.poll(cx)
    }
}

/// An id on loan. Gives the thread back what it had before, after a panic too.
pub(crate) struct Lent {
    before: Option<RequestId>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}
