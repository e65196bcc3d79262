//! The store's front: orders to the writer, reads past it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::oneshot;

use super::bucket::State;
use super::clock::Clock;
use super::engine::Engine;
use super::fault::Fault;
use super::queue::{Order, Queue};
use super::reader::Reader;
use super::row::BucketId;
use super::writer::Writer;
use crate::Error;
use crate::kv::{BucketConfig, Revision, Write};

/// The store, for those who use it. When the last handle is dropped the writer ends.
pub(super) struct Store {
    shared: Arc<Shared>,
}

/// What the front and the writer share.
pub(super) struct Shared {
    pub(super) reader: Reader,
    pub(super) queue: Queue,
    pub(super) buckets: RwLock<Buckets>,
    /// Why the last batch could not be written, until one can.
    pub(super) trouble: Mutex<Option<Fault>>,
    pub(super) closed: AtomicBool,
}

/// The buckets that there are.
#[derive(Default)]
pub(super) struct Buckets {
    by_name: HashMap<String, Arc<State>>,
    by_id: HashMap<BucketId, Arc<State>>,
}

impl Buckets {
    pub(super) fn insert(&mut self, name: String, state: Arc<State>) {
        self.by_id.insert(state.id, state.clone());
        self.by_name.insert(name, state);
    }

    pub(super) fn by_name(&self, name: &str) -> Option<&Arc<State>> {
        self.by_name.get(name)
    }

    pub(super) fn by_id(&self, id: BucketId) -> Option<&Arc<State>> {
        self.by_id.get(&id)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<State>> {
        self.by_name.values()
    }
}

impl Store {
    /// Reads the buckets from `engine` and starts the thread that writes. Blocks.
    pub(super) fn start(
        engine: Arc<dyn Engine>,
        clock: Clock,
        place: &Path,
    ) -> Result<Self, Fault> {
        let reader = Reader::new(engine, clock, place);
        reader.check_format()?;
        let mut buckets = Buckets::default();
        for (name, row) in reader.buckets()? {
            buckets.insert(name, Arc::new(State::new(row)));
        }
        let first_timer = reader.first_timer()?;
        let shared = Arc::new(Shared {
            reader,
            queue: Queue::new(),
            buckets: RwLock::new(buckets),
            trouble: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        let writer = Writer::new(shared.clone(), first_timer);
        std::thread::Builder::new()
            .name("pleach-store".into())
            .spawn(move || {
                if let Some(closed) = writer.run() {
                    closed.tell();
                }
            })
            .map_err(|error| Fault::io("starting a thread for", place, error))?;
        Ok(Self { shared })
    }

    /// Returns the reader, for reads that touch a row or two.
    ///
    /// They are made on the spot: such a row is nearly always in memory, and handing it to another
    /// thread costs more than ten such reads.
    pub(super) fn reader(&self) -> Result<&Reader, Error> {
        if self.shared.closed.load(Ordering::Acquire) {
            return Err(Error::closed());
        }
        Ok(&self.shared.reader)
    }

    /// Runs a read that may take long on a thread that may block.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        self.reader()?;
        let shared = self.shared.clone();
        match tokio::task::spawn_blocking(move || read(&shared.reader)).await {
            Ok(result) => Ok(result?),
            Err(error) => Err(Error::unavailable("a read was given up").with_source(error)),
        }
    }

    pub(super) async fn write(
        &self,
        bucket: &Arc<State>,
        key: &str,
        write: Write,
    ) -> Result<Revision, Error> {
        let (bucket, key) = (bucket.clone(), key.to_owned());
        self.order(|answer| Order::Write {
            bucket,
            key,
            write,
            answer,
        })
        .await
    }

    pub(super) async fn open(&self, config: BucketConfig) -> Result<Arc<State>, Error> {
        self.order(|answer| Order::Open { config, answer }).await
    }

    pub(super) fn bucket_names(&self) -> Result<Vec<String>, Error> {
        self.reader()?;
        let buckets = self
            .shared
            .buckets
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(buckets.by_name.keys().cloned().collect())
    }

    pub(super) fn ready(&self) -> Result<(), Error> {
        self.reader()?;
        let trouble = self
            .shared
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match &*trouble {
            Some(fault) => Err(fault.clone().into()),
            None => Ok(()),
        }
    }

    /// Waits for the orders before this one, then closes the engine. A repeat does nothing.
    pub(super) async fn close(&self) -> Result<(), Error> {
        match self.order(|answer| Order::Close { answer }).await {
            Err(error) if error.is_closed() => Ok(()),
            result => result,
        }
    }

    async fn order<T>(
        &self,
        order: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Order,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        self.shared.queue.place(order(answer)).await?;
        // The writer drops an answer only when it ends before the order's turn.
        answered.await.unwrap_or_else(|_| Err(Error::closed()))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shared.queue.abandon();
    }
}
