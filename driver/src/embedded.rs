//! The store in this process.
//!
//! ```text
//! bucket     what a handle on a bucket calls
//! stream     what a handle on a stream, or a consumer of one, calls
//! store      orders to the writer, reads past it
//! writer     the one thread that writes: batches, expiry, answers
//! draft      what changes of buckets and streams do to rows; decides, changes nothing
//! reader     buckets and streams read from rows
//! row        how they are laid out in rows
//! engine     where rows lie
//! ```

mod bucket;
mod clock;
mod disk;
mod draft;
mod engine;
mod fault;
mod queue;
mod reader;
mod row;
mod store;
mod stream;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;

use self::bucket::EmbeddedBucket;
use self::clock::Clock;
use self::disk::Directory;
use self::engine::{Engine, Files, Memory};
use self::fault::Fault;
use self::store::Store;
use crate::Error;
use crate::boxed::BoxFuture;
use crate::kv::{BucketBackend, BucketConfig, KvBackend};
use crate::location::Location;
use crate::stream::{StreamBackend, StreamConfig, StreamsBackend};

/// The embedded backend of buckets and streams. A clone is the same store.
#[derive(Clone)]
pub(crate) struct Embedded {
    store: Arc<Store>,
}

impl Embedded {
    /// Opens the store at `location`.
    pub(crate) async fn open(location: &Location) -> Result<Self, Error> {
        let location = location.clone();
        let opened = tokio::task::spawn_blocking(move || Self::open_blocking(&location)).await;
        match opened {
            Ok(store) => Ok(store?),
            Err(error) => Err(Error::unavailable("opening was given up").with_source(error)),
        }
    }

    fn open_blocking(location: &Location) -> Result<Self, Fault> {
        match location {
            Location::Memory => Self::start(
                Arc::new(Memory::default()),
                Clock::system(),
                Path::new("memory:"),
            ),
            Location::Directory(path) => {
                let engine = Files::open(Arc::new(Directory::hold(path)?))?;
                Self::start(Arc::new(engine), Clock::system(), path)
            }
        }
    }

    fn start(engine: Arc<dyn Engine>, clock: Clock, place: &Path) -> Result<Self, Fault> {
        Ok(Self {
            store: Arc::new(Store::start(engine, clock, place)?),
        })
    }
}

impl KvBackend for Embedded {
    fn open(&self, config: BucketConfig) -> BoxFuture<'_, Result<Arc<dyn BucketBackend>, Error>> {
        Box::pin(async move {
            let state = self.store.open(config).await?;
            Ok(Arc::new(EmbeddedBucket::new(self.store.clone(), state)) as Arc<dyn BucketBackend>)
        })
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        Box::pin(async move { self.store.bucket_names() })
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move { self.store.ready() })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.store.close())
    }
}

impl StreamsBackend for Embedded {
    fn ensure(&self, config: StreamConfig) -> BoxFuture<'_, Result<Arc<dyn StreamBackend>, Error>> {
        Box::pin(async move {
            let stream = stream::ensure(&self.store, config).await?;
            Ok(Arc::new(stream) as Arc<dyn StreamBackend>)
        })
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        Box::pin(async move { self.store.stream_names() })
    }

    fn delete<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(stream::delete(&self.store, name))
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move { self.store.ready() })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.store.close())
    }
}
