//! The public API of pleach, from outside.

mod live;
