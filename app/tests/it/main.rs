//! The public API of pleach, from outside.

mod building;
mod defaults;
mod errors;
mod live;
mod probe;
mod requests;
