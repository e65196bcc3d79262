//! How long sessions live, and how their cookie is named.

use std::borrow::Cow;
use std::time::Duration;

/// Settings of the sessions of an application.
///
/// ```
/// use std::time::Duration;
/// use pleach::SessionOptions;
///
/// let options = SessionOptions::new().idle(Duration::from_secs(3600)).absolute(Duration::from_secs(86_400));
/// ```
#[derive(Clone, Debug)]
pub struct SessionOptions {
    pub(crate) idle: Duration,
    pub(crate) absolute: Duration,
    pub(crate) cookie_name: Cow<'static, str>,
    /// Browsers send the cookie over `https` only; the public URL decides.
    pub(crate) secure: bool,
}

impl SessionOptions {
    /// Returns the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self {
            idle: Duration::from_secs(24 * 3600),
            absolute: Duration::from_secs(30 * 24 * 3600),
            cookie_name: Cow::Borrowed("session"),
            secure: true,
        }
    }

    /// Sets how long a session lives without being used. Uses are noted every tenth of that time, so it may end
    /// that much earlier. An open stream is no use. Default: 24 hours.
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Sets how long a session lives in all, however much it is used; its user logs in again then. Default: 30 days.
    #[must_use]
    pub fn absolute(mut self, absolute: Duration) -> Self {
        self.absolute = absolute;
        self
    }

    /// Sets the name of the cookie. Where the public URL is `https` it gets the prefix `__Host-`. Default: `session`.
    #[must_use]
    pub fn cookie_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.cookie_name = name.into();
        self
    }
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self::new()
    }
}
