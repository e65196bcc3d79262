//! Streams of messages that are kept.

mod backend;
mod config;
mod consumer;
mod follow;
mod handle;
mod message;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use self::backend::{
    ConsumerBackend, Cursor, Held, HoldBackend, Page, StreamBackend, StreamInfo, StreamsBackend,
};
pub use self::config::StreamConfig;
pub use self::consumer::{Consumer, ConsumerConfig, Delivery, Settle};
pub use self::follow::{Follow, FollowEvent, FollowFrom};
use self::handle::Core;
pub(crate) use self::handle::check_resume;
pub use self::handle::{MAX_READ, Stream};
pub use self::message::{Publish, PublishAck, Sequence, StreamMessage};
use crate::Error;
use crate::deadline::within;
use crate::stats::Gauge;

/// The store of streams. A clone is a handle on the same store.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), pleach_driver::Error> {
/// use pleach_driver::{Driver, FollowEvent, FollowFrom, Publish, StreamConfig};
///
/// let driver = Driver::open("memory:").await?;
/// let config = StreamConfig::new("chat").subjects(["chat.*"]).max_per_subject(1000);
/// let chat = driver.streams().ensure(config).await?;
///
/// let hello = Publish::new("chat.42", "hello").id("client-7");
/// let first = chat.publish(hello.clone()).await?;
/// let again = chat.publish(hello).await?;
/// assert!(again.duplicate && again.sequence == first.sequence);
///
/// let mut room = chat.follow("chat.42", FollowFrom::Last(50)).await?;
/// chat.publish(Publish::json("chat.42", &["how", "are", "you"])?).await?;
/// let mut heard = Vec::new();
/// while heard.len() < 3 {
///     heard.push(match room.next().await.expect("it goes on")? {
///         FollowEvent::Message(message) => String::from_utf8_lossy(&message.payload).into_owned(),
///         _ => "live from here".into(),
///     });
/// }
/// assert_eq!(heard, ["hello", "live from here", r#"["how","are","you"]"#]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Streams {
    shared: Arc<Shared>,
}

struct Shared {
    backend: Arc<dyn StreamsBackend>,
    deadline: Duration,
    followers: Gauge,
    /// One core per stream, so that all handles of a stream share one upstream.
    open: Mutex<HashMap<String, Arc<Core>>>,
}

impl Streams {
    /// Puts streams, followers and deadlines on top of `backend`.
    pub fn new(backend: impl StreamsBackend, deadline: Duration) -> Self {
        let shared = Shared {
            backend: Arc::new(backend),
            deadline,
            followers: Gauge::default(),
            open: Mutex::new(HashMap::new()),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Opens a stream: creates it, or gives the one that exists the settings in `config`, and trims
    /// it to them.
    ///
    /// # Errors
    /// [`Error::is_invalid`] for a name or setting outside its range, and for a subject that
    /// another stream takes; [`Error::is_unavailable`], [`Error::is_timeout`].
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped call has made the stream, or changed its settings, or not.
    pub async fn ensure(&self, config: StreamConfig) -> Result<Stream, Error> {
        config.check()?;
        let shared = &*self.shared;
        let name = config.name().to_owned();
        let ensure = shared.backend.ensure(config.clone());
        let backend = within("opening a stream", shared.deadline, ensure).await?;
        let mut open = shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        // The same stream keeps its core. One that was removed and made again has another epoch and
        // begins anew.
        let core = match open.get(&name) {
            Some(core) if core.epoch() == backend.epoch() => core.clone(),
            _ => {
                let followers = shared.followers.clone();
                let core = Core::new(name.clone(), backend, shared.deadline, followers);
                let core = Arc::new(core);
                open.insert(name, core.clone());
                core
            }
        };
        core.configure(&config)?;
        Ok(Stream::new(core))
    }

    /// Returns the names of all streams, sorted.
    ///
    /// # Errors
    /// [`Error::is_unavailable`], [`Error::is_timeout`].
    pub async fn names(&self) -> Result<Vec<String>, Error> {
        let names = self.shared.backend.names();
        let mut names = within("listing streams", self.shared.deadline, names).await?;
        names.sort_unstable();
        Ok(names)
    }

    /// Deletes a stream with its messages and consumers; false when there is none of that name. Its
    /// followers end.
    ///
    /// # Errors
    /// [`Error::is_unavailable`], [`Error::is_timeout`].
    pub async fn delete(&self, name: &str) -> Result<bool, Error> {
        config::check_name("stream name", name)?;
        let delete = self.shared.backend.delete(name);
        within("deleting a stream", self.shared.deadline, delete).await
    }

    /// Returns Ok when the store answers.
    ///
    /// # Errors
    /// What keeps it from answering.
    pub async fn ready(&self) -> Result<(), Error> {
        let ready = self.shared.backend.ready();
        within("asking the store", self.shared.deadline, ready).await
    }

    /// Ends all followers, writes what is left to write and lets go of the store. A second call
    /// does nothing.
    ///
    /// # Errors
    /// What kept the backend from closing cleanly; what was acknowledged is safe all the same.
    pub async fn close(&self) -> Result<(), Error> {
        let open: Vec<_> = {
            let open = self.shared.open.lock();
            let open = open.unwrap_or_else(PoisonError::into_inner);
            open.values().cloned().collect()
        };
        for core in open {
            core.close();
        }
        self.shared.backend.close().await
    }

    /// Returns how many followers are open.
    pub fn followers(&self) -> usize {
        self.shared.followers.count()
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams")
            .field("followers", &self.followers())
            .finish_non_exhaustive()
    }
}
