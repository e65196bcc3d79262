//! The route tree of pleach: it matches requests, makes URLs from the same templates, and explains what it does.
//!
//! No async, no I/O, no globals, no unsafe code. The tree is generic over what hangs on a route.

mod error;
mod explain;
mod head;
mod route;
mod show;
mod tree;
mod typed;
mod url;
mod vars;

mod build;
mod condition;
mod core;
mod encode;
mod find;
mod grow;
mod key;
mod lint;
mod methods;
mod pattern;
mod search;
mod slots;
mod straight;
mod tail;
mod template;
mod trie;

pub use build::MAX_SEGMENTS;
pub use error::{BuildErrors, Fault, FaultKind};
pub use explain::{Check, Explanation, Step, StepEnd, Verdict};
pub use head::Head;
pub use methods::Allow;
pub use route::{FromHandler, Route};
pub use tree::{Found, Match, RouteId, RouteRef, Tree};
pub use typed::{TypedRoute, VarError};
#[doc(hidden)]
pub use typed::{check_template, parse_var};
pub use url::{RequestBuilder, UrlBuilder, UrlError};
pub use vars::{Values, Vars};
