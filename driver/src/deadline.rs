//! The deadline that every operation has.

use std::time::Duration;

use tokio::time::timeout;

use crate::Error;

/// How long an operation may take unless told otherwise. A page must be able to answer 503 within three seconds.
pub(crate) const DEFAULT: Duration = Duration::from_millis(2500);

/// Runs `future` for no longer than `limit`.
pub(crate) async fn within<T>(
    operation: &'static str,
    limit: Duration,
    future: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match timeout(limit, future).await {
        Ok(result) => result,
        Err(_) => Err(Error::timeout(operation, limit)),
    }
}
