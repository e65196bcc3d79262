//! The request id of log lines.
//!
//! A `tracing` span for every request would put the id on each line too, but an enabled span costs three allocations and half a
//! microsecond a request, which is more than the rest of the pipeline. So a cell of the thread holds the id while the future of the
//! request is polled, and the log formatter reads it. Nothing else can: code is handed its request by its `Context`.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::request_id::RequestId;

thread_local! {
    static CURRENT: Cell<Option<RequestId>> = const { Cell::new(None) };
}

/// Returns the id of the request that this thread is working on.
pub(super) fn current_request() -> Option<RequestId> {
    CURRENT.get()
}

/// Puts the id on every line that is logged while the future runs.
pub(crate) fn with_request_id<F: Future>(id: RequestId, future: F) -> impl Future<Output = F::Output> {
    Scope { id, future }
}

pin_project! {
    struct Scope<F> {
        id: RequestId,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Scope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _restored = Restore(CURRENT.replace(Some(*this.id)));
        this.future.poll(task)
    }
}

/// Puts back what was there, also when a poll panics.
struct Restore(Option<RequestId>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}
