//! One server that hosts the game. `cargo run --release -p arena`, and play at <http://127.0.0.1:8080>.

use std::process::ExitCode;

use pleach::BaseApp;

fn main() -> ExitCode {
    BaseApp::builder("arena")
        .version(env!("CARGO_PKG_VERSION"))
        .graft("", game::part())
        .run()
}
