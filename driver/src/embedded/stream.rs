//! A stream of the embedded store.

mod consumer;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use tokio::sync::watch;
use tracing::warn;

use self::consumer::EmbeddedConsumer;
use super::bucket::TAP_LIMITS;
use super::reader::Reader;
use super::row::{StreamId, StreamRow, StreamSettings};
use super::store::{Batch, Store};
use crate::boxed::BoxFuture;
use crate::fanout::{End, Group, Reader as Tap, Upstream};
use crate::stream::{
    ConsumerBackend, ConsumerConfig, Cursor, Page, Publish, PublishAck, Sequence, StreamBackend,
    StreamConfig, StreamInfo, StreamMessage, check_resume,
};
use crate::{Error, Filter};

/// A read of one subject up to this size is made on the spot: its rows are nearly always in memory,
/// and sooner read than handed to another thread.
const QUICK_READ: usize = 64;

/// How many messages are read at a time for those who follow.
const FOLLOW_PAGE: usize = 512;

/// What a stream is while the store is open.
pub(super) struct StreamState {
    pub(super) id: StreamId,
    epoch: String,
    settings: RwLock<Arc<StreamSettings>>,
    /// Where the writer tells of messages, in order, once they are durable.
    messages: Arc<Group<StreamMessage>>,
    /// Told when consumers may find something new.
    stirred: watch::Sender<()>,
    gone: AtomicBool,
}

impl StreamState {
    fn new(row: StreamRow) -> Self {
        let StreamRow {
            id,
            epoch,
            settings,
        } = row;
        Self {
            id,
            epoch,
            settings: RwLock::new(Arc::new(settings)),
            messages: Arc::new(Group::new(TAP_LIMITS)),
            stirred: watch::Sender::new(()),
            gone: AtomicBool::new(false),
        }
    }

    pub(super) fn settings(&self) -> Arc<StreamSettings> {
        let settings = self.settings.read().unwrap_or_else(PoisonError::into_inner);
        settings.clone()
    }

    /// Fails when the stream was deleted.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.gone.load(Ordering::Acquire) {
            return Err(Error::not_found("such stream any more"));
        }
        Ok(())
    }

    /// Wakes the consumers that wait.
    fn stir(&self) {
        self.stirred.send_replace(());
    }

    /// Ends all who follow or wait.
    pub(super) fn end(&self, end: End) {
        if matches!(end, End::Gone) {
            self.gone.store(true, Ordering::Release);
        }
        self.messages.end(end);
        self.messages.wake();
        self.stir();
    }
}

/// The streams that there are.
#[derive(Default)]
pub(super) struct StreamStates {
    by_name: HashMap<String, Arc<StreamState>>,
    by_id: HashMap<StreamId, Arc<StreamState>>,
}

impl StreamStates {
    pub(super) fn new(rows: Vec<(String, StreamRow)>) -> Self {
        let mut states = Self::default();
        for (name, row) in rows {
            states.register(name, row);
        }
        states
    }

    /// Makes a stream known, or its new settings.
    fn register(&mut self, name: String, row: StreamRow) -> Arc<StreamState> {
        if let Some(state) = self.by_name.get(&name) {
            let mut settings = state
                .settings
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            *settings = Arc::new(row.settings);
            drop(settings);
            return state.clone();
        }
        let state = Arc::new(StreamState::new(row));
        self.by_id.insert(state.id, state.clone());
        self.by_name.insert(name, state.clone());
        state
    }

    fn remove(&mut self, name: &str) {
        if let Some(state) = self.by_name.remove(name) {
            self.by_id.remove(&state.id);
            state.end(End::Gone);
        }
    }

    pub(super) fn by_id(&self, id: StreamId) -> Option<&Arc<StreamState>> {
        self.by_id.get(&id)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<StreamState>> {
        self.by_name.values()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.by_name.keys().cloned().collect()
    }
}

/// A message to tell of.
pub(super) struct Published {
    stream: Arc<StreamState>,
    sequence: Sequence,
    row: Bytes,
}

impl Published {
    pub(super) fn new(stream: &Arc<StreamState>, sequence: Sequence, row: &Bytes) -> Self {
        Self {
            stream: stream.clone(),
            sequence,
            row: row.clone(),
        }
    }

