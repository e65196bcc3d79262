//! The store in this process.
//!
//! ```text
//! bucket     what a handle calls
//! store      orders to the writer, reads past it
//! writer     the one thread that writes: batches, expiry, answers
//! draft      what changes of buckets do to rows; decides, changes nothing
//! reader     buckets read from rows
//! row        how buckets are laid out in rows
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
mod writer;

use std::path::Path;
use std::sync::Arc;

use self::bucket::EmbeddedBucket;
use self::clock::Clock;
use self::disk::Directory;
use self::engine::{Files, Memory};
use self::fault::Fault;
use self::store::Store;
use crate::Error;
use crate::kv::{BoxFuture, BucketBackend, BucketConfig, KvBackend};
use crate::location::Location;

/// The embedded key-value backend.
pub(crate) struct Embedded {
    store: Arc<Store>,
}

impl Embedded {
    /// Opens the store at `location`.
    pub(crate) async fn open(location: &Location) -> Result<Self, Error> {
        let location = location.clone();
        let opened = tokio::task::spawn_blocking(move || start(&location)).await;
        match opened {
            Ok(store) => Ok(Self {
                store: Arc::new(store?),
            }),
            Err(error) => {
                Err(Error::unavailable("opening the store was given up").with_source(error))
            }
        }
    }
}

fn start(location: &Location) -> Result<Store, Fault> {
    match location {
        Location::Memory => Store::start(
            Arc::new(Memory::default()),
            Clock::system(),
            Path::new("memory:"),
        ),
        Location::Directory(path) => {
            let engine = Files::open(Arc::new(Directory::hold(path)?))?;
            Store::start(Arc::new(engine), Clock::system(), path)
        }
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
