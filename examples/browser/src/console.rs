//! What the browser wrote to its console: script errors, failed requests, violations of the page's policy.

use serde_json::Value;

/// One line of the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// How bad it is.
    pub level: Level,
    /// Where it comes from: `javascript`, `network`, `security`, `console-api` and others.
    pub source: String,
    /// The text, with its place in front.
    pub text: String,
}

/// How bad a line of the console is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Debugging and information.
    Info,
    /// A warning.
    Warning,
    /// An error: an uncaught exception, a failed request, a refused script or style.
    Error,
}

impl Entry {
    pub(crate) fn read(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let level = match value["level"].as_str() {
            Some("SEVERE") => Level::Error,
            Some("WARNING") => Level::Warning,
            _ => Level::Info,
        };
        Self {
            level,
            source: text("source"),
            text: text("message"),
        }
    }

    /// Returns true for a violation of the page's Content-Security-Policy.
    pub fn is_policy_violation(&self) -> bool {
        self.source == "security" || self.text.contains("Content Security Policy")
    }
}
