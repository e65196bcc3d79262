//! The page's client, which the base serves.

/// The text of `live.js`: applies the events of a stream to the page, and sends marked forms and links as live requests.
///
/// It needs no build step and runs under `default-src 'self'`: it evaluates nothing and writes no inline script or style.
pub const CLIENT_JS: &str = include_str!("live.js");
