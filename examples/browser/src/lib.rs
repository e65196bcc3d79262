//! A real browser for tests: headless Chromium, driven over the WebDriver protocol.
//!
//! It speaks the few WebDriver commands that tests need over a plain socket, so it brings no crates but `serde_json`. All
//! calls block; a test of an async server runs them beside a multi-threaded runtime. Whatever fails panics with what was
//! asked for: in a test there is nobody to handle it.
//!
//! ```no_run
//! use browser::{Browser, Options};
//!
//! let browser = Browser::start();
//! let page = browser.window(Options::default());
//! page.goto("http://127.0.0.1:8080/");
//! page.type_into("input[name=name]", "Ada");
//! page.click("button");
//! page.wait_for("#list-container");
//! page.assert_quiet();
//! ```

mod base64;
mod browser;
mod console;
mod window;
mod wire;

pub use browser::Browser;
pub use console::{Entry, Level};
pub use window::{Options, Window};