    /// Tells those who follow streams of messages that are durable now.
    ///
    /// Whoever begins to follow after this look finds the messages in the rows.
    pub(super) fn tell(published: &[Self], reader: &Reader) {
        let mut due: Vec<&Arc<StreamState>> = Vec::new();
        for message in published {
            let stream = &message.stream;
            if !due.last().is_some_and(|last| Arc::ptr_eq(last, stream)) {
                due.push(stream);
            }
            if !stream.messages.has_readers() {
                continue;
            }
            match reader.decode_message(message.sequence, &message.row) {
                Ok(message) => drop(stream.messages.push(&Arc::new(message))),
                Err(fault) => warn!(%fault, "a message that was written cannot be read"),
            }
        }
        for stream in due {
            stream.messages.wake();
            stream.stir();
        }
    }
}

/// Makes a stream, or gives it other settings, and brings it in line with them.
pub(super) async fn ensure(
    store: &Arc<Store>,
    config: StreamConfig,
) -> Result<EmbeddedStream, Error> {
    let name = config.name().to_owned();
    let ensured = store.draft_then(
        Batch::Alone,
        move |draft| draft.ensure_stream(&config),
        move |shared, (row, changed)| (shared.streams_mut().register(name, row), changed),
    );
    let (state, changed) = ensured.await?;
    let mut settled = !changed;
    while !settled {
        let state = state.clone();
        settled = store
            .draft(Batch::Alone, move |draft| draft.settle_stream(&state))
            .await?;
    }
    Ok(EmbeddedStream {
        store: store.clone(),
        state,
    })
}

/// Deletes a stream.
pub(super) async fn delete(store: &Store, name: &str) -> Result<bool, Error> {
    let (name, forgotten) = (name.to_owned(), name.to_owned());
    let dropped = store.draft_then(
        Batch::Alone,
        move |draft| draft.drop_stream(&name),
        move |shared, dropped| {
            if dropped.is_some() {
                shared.streams_mut().remove(&forgotten);
            }
            dropped.is_some()
        },
    );
    dropped.await
}

/// A handle on a stream of the embedded store.
pub(super) struct EmbeddedStream {
    store: Arc<Store>,
    state: Arc<StreamState>,
}

impl EmbeddedStream {
    fn reader(&self) -> Result<&Reader, Error> {
        self.state.check()?;
        self.store.reader()
    }

    async fn read(&self, filter: &Filter, cursor: Cursor, most: usize) -> Result<Page, Error> {
        let (id, settings) = (self.state.id, self.state.settings());
        if filter.as_key().is_some() && most <= QUICK_READ {
            return Ok(self.reader()?.read(id, &settings, filter, cursor, most)?);
        }
        self.state.check()?;
        let filter = filter.clone();
        self.store
            .read(move |reader| reader.read(id, &settings, &filter, cursor, most))
            .await
    }

    async fn purge(&self, filter: &Filter) -> Result<u64, Error> {
        let last = self.info_now()?.last;
        let (mut purged, mut next) = (0, Some(Sequence::NONE));
        while let Some(from) = next {
            let (state, filter) = (self.state.clone(), filter.clone());
            let part = self.store.draft(Batch::Alone, move |draft| {
                draft.purge(&state, &filter, from, last)
            });
            let (gone, go_on) = part.await?;
            purged += gone;
            next = go_on;
        }
        Ok(purged)
    }

    fn info_now(&self) -> Result<StreamInfo, Error> {
        let (id, settings) = (self.state.id, self.state.settings());
        Ok(self.reader()?.info(id, &settings)?)
    }

    async fn follow(&self, after: Sequence) -> Result<Box<dyn Upstream<StreamMessage>>, Error> {
        // Joined before the first read: what is in both is told apart by its sequence.
        let mut follow = Follow {
            tap: self.state.messages.join(),
            stream: Self {
                store: self.store.clone(),
                state: self.state.clone(),
            },
            read: Vec::new(),
            has_more: true,
            position: after,
        };
        follow.read_on().await?;
        Ok(Box::new(follow))
    }
}

impl StreamBackend for EmbeddedStream {
    fn epoch(&self) -> &str {
        &self.state.epoch
    }

