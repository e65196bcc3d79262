//! Tests from outside: starts a server's program, and visits it over HTTP as a browser or another client would.
//!
//! It is a client of its own, on a plain socket: what the server's own HTTP library would forgive itself shows here. All calls
//! block, under a deadline. Whatever fails panics with what was asked for: in a test there is nobody to handle it.
//!
//! ```no_run
//! use visitor::{Server, Visitor};
//!
//! let server = Server::start("target/debug/arena", ["--store", "memory:"]);
//! let ada = Visitor::of(&server);
//! let answer = ada.post("/api/index/login").json(r#"{"name":"Ada"}"#).send();
//! assert_eq!(answer.status(), 200);
//! let mut lobby = ada.get("/api/dashboard/updates").open();
//! assert!(lobby.event().argument("elements").contains("list-container"));
//! ```

mod answer;
mod body;
mod request;
mod server;
mod stream;
mod visitor;

use std::time::Duration;

pub use answer::Answer;
pub use request::Request;
pub use server::Server;
pub use stream::{Event, Stream};
pub use visitor::Visitor;

/// How long anything may take. Generous: it is spent in full only by a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);
