//! What a pleach application asks of the world: buckets of revisioned values that can be watched,
//! streams of messages that are kept, publish and subscribe, and the backends that hold them.
//!
//! [`Driver::open`] takes the URL of a store. `memory:` and `file:DIRECTORY` are embedded: one
//! process, nothing else installed. The same calls work on NATS JetStream by another URL. What both
//! must do alike is one conformance suite.
//!
//! # How it is built
//! ```text
//! driver      one handle; its parts can be replaced
//! http_client calls to other servers, with the feature `http`
//! mail        messages, the ways by which they leave, and their queue, with the feature `mail`
//! kv, stream, pubsub   what callers see: checks, deadlines, handles, for all backends
//! fanout      one upstream that feeds many: local watchers and followers, lag and resume
//! backend     the traits beneath: store, read, follow
//! embedded    the store in this process: one thread writes, everyone reads
//! engine      beneath that: rows, batches, scans; in memory, or in files
//! ```
//! Absent on purpose: consensus, replication, a broker (that is NATS); transactions over several
//! keys (one value holds what must change together); any static or task-local state (two drivers
//! fit in one process).

mod boxed;
mod deadline;
mod driver;
mod embedded;
mod error;
mod fanout;
mod filter;
#[cfg(feature = "http")]
mod http_client;
pub mod key;
mod kv;
mod location;
#[cfg(feature = "mail")]
mod mail;
mod pubsub;
mod stats;
mod stream;
mod subject;

pub use self::driver::{Driver, DriverBuilder};
pub use self::error::Error;
pub use self::filter::Filter;
#[cfg(feature = "http")]
pub use self::http_client::{Http, HttpBuilder, HttpRequest, HttpResponse, Resolve};
pub use self::kv::{
    Bucket, BucketConfig, Entry, Kv, MAX_HISTORY, MAX_VALUE_BYTES, Operation, Revision, Watch,
    WatchEvent, WatchFrom, WriteOptions,
};
#[cfg(feature = "mail")]
pub use self::mail::{
    Attachment, FailedMail, Letter, Mail, Mailbox, Mailer, MailerBuilder, MemoryMail,
};
pub use self::pubsub::{LocalPubSub, Message, PubSub, Subscription};
pub use self::stats::Stats;
pub use self::stream::{
    Consumer, ConsumerConfig, Cursor, Delivery, Follow, FollowEvent, FollowFrom, MAX_READ, Page,
    Publish, PublishAck, Sequence, Stream, StreamConfig, StreamInfo, StreamMessage, Streams,
};

/// What a backend must do, for those who bring their own.
pub mod backend {
    pub use crate::boxed::BoxFuture;
    pub use crate::fanout::Upstream;
    #[cfg(feature = "http")]
    pub use crate::http_client::{Exchange, HttpBackend};
    pub use crate::kv::{BucketBackend, Change, Guard, KvBackend, Since, Snapshot, Write};
    #[cfg(feature = "mail")]
    pub use crate::mail::MailTransport;
    pub use crate::pubsub::{Delivery, PubSubBackend, SubscriptionBackend};
    pub use crate::stream::{
        ConsumerBackend, Held, HoldBackend, Settle, StreamBackend, StreamsBackend,
    };
}
