//! The public API of the driver, in process.

mod backends;
mod conformance;
mod crash;
mod directory;
mod doubles;
#[cfg(feature = "http")]
mod http_client;
#[cfg(feature = "mail")]
mod mail;
mod support;

use crate::backends::{Directory, Memory};

conformance::conformance!(memory, Memory);
conformance::conformance!(file, Directory::fresh());
conformance::durable!(file_restarted, Directory::fresh());
