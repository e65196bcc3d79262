//! The arena server.
fn main() {}
