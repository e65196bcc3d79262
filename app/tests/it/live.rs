//! Live pages.

mod client;
mod decoder;
mod events;
mod feed;
mod sdk;
mod shared;
mod signals;
mod streams;
