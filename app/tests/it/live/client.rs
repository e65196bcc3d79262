//! The page's client in a real browser.

mod forms;
mod patches;
mod site;
mod streams;

use std::io::Write;

/// Whoever opens a page loads this first.
#[test]
fn the_client_is_under_five_kilobytes_gzipped() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(pleach::live::CLIENT_JS.as_bytes()).unwrap();
    let bytes = gzip.finish().unwrap().len();
    assert!(bytes < 5_000, "{bytes} bytes");
}

#[test]
fn the_client_evaluates_nothing_and_writes_no_inline_code() {
    for forbidden in [
        "eval",
        "Function(",
        "import(",
        "setAttribute(\"style\"",
        ".style",
        "createElement(\"script\"",
        "document.write",
    ] {
        assert!(!pleach::live::CLIENT_JS.contains(forbidden), "{forbidden}");
    }
}
