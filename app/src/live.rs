//! Live pages: server-sent events that patch a page, streams that carry them, and the client that applies them.
//!
//! A handler answers with a [`stream`]: an async block that is handed a [`LivePage`] and sends [`Event`]s into it for as
//! long as the page is open. The wire format is that of Datastar 1.0, so a page may load [`CLIENT_JS`] or the original
//! Datastar bundle.
//!
//! What is rendered once is encoded once: [`Encoded`] is a cheap handle to the bytes of an event, [`Shared`] keeps one of
//! them per distinct view, and a [`Feed`] is the latest state of a bucket, which any number of pages follow.
//!
//! A lobby that all who look at it share:
//! ```
//! use pleach::live::{Error, Feed, LiveBody, LivePage, PatchElements, Shared, StreamOptions, stream};
//! use std::sync::Arc;
//!
//! fn lobby(options: StreamOptions, games: Feed<String>, shared: Arc<Shared<&'static str>>) -> LiveBody {
//!     stream(options, async move |mut page: LivePage| -> Result<(), Error> {
//!         let seen = page.last_event_id();
//!         let mut games = games.follow();
//!         loop {
//!             let state = games.next().await;
//!             // A page that resumes may have this very state.
//!             if seen == Some(state.id()) {
//!                 continue;
//!             }
//!             // Only ids: text of users goes through a view, which escapes it.
//!             let lobby = shared.get("lobby", state.revision(), || {
//!                 let cards: String = state.iter().map(|(id, _)| format!("<p id=\"game-{id}\">{id}</p>")).collect();
//!                 PatchElements::new(format!("<div id=\"list\">{cards}</div>")).id(state.id()).encode()
//!             })?;
//!             page.send(lobby).await?;
//!         }
//!     })
//! }
//! ```

mod client;
mod encode;
mod error;
mod event;
mod feed;
mod id;
mod outbox;
mod sdk;
mod shared;
mod signals;
mod stream;

pub use client::CLIENT_JS;
pub use encode::Encoded;
pub use error::Error;
pub use event::{Event, ExecuteScript, Mode, Namespace, PatchElements, PatchSignals};
pub use feed::{Feed, Follower, Item, KeyFollower, Snapshot};
pub use id::EventId;
pub use sdk::events_from_test_request;
pub use shared::Shared;
pub use signals::{Sent, Signals, signals_from};
pub use stream::{LiveBody, LivePage, StreamOptions, stream};
