//! The store in this process.

use std::sync::Arc;

use crate::Error;
use crate::kv::{BoxFuture, BucketBackend, BucketConfig, KvBackend};
use crate::location::Location;

/// The embedded key-value backend.
pub(crate) struct Embedded;

impl Embedded {
    pub(crate) async fn open(location: &Location) -> Result<Self, Error> {
        Err(Error::unsupported(format!(
            "{location} cannot be opened yet"
        )))
    }
}

impl KvBackend for Embedded {
    fn open(&self, _config: BucketConfig) -> BoxFuture<'_, Result<Arc<dyn BucketBackend>, Error>> {
        Box::pin(async { Err(Error::closed()) })
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        Box::pin(async { Err(Error::closed()) })
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Err(Error::closed()) })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }
}
