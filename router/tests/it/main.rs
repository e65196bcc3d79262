//! The public API of the tree.

mod facts;
mod generate;
mod laws;
mod model;
