//! The public API of the tree.

mod generate;
mod laws;
mod model;
