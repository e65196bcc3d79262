//! The driver: one handle on all that an application asks of the world.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::embedded::Embedded;
#[cfg(feature = "http")]
use crate::http_client::Http;
use crate::kv::Kv;
use crate::location::Location;
#[cfg(feature = "mail")]
use crate::mail::Mailer;
use crate::pubsub::{LocalPubSub, PubSub};
use crate::stats::Stats;
use crate::stream::Streams;
use crate::{Error, deadline};

/// What an application sees of the outside world. A clone is a handle on the same driver.
///
/// It hands out its parts. An application or a test may replace one part: see [`Driver::builder`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), pleach_driver::Error> {
/// use pleach_driver::{BucketConfig, Driver};
///
/// let driver = Driver::open("memory:").await?;
/// let games = driver.kv().bucket(BucketConfig::new("games")).await?;
/// let revision = games.create("42", "{}").await?;
/// let stale = games.update("42", revision, r#"{"turn":"X"}"#).await?;
/// assert!(games.update("42", revision, "too late").await.unwrap_err().is_conflict());
/// # let _ = stale;
/// driver.close().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Driver {
    parts: Arc<Parts>,
}

#[derive(Clone)]
struct Parts {
    kv: Kv,
    streams: Streams,
    pubsub: PubSub,
    #[cfg(feature = "http")]
    http: Http,
    #[cfg(feature = "mail")]
    mail: Mailer,
    description: String,
}

/// Settings of a driver, and parts that take the place of its own.
#[derive(Debug)]
pub struct DriverBuilder {
    url: String,
    deadline: Duration,
    kv: Option<Kv>,
    streams: Option<Streams>,
    pubsub: Option<PubSub>,
    #[cfg(feature = "http")]
    http: Option<Http>,
    #[cfg(feature = "mail")]
    mail: Option<Mailer>,
}

impl Driver {
    /// Opens the store that `url` names, with the defaults of [`Driver::builder`].
    ///
    /// # Errors
    /// As [`DriverBuilder::open`].
    pub async fn open(url: &str) -> Result<Self, Error> {
        Self::builder(url).open().await
    }

    /// Begins the settings of a driver on the store that `url` names: `memory:`, `file:DIRECTORY`
    /// (`file:./pleach-data`), or `nats://…` with the feature `nats`.
    pub fn builder(url: impl Into<String>) -> DriverBuilder {
        DriverBuilder {
            url: url.into(),
            deadline: deadline::DEFAULT,
            kv: None,
            streams: None,
            pubsub: None,
            #[cfg(feature = "http")]
            http: None,
            #[cfg(feature = "mail")]
            mail: None,
        }
    }

    /// Returns the buckets.
    pub fn kv(&self) -> &Kv {
        &self.parts.kv
    }

    /// Returns the streams.
    pub fn streams(&self) -> &Streams {
        &self.parts.streams
    }

    /// Returns publish and subscribe.
    pub fn pubsub(&self) -> &PubSub {
        &self.parts.pubsub
    }

    /// Returns the same driver with other buckets.
    #[must_use]
    pub fn with_kv(&self, kv: Kv) -> Self {
        self.with(|parts| parts.kv = kv)
    }

    /// Returns the same driver with other streams.
    #[must_use]
    pub fn with_streams(&self, streams: Streams) -> Self {
        self.with(|parts| {
            #[cfg(feature = "mail")]
            {
                parts.mail = parts.mail.bound_to(&streams);
            }
            parts.streams = streams;
        })
    }

    /// Returns the same driver with another publish and subscribe.
    #[must_use]
    pub fn with_pubsub(&self, pubsub: PubSub) -> Self {
        self.with(|parts| parts.pubsub = pubsub)
    }

    /// Returns the HTTP client.
    #[cfg(feature = "http")]
    pub fn http(&self) -> &Http {
        &self.parts.http
    }

