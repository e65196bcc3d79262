//! The sessions of an application.

use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use pleach_driver::Driver;
use tokio::sync::Mutex;

use super::cookie::CookieFormat;
use super::options::SessionOptions;
use super::record::Record;
use super::store::{EndedBy, Store};
use super::token::SessionId;
use super::visit::Visit;
use super::{Inner, Session};
use crate::error::{Error, Result};

/// The sessions of all visitors, to list and revoke those of a user; a request's own is a [`Session`].
pub struct Sessions {
    store: Store,
    cookie: CookieFormat,
}

/// A session in the list of a user's sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its public id.
    pub id: SessionId,
    /// When the user logged in.
    pub created: SystemTime,
    /// When it was used last, to a tenth of the idle lifetime.
    pub last_seen: SystemTime,
    /// It is the session of the request that asks. Only [`Session::list`] knows that.
    pub current: bool,
}

impl Sessions {
    /// Opens the buckets `sessions` and `session_users`.
    ///
    /// # Errors
    /// 503 while the store is away, 500 for lifetimes of zero or a cookie name that browsers would not take.
    pub(crate) async fn open(driver: &Driver, options: SessionOptions) -> Result<Arc<Self>> {
        let cookie = CookieFormat::new(&options.cookie_name, options.secure)?;
        let store = Store::open(driver, options.idle, options.absolute).await?;
        Ok(Arc::new(Self { store, cookie }))
    }

    /// Returns the session of a request. It only looks for the cookie; the store is asked when the session is used.
    pub(crate) fn session(self: &Arc<Self>, request: &HeaderMap) -> Session {
        let visit = Mutex::new(Visit::new(self.cookie.find(request)));
        Session(Arc::new(Inner {
            sessions: self.clone(),
            visit,
        }))
    }

    /// Returns the sessions of a user, the latest used first.
    ///
    /// # Errors
    /// 503 while the store is away.
    pub async fn list(&self, user_id: &str) -> Result<Vec<SessionInfo>> {
        let found = self.store.of_user(user_id).await?;
        let mut sessions: Vec<_> = found
            .iter()
            .map(|(id, stored)| SessionInfo::of(*id, &stored.record))
            .collect();
        sessions.sort_by_key(|session| Reverse(session.last_seen));
        Ok(sessions)
    }

    /// Ends one session of a user, as if it had been destroyed.
    ///
    /// # Errors
    /// 404 when the user has no such session, 503 while the store is away.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped call has ended the session or not.
    pub async fn revoke(&self, user_id: &str, id: &SessionId) -> Result<()> {
        let stored = self.store.read(*id).await?;
        let is_theirs = stored.is_some_and(|stored| stored.record.user.as_deref() == Some(user_id));
        if !is_theirs {
            return Err(Error::not_found());
        }
        self.store.end(*id, EndedBy::Others).await?;
        Ok(())
    }

    /// Ends all sessions of a user: a log-out everywhere. One that begins meanwhile may be spared, so whatever let
    /// it in (a password, say) is to be changed first.
    ///
    /// # Errors
    /// 503 while the store is away; some may have ended then.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped call has ended some sessions, and may be repeated.
    pub async fn revoke_all(&self, user_id: &str) -> Result<()> {
        for (id, _) in self.store.of_user(user_id).await? {
            self.store.end(id, EndedBy::Others).await?;
        }
        Ok(())
    }

    /// Returns how long a session lives without being used: what goes with a user's last session must last as long.
    #[must_use]
    pub fn idle(&self) -> Duration {
        self.store.idle()
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn cookie(&self) -> &CookieFormat {
        &self.cookie
    }
}

impl SessionInfo {
    fn of(id: SessionId, record: &Record) -> Self {
        Self {
            id,
            created: record.created.into(),
            last_seen: record.seen.into(),
            current: false,
        }
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}
