//! The server that the performance figures are taken from.
//!
//! It serves the routes of CONTRACT §7, each through the whole pipeline, in the production tier on a store in memory unless the settings say
//! otherwise. `/ws` and `/room` come with the base's WebSockets. `peers/` holds the servers that it is compared with, and the scripts.

mod answers;
mod broadcast;
mod kv;
mod sdk;

use pleach::views::embed;
use pleach::{BaseApp, Builder};

/// Returns the application, ready to run or to build.
pub fn server() -> Builder {
    BaseApp::builder("bench")
        .version(env!("CARGO_PKG_VERSION"))
        .default_setting("tier", "production")
        .default_setting("store", "memory:")
        .views(embed!("$CARGO_MANIFEST_DIR/views"))
        .graft("", answers::part())
        .graft("", broadcast::part())
        .graft("", kv::part())
        .graft("", sdk::part())
}
