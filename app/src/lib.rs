//! A tree-routed server application foundation.

mod body;
mod error;
mod session;

pub use body::{Body, BoxError};
pub use error::{Error, Result};
pub use session::{Session, SessionId, SessionInfo, SessionOptions, Sessions};
