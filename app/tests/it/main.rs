//! The public API of pleach, from outside.

mod building;
mod defaults;
mod errors;
mod live;
#[cfg(feature = "mail")]
mod mail;
mod probe;
mod requests;
