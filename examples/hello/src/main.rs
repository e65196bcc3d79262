//! The hello server.
fn main() {}
