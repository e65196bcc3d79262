//! The README tells the truth about this application.

use std::process::Command;

const README: &str = include_str!("../../../README.md");

/// Runs the application and returns what it prints.
fn hello(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_hello"))
        .args(arguments)
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .output()
        .expect("hello runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_readme_shows_the_source() {
    let source = include_str!("../src/main.rs");
    let shown = format!("```rust,no_run\n{source}```\n");
    assert!(README.contains(&shown), "README.md should show:\n{shown}");
}

#[test]
fn the_readme_shows_what_routes_and_explain_print() {
    for arguments in [&["routes"][..], &["explain", "GET", "/hello/a/b"]] {
        let shown = format!(
            "$ cargo run -q -p hello -- {}\n{}",
            arguments.join(" "),
            hello(arguments)
        );
        assert!(README.contains(&shown), "README.md should show:\n{shown}");
    }
}
