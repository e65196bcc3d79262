//! The public API of pleach, from outside.

mod defaults;
mod live;