    /// Returns the same driver with another HTTP client.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn with_http(&self, http: Http) -> Self {
        self.with(|parts| parts.http = http)
    }

    /// Returns mail.
    #[cfg(feature = "mail")]
    pub fn mail(&self) -> &Mailer {
        &self.parts.mail
    }

    /// Returns the same driver with other mail.
    #[cfg(feature = "mail")]
    #[must_use]
    pub fn with_mail(&self, mail: Mailer) -> Self {
        self.with(|parts| parts.mail = mail.bound_to(&parts.streams))
    }

    fn with(&self, change: impl FnOnce(&mut Parts)) -> Self {
        let mut parts = (*self.parts).clone();
        change(&mut parts);
        Self {
            parts: Arc::new(parts),
        }
    }

    /// Returns the store's URL for people to read, with secrets masked.
    pub fn describe(&self) -> &str {
        &self.parts.description
    }

    /// Returns Ok when reads, writes and messages can be expected to succeed.
    ///
    /// # Errors
    /// What keeps them from it, the store's trouble first.
    pub async fn ready(&self) -> Result<(), Error> {
        self.parts.kv.ready().await?;
        self.parts.streams.ready().await?;
        self.parts.pubsub.ready().await
    }

    /// Returns what the driver carries at the moment.
    pub fn stats(&self) -> Stats {
        Stats {
            watchers: self.parts.kv.watchers(),
            followers: self.parts.streams.followers(),
            subscriptions: self.parts.pubsub.subscriptions(),
        }
    }

    /// Ends all watches, followers and subscriptions, writes what is left to write and lets go of the store,
    /// so that another process can open it. To be called last: everything else may still need the
    /// driver. A second call does nothing.
    ///
    /// A driver that is dropped without it loses nothing that was acknowledged; the next start has
    /// more to do.
    ///
    /// # Errors
    /// What kept the store from closing cleanly.
    pub async fn close(&self) -> Result<(), Error> {
        let pubsub = self.parts.pubsub.close().await;
        let streams = self.parts.streams.close().await;
        self.parts.kv.close().await.and(streams).and(pubsub)
    }
}

impl DriverBuilder {
    /// Sets how long an operation may take. Default: 2.5 s.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Puts other buckets in the place of the store's. Default: the store's own.
    #[must_use]
    pub fn kv(mut self, kv: Kv) -> Self {
        self.kv = Some(kv);
        self
    }

    /// Puts other streams in the place of the store's. Default: the store's own.
    #[must_use]
    pub fn streams(mut self, streams: Streams) -> Self {
        self.streams = Some(streams);
        self
    }

    /// Puts another publish and subscribe in the place of the store's. Default: the store's own.
    #[must_use]
    pub fn pubsub(mut self, pubsub: PubSub) -> Self {
        self.pubsub = Some(pubsub);
        self
    }

    /// Puts an HTTP client in the place of the default one. Default: [`Http::builder`] as it is.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn http(mut self, http: Http) -> Self {
        self.http = Some(http);
        self
    }

    /// Puts mail in the place of the default, which is `log:`. Its queue is in the driver's streams.
    #[cfg(feature = "mail")]
    #[must_use]
    pub fn mail(mut self, mail: Mailer) -> Self {
        self.mail = Some(mail);
        self
    }

    /// Opens the store. A `file:` directory is made if it is not there.
    ///
    /// # Errors
    /// [`Error::is_invalid`] for a malformed URL or unknown scheme, [`Error::is_unsupported`] for
    /// one that this build lacks, [`Error::is_locked`], [`Error::is_damaged`],
    /// [`Error::is_read_only`], [`Error::is_full`] with the file in question.
    ///
    /// # Cancel safety
    /// Cancel safe: a store that was opened for nobody is closed again.
    pub async fn open(self) -> Result<Driver, Error> {
        let location = Location::parse(&self.url)?;
        let (kv, streams) = match (self.kv, self.streams) {
            (Some(kv), Some(streams)) => (kv, streams),
            (kv, streams) => {
                let store = Embedded::open(&location).await?;
                (
                    kv.unwrap_or_else(|| Kv::new(store.clone(), self.deadline)),
                    streams.unwrap_or_else(|| Streams::new(store, self.deadline)),
                )
            }
        };
        let pubsub = self
            .pubsub
            .unwrap_or_else(|| PubSub::new(LocalPubSub::new(), self.deadline));
        #[cfg(feature = "mail")]
        let mail = match self.mail {
            Some(mail) => mail,
            None => Mailer::builder("log:").build()?,
        };
        Ok(Driver {
            parts: Arc::new(Parts {
                kv,
                #[cfg(feature = "mail")]
                mail: mail.bound_to(&streams),
                streams,
                pubsub,
                #[cfg(feature = "http")]
                http: match self.http {
                    Some(http) => http,
                    None => Http::builder().build()?,
                },
                description: location.to_string(),
            }),
        })
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("store", &self.parts.description)
            .finish_non_exhaustive()
    }
}
