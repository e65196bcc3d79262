//! Live pages.

mod decoder;
mod events;
mod sdk;
mod shared;
mod signals;
mod streams;
