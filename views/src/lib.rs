//! View sets: named, inheriting sets of Tera templates with fragments.

mod call;
mod data;
mod error;
mod fault;
mod library;
mod reload;
mod scan;
mod set;
mod source;
mod table;
mod view;
mod views;

pub use call::{Call, REQUEST};
pub use data::Data;
pub use error::Error;
pub use fault::{Fault, Faults, Place};
pub use set::Link;
pub use source::Source;
/// The engine's value type: what a function of the application receives and returns.
pub use tera::Value;
pub use views::{Builder, Views};

#[doc(hidden)]
pub use include_dir as __include_dir;