    fn publish(&self, message: Publish) -> BoxFuture<'_, Result<PublishAck, Error>> {
        let state = self.state.clone();
        let bytes = message.payload.len();
        Box::pin(self.store.draft(Batch::Shared { bytes }, move |draft| {
            draft.publish(&state, &message)
        }))
    }

    fn last<'a>(&'a self, subject: &'a str) -> BoxFuture<'a, Result<Option<StreamMessage>, Error>> {
        Box::pin(async move {
            let (id, settings) = (self.state.id, self.state.settings());
            Ok(self.reader()?.last(id, &settings, subject)?)
        })
    }

    fn read<'a>(
        &'a self,
        filter: &'a Filter,
        cursor: Cursor,
        most: usize,
    ) -> BoxFuture<'a, Result<Page, Error>> {
        Box::pin(self.read(filter, cursor, most))
    }

    fn info(&self) -> BoxFuture<'_, Result<StreamInfo, Error>> {
        Box::pin(async move { self.info_now() })
    }

    fn purge<'a>(&'a self, filter: &'a Filter) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(self.purge(filter))
    }

    fn delete(&self, sequence: Sequence) -> BoxFuture<'_, Result<bool, Error>> {
        let state = self.state.clone();
        Box::pin(self.store.draft(Batch::Alone, move |draft| {
            draft.delete_message(&state, sequence)
        }))
    }

    fn follow(
        &self,
        after: Sequence,
    ) -> BoxFuture<'_, Result<Box<dyn Upstream<StreamMessage>>, Error>> {
        Box::pin(self.follow(after))
    }

    fn consumer(
        &self,
        config: ConsumerConfig,
    ) -> BoxFuture<'_, Result<Arc<dyn ConsumerBackend>, Error>> {
        Box::pin(async move {
            let consumer = EmbeddedConsumer::open(&self.store, &self.state, config).await?;
            Ok(Arc::new(consumer) as Arc<dyn ConsumerBackend>)
        })
    }

    fn delete_consumer<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        let (name, state) = (name.to_owned(), self.state.clone());
        let waiting = state.clone();
        Box::pin(self.store.draft_then(
            Batch::Alone,
            move |draft| draft.drop_consumer(&state, &name),
            move |_, dropped| {
                waiting.stir();
                dropped
            },
        ))
    }
}

/// The messages of a stream: those of before, then those that the writer tells of.
struct Follow {
    stream: EmbeddedStream,
    tap: Tap<StreamMessage>,
    /// Read and not yielded yet.
    read: Vec<StreamMessage>,
    /// There is more to read, or there may be.
    has_more: bool,
    /// Up to here everything was read.
    position: Sequence,
}

impl Follow {
    async fn read_on(&mut self) -> Result<(), Error> {
        let cursor = Cursor::After(self.position);
        let page = self
            .stream
            .read(&Filter::all(), cursor, FOLLOW_PAGE)
            .await?;
        check_resume(self.position, page.first, page.last)?;
        if let Some(last) = page.messages.last() {
            self.position = last.sequence;
        }
        self.has_more = page.has_more;
        self.read = page.messages;
        Ok(())
    }

    async fn messages(&mut self) -> Result<Vec<Arc<StreamMessage>>, Error> {
        loop {
            if !self.read.is_empty() {
                let read = std::mem::take(&mut self.read);
                return Ok(read.into_iter().map(Arc::new).collect());
            }
            if self.has_more {
                self.read_on().await?;
                continue;
            }
            let mut messages = self.tap.next_all().await?;
            messages.retain(|message| message.sequence > self.position);
            if !messages.is_empty() {
                return Ok(messages);
            }
        }
    }
}

impl Upstream<StreamMessage> for Follow {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Arc<StreamMessage>>, Error>> {
        Box::pin(self.messages())
    }
}
