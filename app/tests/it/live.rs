//! Live pages.

mod decoder;
mod events;
mod feed;
mod sdk;
mod shared;
mod signals;
mod streams;
