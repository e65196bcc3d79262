//! The time by which lifetimes are reckoned.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A clock; tests bring their own. It is the wall clock, because lifetimes go on while the process
/// is down.
#[derive(Clone)]
pub(super) struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    pub(super) fn system() -> Self {
        Self(Arc::new(SystemTime::now))
    }

    #[cfg(test)]
    pub(super) fn by(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(super) fn now(&self) -> Micros {
        Micros::of((self.0)())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// A point in time: milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Millis(pub(super) u64);

/// When an entry was written: microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Micros(pub(super) u64);

impl Micros {
    pub(super) fn of(time: SystemTime) -> Self {
        let since = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    pub(super) fn time(self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_micros(self.0)
    }

    /// The first whole millisecond at which `lifetime` has passed.
    pub(super) fn plus(self, lifetime: Duration) -> Millis {
        let lifetime = u64::try_from(lifetime.as_micros()).unwrap_or(u64::MAX);
        Millis(self.0.saturating_add(lifetime).div_ceil(1000))
    }

    pub(super) fn millis(self) -> Millis {
        Millis(self.0 / 1000)
    }
}
