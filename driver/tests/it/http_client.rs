//! The HTTP client against servers on the loopback interface.
//!
//! `127.0.0.1` stands for the inside, and `127.0.0.2`, which Linux has as well, for the public internet where a test lets the guard admit it.

mod calls;
mod fake;
mod guard;
mod proxy;
mod server;
mod tls;
