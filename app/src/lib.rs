//! A tree-routed server application foundation.

pub mod live;
