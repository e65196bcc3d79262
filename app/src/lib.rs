//! A tree-routed server application foundation.
//!
//! An application is a **tree of routes** that both matches requests and makes URLs. Everything that it needs hangs off an
//! explicit [`Context`] that every handler is given: storage, sessions, views, live pages.
//!
//! ```
//! use pleach::{BaseApp, Context, Result, Route, route};
//!
//! route! {
//!     /// A greeting by name.
//!     pub struct Hello = "/hello/{name}" { name: String }
//! }
//!
//! async fn landing(cx: Context) -> Result<String> {
//!     Ok(format!("Go to {}", cx.url(&Hello { name: "World".into() })?))
//! }
//!
//! async fn hello(_: Context, Hello { name }: Hello) -> String {
//!     format!("Hello, {name}!")
//! }
//!
//! # fn main() {
//! let app = BaseApp::builder("hello")
//!     .route(Route::new("landing").path("/").get(landing))
//!     .route(Route::new("hello").typed::<Hello>().get(hello));
//! // In `main`: `app.run()`
//! # }
//! ```
//!
//! # Where to go from here
//!
//! | to | see |
//! |---|---|
//! | put an application together, check it, run it | [`BaseApp`], [`Builder`], [`Part`] |
//! | match requests and make URLs | [`Route`], [`route!`], [`router`] |
//! | take things from a request | [`Context`], [`Input`], [`Query`], [`Form`], [`Json`], [`State`], [`FromContext`] |
//! | answer | [`IntoResponse`], [`View`], [`Reply`], [`Error`] |
//! | remember a visitor | [`Session`] |
//! | keep a page alive | [`Context::live`], [`live`] |
//! | send mail, call other servers (features `mail` and `http`) | `View::mail`, [`driver`] |
//! | store, watch and publish | [`Driver`], [`driver`] |
//! | embed in a server that exists, or mount one | [`BaseApp`] is a tower `Service`; [`Endpoint::service`], [`Builder::layer`] |
//! | be configured | [`Opt`], [`Settings`] |

// The application, from the outside in.
mod app;
mod builder;
mod cli;
mod part;
mod tier;

// A request's way.
mod context;
mod endpoint;
mod extract;
mod hooks;
mod incoming;
mod origin;
mod pipeline;
mod request_id;
mod security;
mod states;
mod tasks;

// What comes of it.
mod answer;
mod body;
mod error;
mod face;
mod render;
mod reply;
mod response;
mod view;

// Beside the way.
mod assets;
mod health;
pub mod live;
#[cfg(feature = "mail")]
mod mail;
mod observe;
mod serve;
mod server;
mod session;
mod settings;
mod shards;
mod tower;

pub use app::{BaseApp, Limits};
pub use assets::Asset;
pub use body::{Body, BoxError};
pub use builder::{Builder, Faults};
pub use context::Context;
pub use endpoint::{Endpoint, Need, Route};
pub use error::{Error, Result};
pub use extract::{Form, FromContext, Input, Query, State};
pub use face::Face;
pub use origin::{Peer, TrustedProxies};
pub use part::Part;
pub use reply::Reply;
pub use request_id::RequestId;
pub use response::{Html, IntoResponse, Json, Response, SeeOther};
pub use session::{Session, SessionId, SessionInfo, SessionOptions, Sessions};
pub use settings::{Opt, Retention, Row, Settings, Size, Value};
pub use tasks::Tasks;
pub use tier::Tier;
pub use tower::Layered;
pub use view::View;

pub use bytes::Bytes;
pub use http;
pub use pleach_driver as driver;
pub use pleach_driver::Driver;
pub use pleach_router as router;
pub use pleach_router::route;
pub use pleach_views as views;

/// The examples of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
