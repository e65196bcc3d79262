//! Sessions: what the application remembers of a visitor from one request to the next.
//!
//! [`Session`] is a handler's handle and says how sessions behave. Below it:
//!
//! ```text
//! visit      one request's view: read once, changed, written at the end
//! sessions   all sessions of an application, by user
//! ends       waiting for the end of one
//! store      two buckets of the driver
//! record     what is stored, and how changes are laid over it
//! cookie     how a token travels
//! token      the secret, and the hashes that are kept of it
//! ```

mod cookie;
mod ends;
mod options;
mod record;
mod sessions;
mod store;
#[cfg(test)]
mod tests;
mod token;
mod visit;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use http::HeaderMap;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::{Mutex, MutexGuard};

use self::ends::End;
pub use self::options::SessionOptions;
pub use self::sessions::{SessionInfo, Sessions};
use self::store::Store;
pub use self::token::SessionId;
use self::visit::{CookieChange, Visit};
use crate::error::{Error, Result};

/// Keys that begin so are the base's own.
const RESERVED: &str = "z_";
/// Messages for the next page, each under a key of its own so that two requests can leave one each.
const FLASH: &str = "z_flash.";

/// What the application remembers of a visitor from one request to the next.
///
/// A session is one record in the driver's bucket `sessions`. The client holds a cookie with a random token and nothing
/// else; the store holds hashes of it, so a copy of the store opens no session. Keys are any text that does not begin
/// with `z_`; values are anything that serde reads and writes as JSON, up to 64 KiB in all. A clone of the handle is a
/// counter.
///
/// ```
/// use pleach::{Context, Result, SeeOther};
///
/// async fn log_in(cx: Context) -> Result<SeeOther> {
///     cx.session().log_in("u42").await?;
///     cx.session().flash("Welcome back.").await?;
///     Ok(SeeOther("/dashboard".into()))
/// }
///
/// async fn greeting(cx: Context) -> Result<String> {
///     let visits = cx.session().get::<u32>("visits").await?.unwrap_or(0) + 1;
///     cx.session().set("visits", &visits).await?;
///     Ok(format!("This is visit {visits}."))
/// }
/// ```
///
/// - **Nothing for nothing.** A request that does not use its session reads nothing and writes nothing; one that
///   only reads writes nothing either, but for noting the session's last use now and then. A session begins when
///   something is written to it, under a token that the server made: what a client brings along unasked is never
///   adopted.
/// - **One request, one view.** The session is read when it is first used, and all handles of the request share
///   what was read. Changes show in that view at once and are stored together just before the head of the answer
///   leaves; of a handler that fails nothing is stored. What is written later, as from a stream, is stored at once.
/// - **Two requests lose nothing.** A record is replaced only if it is still the one that was read; otherwise the
///   keys that this request changed are laid over the newer record, and all others stay as the other request left
///   them.
/// - **What has ended stays ended.** [`Session::destroy`] and the revocations take effect at once, on all
///   instances. A request that was under way finds the session gone, and its writes are dropped.
/// - **A renewed token is dead at once**, also for requests that set out with it and had not used their session
///   yet: they are strangers, lest whoever knows the old token keeps a way in. Those that had read the session
///   carry on, and what they write reaches it, for it stays where it is and only its secret changes.
/// - **A late answer spoils nothing.** For half a minute after a client gave its token up, by a renewal, a log-in
///   or a log-out, requests with that token are not given another one: it would overwrite the cookie that the
///   client was given meanwhile.
/// - **Another user, another session.** [`Session::log_in`] ends the session that was there and begins a fresh one.
///   What an anonymous visitor had gathered goes along; what another user had does not.
///
/// # Errors
/// All methods fail with 503 `unavailable` while the store is away.
///
/// # Cancel safety
/// All methods are cancel safe: a dropped call has made its change or not. A change that was made and not stored yet
/// is stored with the next one, or with the answer.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    sessions: Arc<Sessions>,
    /// Held while the store is asked, so that whoever comes second shares the answer, and later writes come later.
    visit: Mutex<Visit>,
}

