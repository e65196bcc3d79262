//! The store's front: orders to the writer, reads past it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::oneshot;

use super::bucket::State;
use super::clock::Clock;
use super::draft::Draft;
use super::engine::Engine;
use super::fault::Fault;
use super::queue::{Answer, Job, Order, Queue};
use super::reader::Reader;
use super::row::{BucketId, BucketRow};
use super::stream::StreamStates;
use super::writer::Writer;
use crate::Error;
use crate::kv::{BucketConfig, Change, Revision, Write};

/// The store, for those who use it. When the last handle is dropped the writer ends.
pub(super) struct Store {
    shared: Arc<Shared>,
}

/// What the front and the writer share.
pub(super) struct Shared {
    pub(super) reader: Reader,
    pub(super) queue: Queue,
    pub(super) buckets: RwLock<Buckets>,
    streams: RwLock<StreamStates>,
    /// Why the last batch could not be written, until one can.
    pub(super) trouble: Mutex<Option<Fault>>,
    pub(super) closed: AtomicBool,
}

impl Shared {
    pub(super) fn streams(&self) -> RwLockReadGuard<'_, StreamStates> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn streams_mut(&self) -> RwLockWriteGuard<'_, StreamStates> {
        self.streams.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a bucket known, or its new settings.
    fn register(&self, name: &str, row: BucketRow) -> Arc<State> {
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = buckets.by_name(name) {
            state.set_settings(row.settings);
            return state.clone();
        }
        let state = Arc::new(State::new(row));
        buckets.insert(name.to_owned(), state.clone());
        state
    }
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
        let streams = StreamStates::new(reader.streams()?);
        let first_timer = reader.first_timer()?;
        let shared = Arc::new(Shared {
            reader,
            queue: Queue::new(),
            buckets: RwLock::new(buckets),
            streams: RwLock::new(streams),
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
        let bytes = match &write.change {
            Change::Put { value, .. } => value.len(),
            Change::Delete | Change::Purge => 0,
        };
        self.draft(Batch::Shared { bytes }, move |draft| {
            draft.write(&bucket, &key, &write)
        })
        .await
    }

    pub(super) async fn open(&self, config: BucketConfig) -> Result<Arc<State>, Error> {
        let name = config.name().to_owned();
        self.draft_then(
            Batch::Alone,
            move |draft| Ok(Ok(draft.open(&config)?)),
            move |shared, row| shared.register(&name, row),
        )
        .await
    }

    /// Has the writer make a change, and returns what came of it once it is durable.
    pub(super) async fn draft<T: Send + 'static>(
        &self,
        batch: Batch,
        draft: impl FnOnce(&mut Draft<'_>) -> Drafting<T> + Send + 'static,
    ) -> Result<T, Error> {
        self.draft_then(batch, draft, |_, drafted| drafted).await
    }

    /// As [`draft`](Self::draft), and has the writer do something with the outcome before it goes
    /// on with other jobs.
    pub(super) async fn draft_then<D: Send + 'static, T: Send + 'static>(
        &self,
        batch: Batch,
        draft: impl FnOnce(&mut Draft<'_>) -> Drafting<D> + Send + 'static,
        then: impl FnOnce(&Shared, D) -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.order(|answer| {
            Order::Job(Box::new(Closures {
                batch,
                draft: Some(draft),
                outcome: None,
                then,
                answer,
            }))
        })
        .await
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

    pub(super) fn stream_names(&self) -> Result<Vec<String>, Error> {
        self.reader()?;
        Ok(self.shared.streams().names())
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

/// What became of a draft. The outer error fails the whole batch.
pub(super) type Drafting<T> = Result<Result<T, Error>, Fault>;

/// Which batch a job goes into.
#[derive(Clone, Copy, Debug)]
pub(super) enum Batch {
    /// The next one that has room for so many bytes.
    Shared { bytes: usize },
    /// One of its own.
    Alone,
}

/// A job made of closures.
struct Closures<F, D, G, T> {
    batch: Batch,
    /// Taken when it is drafted.
    draft: Option<F>,
    outcome: Option<Result<D, Error>>,
    then: G,
    answer: Answer<T>,
}

impl<F, D, G, T> Job for Closures<F, D, G, T>
where
    F: FnOnce(&mut Draft<'_>) -> Drafting<D> + Send,
    G: FnOnce(&Shared, D) -> T + Send,
    D: Send,
    T: Send,
{
    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn bytes(&self) -> usize {
        match self.batch {
            Batch::Shared { bytes } => bytes,
            Batch::Alone => 0,
        }
    }

    fn stands_alone(&self) -> bool {
        matches!(self.batch, Batch::Alone)
    }

    fn draft(&mut self, draft: &mut Draft<'_>) -> Result<(), Fault> {
        if let Some(make) = self.draft.take() {
            self.outcome = Some(make(draft)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, shared: &Shared, applied: Result<(), &Fault>) {
        let Self {
            batch: _,
            draft: _,
            outcome,
            then,
            answer,
        } = *self;
        let result = match (applied, outcome) {
            (Err(fault), _) => Err(fault.clone().into()),
            (Ok(()), Some(outcome)) => outcome.map(|drafted| then(shared, drafted)),
            // It was given up before its turn.
            (Ok(()), None) => return,
        };
        // Whether anybody still listens is their affair.
        let _ = answer.send(result);
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shared.queue.abandon();
    }
}
