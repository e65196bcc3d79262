//! The deadline that every operation has.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::timeout;

use crate::Error;

/// How long an operation may take unless told otherwise. A page must be able to answer 503 within
/// three seconds.
pub(crate) const DEFAULT: Duration = Duration::from_millis(2500);

/// Runs `future` for no longer than `limit`.
pub(crate) async fn within<T>(
    operation: &'static str,
    limit: Duration,
    future: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut future = pin!(future);
    // Most reads are done at once: they need no timer.
    if let Poll::Ready(result) = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
    {
        return result;
    }
    match timeout(limit, future).await {
        Ok(result) => result,
        Err(_) => Err(Error::timeout(operation, limit)),
    }
}
