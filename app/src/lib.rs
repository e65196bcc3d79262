//! A tree-routed server application foundation.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "used by the application, which is written beside this"
)]

mod body;
mod observe;
mod origin;
mod request_id;
mod server;
mod settings;
mod tier;
