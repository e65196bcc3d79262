//! `cargo run --release -p bench -- --addr 127.0.0.1:8080`; see the library for the routes.

use std::process::ExitCode;

fn main() -> ExitCode {
    bench::server().run()
}