impl Session {
    /// Returns the value of a key.
    ///
    /// # Errors
    /// 500 when the value is there and of another shape.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let visit = self.visit().await?;
        visit.get(key).map(|value| decode(key, value)).transpose()
    }

    /// Sets the value of a key, and begins a session if there is none.
    ///
    /// # Errors
    /// 500 for a key that begins with `z_`, for a value that JSON can't hold, when a session would have to begin
    /// after the head of the answer has left, and, with the id `session.too_large`, when more than 64 KiB would be
    /// kept.
    pub fn set(
        &self,
        key: &str,
        value: &(impl Serialize + ?Sized),
    ) -> impl Future<Output = Result<()>> + Send {
        let value = check_key(key).and_then(|()| Ok(to_raw_value(value)?));
        async move {
            let value = value?;
            self.change(|visit| visit.set(key, value)).await
        }
    }

    /// Removes a key, if it is there.
    ///
    /// # Errors
    /// 500 for a key that begins with `z_`.
    pub async fn remove(&self, key: &str) -> Result<()> {
        check_key(key)?;
        self.change(|visit| {
            visit.remove(key);
            Ok(())
        })
        .await
    }

    /// Removes a key and returns the value that it had.
    ///
    /// Two requests at once may both get the value: what must happen once needs a key of its own in a bucket.
    ///
    /// # Errors
    /// 500 for a key that begins with `z_`, and when the value is there and of another shape; it stays then.
    pub async fn pop<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        check_key(key)?;
        self.change(|visit| {
            let value = visit.get(key).map(|value| decode(key, value)).transpose()?;
            visit.remove(key);
            Ok(value)
        })
        .await
    }

    /// Leaves a message for the next page that shows messages.
    ///
    /// # Errors
    /// As [`Session::set`].
    pub async fn flash(&self, message: impl Into<String> + Send) -> Result<()> {
        let message = to_raw_value(&message.into())?;
        self.change(|visit| {
            let key = format!("{FLASH}{}", visit.next_flash()?);
            visit.set(&key, message)
        })
        .await
    }

    /// Takes the messages that were left, oldest first.
    pub async fn flashes(&self) -> Result<Vec<String>> {
        self.change(|visit| {
            let keys = visit
                .keys()
                .into_iter()
                .filter(|key| key.starts_with(FLASH));
            keys.map(|key| {
                let message = visit
                    .get(&key)
                    .map(|value| decode(&key, value))
                    .transpose()?;
                visit.remove(&key);
                Ok(message.unwrap_or_default())
            })
            .collect()
        })
        .await
    }

    /// Returns the keys that are set, in order.
    pub async fn keys(&self) -> Result<Vec<String>> {
        let mut keys = self.visit().await?.keys();
        keys.retain(|key| !key.starts_with(RESERVED));
        Ok(keys)
    }

    /// Removes all keys and messages, also those that other requests set meanwhile. The session and its user stay.
    pub async fn clear(&self) -> Result<()> {
        self.change(|visit| {
            visit.clear();
            Ok(())
        })
        .await
    }

    /// Returns true when there is a session, or will be one once the answer is sent.
    pub async fn exists(&self) -> Result<bool> {
        Ok(self.visit().await?.exists())
    }

    /// Returns the public id of the session, which is the same from its first answer to its end and safe to show;
    /// none while it is not stored yet.
    pub async fn id(&self) -> Result<Option<SessionId>> {
        Ok(self.visit().await?.id())
    }

    /// Returns the user who is logged in.
    pub async fn user_id(&self) -> Result<Option<String>> {
        Ok(self.visit().await?.user().map(str::to_owned))
    }

    /// Logs a user in, whom the caller has made sure of: ends the present session and begins a fresh one with the
    /// next answer.
    ///
    /// What an anonymous visitor had kept goes along; what another user had kept does not. A session that is this
    /// user's already is renewed instead, and the user's open streams live on.
    ///
    /// # Errors
    /// 500 when the head of the answer has left.
    pub async fn log_in(&self, user_id: &str) -> Result<()> {
        self.change(|visit| visit.log_in(user_id)).await
    }

    /// Replaces the token, as after a user has proved more than before. The old one is worth nothing from the
    /// moment that the answer is sent; open streams live on. Without a session it does nothing.
    ///
    /// # Errors
    /// 500 when the head of the answer has left.
    pub async fn renew(&self) -> Result<()> {
        self.change(Visit::renew).await
    }

    /// Ends the session everywhere, now: whoever comes with its token is a stranger, and its streams end. What is
    /// set afterwards begins another session.
    ///
    /// # Errors
    /// 503 while the store is away; the session may go on then.
    pub async fn destroy(&self) -> Result<()> {
        self.visit().await?.destroy(self.store()).await
    }

    /// Reads the session again, as after a while in a stream. Changes that are not stored yet stay.
    ///
    /// # Errors
    /// 503 while the store is away; the view stays as it was.
    pub async fn reload(&self) -> Result<()> {
        self.visit().await?.reload(self.store()).await
    }

    /// Returns the sessions of a user, the latest used first, with this one marked.
    pub async fn list(&self, user_id: &str) -> Result<Vec<SessionInfo>> {
        let current = self.id().await?;
        let mut sessions = self.0.sessions.list(user_id).await?;
        for session in &mut sessions {
            session.current = Some(session.id) == current;
        }
        Ok(sessions)
    }

    /// Ends one session of a user, as [`Sessions::revoke`] does.
    ///
    /// # Errors
    /// 404 when the user has no such session.
    pub async fn revoke(&self, user_id: &str, id: &SessionId) -> Result<()> {
        self.0.sessions.revoke(user_id, id).await
    }

    /// Ends all sessions of a user, as [`Sessions::revoke_all`] does; this one too, if it is the user's.
    ///
    /// # Errors
    /// 503 while the store is away; some may have ended then.
    pub async fn revoke_all(&self, user_id: &str) -> Result<()> {
        let is_theirs = self.user_id().await?.as_deref() == Some(user_id);
        self.0.sessions.revoke_all(user_id).await?;
        if is_theirs {
            self.destroy().await
        } else {
            Ok(())
        }
    }

    /// Waits until the session ends: destroyed, revoked, expired, or its user logged out or in as another, on
    /// whatever instance; it resolves within a second of that. A renewal is no end. Without a session there is
    /// nothing to end, and it waits for ever.
    ///
    /// For streams: `select!` it against whatever they send. It holds on to a few hundred bytes and no part of the
    /// session.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        ends::ended(self.clone())
    }

    /// Stores what was changed and sets the cookie; called once, before the head of the answer leaves. A session
    /// that was not used costs nothing.
    pub(crate) async fn commit(&self, response: &mut HeaderMap) -> Result<()> {
        let change = self.0.visit.lock().await.commit(self.store()).await?;
        let cookie = self.0.sessions.cookie();
        match change {
            CookieChange::Keep => Ok(()),
            CookieChange::Set(token) => cookie.set(response, &token),
            CookieChange::Clear => cookie.clear(response),
        }
    }

    /// Returns the view of this request, read if it was not yet.
    async fn visit(&self) -> Result<MutexGuard<'_, Visit>> {
        let mut visit = self.0.visit.lock().await;
        visit.load(self.store()).await?;
        Ok(visit)
    }

    async fn end(&self) -> Result<End> {
        Ok(self.visit().await?.end())
    }

    fn store(&self) -> &Store {
        self.0.sessions.store()
    }

    async fn change<T>(&self, change: impl FnOnce(&mut Visit) -> Result<T> + Send) -> Result<T> {
        let mut visit = self.visit().await?;
        let outcome = change(&mut visit)?;
        visit.flush_if_answered(self.store()).await?;
        Ok(outcome)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(..)")
    }
}

fn check_key(key: &str) -> Result<()> {
    if key.starts_with(RESERVED) {
        return Err(Error::internal(format!(
            "session keys that begin with {RESERVED} are reserved: {key}"
        )));
    }
    Ok(())
}

fn decode<T: DeserializeOwned>(key: &str, value: &RawValue) -> Result<T> {
    // Not serde's own words: they quote the value, and errors are logged.
    serde_json::from_str(value.get()).map_err(|_| {
        Error::internal(format!(
            "session key {key} does not hold a {}",
            std::any::type_name::<T>()
        ))
    })
}
