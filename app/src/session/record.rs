//! What the store holds of a session, and how the changes of one request are laid over it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::token::{Digest, Token};
use crate::error::{Error, Result};

/// How long a token that its client has given up is still known as such.
///
/// It opens nothing any more. But a request that set out with it must not end with a new cookie, which would
/// overwrite the one that the browser was just given; after this time such requests are over.
pub(super) const AFTERLIFE: Duration = Duration::from_secs(30);

/// The most that is kept in one session. It is read and written whole, so what is larger belongs into a bucket of
/// its own.
const MAX_DATA_BYTES: usize = 64 * 1024;

/// Values of a session by key, as JSON that is read when somebody asks for it.
pub(super) type Data = BTreeMap<String, Box<RawValue>>;

/// One session as it is stored.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Record {
    token: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaced: Option<Replaced>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
    pub(super) created: Millis,
    pub(super) seen: Millis,
    pub(super) data: Data,
}

/// The token before the present one.
#[derive(Clone, Serialize, Deserialize)]
struct Replaced {
    token: Digest,
    at: Millis,
}

/// What a token is to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It is the session's token.
    Valid,
    /// It was, until a moment ago.
    Replaced,
    /// It never was, or long ago.
    Forged,
}

impl Record {
    pub(super) fn new(token: &Token, user: Option<String>, data: Data, now: Millis) -> Self {
        Self {
            token: token.digest(),
            replaced: None,
            user,
            created: now,
            seen: now,
            data,
        }
    }

    pub(super) fn proof(&self, token: &Token, now: Millis) -> Proof {
        let digest = token.digest();
        if digest == self.token {
            return Proof::Valid;
        }
        match &self.replaced {
            Some(replaced) if replaced.token == digest && now.since(replaced.at) < AFTERLIFE => {
                Proof::Replaced
            }
            _ => Proof::Forged,
        }
    }

    /// Replaces the token.
    pub(super) fn renew(&mut self, token: &Token, now: Millis) {
        self.replaced = Some(Replaced {
            token: std::mem::replace(&mut self.token, token.digest()),
            at: now,
        });
    }

    pub(super) fn has_same_token(&self, other: &Self) -> bool {
        self.token == other.token
    }

    /// Returns how long the session has to live unless it is used again; nothing, when it is over.
    pub(super) fn time_left(&self, idle: Duration, absolute: Duration, now: Millis) -> Duration {
        let idle = idle.saturating_sub(now.since(self.seen));
        idle.min(absolute.saturating_sub(now.since(self.created)))
    }
}

/// Checks the bytes of keys and values together.
///
/// # Errors
/// 500 `session.too_large` above [`MAX_DATA_BYTES`].
pub(super) fn check_size(bytes: usize) -> Result<()> {
    if bytes <= MAX_DATA_BYTES {
        return Ok(());
    }
    let message = "More was to be kept for this visit than there is room for.";
    let cause = format!("a session of {bytes} bytes is above the limit of {MAX_DATA_BYTES} bytes");
    Err(Error::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "session.too_large",
        message,
    )
    .because(cause))
}

pub(super) fn size(data: &Data) -> usize {
    data.iter()
        .map(|(key, value)| key.len() + value.get().len())
        .sum()
}

/// What one request changes, by key. Keys that it does not name keep what others have written.
#[derive(Default)]
pub(super) struct Changes {
    /// Everything from before is dropped, whoever wrote it.
    cleared: bool,
    keys: BTreeMap<String, Option<Box<RawValue>>>,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        !self.cleared && self.keys.is_empty()
    }

    /// Returns true when they leave something in a session that was empty before.
    pub(super) fn has_values(&self) -> bool {
        self.keys.values().any(Option::is_some)
    }

    pub(super) fn set(&mut self, key: &str, value: Box<RawValue>) {
        self.keys.insert(key.to_owned(), Some(value));
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.keys.insert(key.to_owned(), None);
    }

    pub(super) fn clear(&mut self) {
        self.cleared = true;
        self.keys.clear();
    }

    /// Returns the value of a key once the changes are made.
    pub(super) fn get<'a>(&'a self, key: &str, before: Option<&'a Data>) -> Option<&'a RawValue> {
        match self.keys.get(key) {
            Some(changed) => changed.as_deref(),
            None if self.cleared => None,
            None => before?.get(key).map(|value| &**value),
        }
    }

    /// Returns the keys that there are once the changes are made, in order.
    pub(super) fn keys(&self, before: Option<&Data>) -> Vec<String> {
        self.merged(before).into_keys().map(str::to_owned).collect()
    }

    /// Returns the bytes of all keys and values once the changes are made.
    pub(super) fn size(&self, before: Option<&Data>) -> usize {
        self.merged(before)
            .into_iter()
            .map(|(key, value)| key.len() + value.get().len())
            .sum()
    }

    fn merged<'a>(&'a self, before: Option<&'a Data>) -> BTreeMap<&'a str, &'a RawValue> {
        let mut merged = BTreeMap::new();
        if let (false, Some(before)) = (self.cleared, before) {
            merged.extend(before.iter().map(|(key, value)| (key.as_str(), &**value)));
        }
        for (key, value) in &self.keys {
            match value {
                Some(value) => merged.insert(key.as_str(), &**value),
                None => merged.remove(key.as_str()),
            };
        }
        merged
    }

    /// Makes the changes.
    pub(super) fn apply(&self, data: &mut Data) {
        if self.cleared {
            data.clear();
        }
        for (key, value) in &self.keys {
            match value {
                Some(value) => data.insert(key.clone(), value.clone()),
                None => data.remove(key),
            };
        }
    }
}

/// Milliseconds since 1970 by the system's clock, which all instances are expected to share.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Millis(u64);

impl Millis {
    pub(super) fn now() -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// Returns how long ago an earlier moment was; nothing, when the clock was set back since.
    pub(super) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl From<Millis> for SystemTime {
    fn from(millis: Millis) -> Self {
        UNIX_EPOCH + Duration::from_millis(millis.0)
    }
}

/// In so many digits that the order as text is the order in time, for some centuries.
impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:014}", self.0)
    }
}
