//! The bucket `users`: who is logged in, by id.
//!
//! A user is a name under an id that was made at log-in and is never given out again. The record goes at log-out. It lives
//! a quarter longer than a session does without being used, and is written again when a tenth of that has passed, so it
//! outlasts its session and expires within hours of it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use pleach::driver::{Bucket, BucketConfig, Entry, Error as StoreError};
use pleach::{BaseApp, Result};
use serde::{Deserialize, Serialize};
use tracing::debug;

use crate::id::UserId;
use crate::name::UserName;
use crate::page::Names;
use crate::record::Game;

/// Names that are remembered. They never change, so forgetting them costs a look into the store and nothing else.
const REMEMBERED: usize = 16_384;

/// A user as it is stored and sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) name: UserName,
}

/// All users who are logged in.
pub(crate) struct Users {
    bucket: Bucket,
    ttl: Duration,
    names: Mutex<HashMap<UserId, UserName>>,
}

impl Users {
    /// Opens the bucket.
    pub(crate) async fn open(app: BaseApp) -> Result<Self, StoreError> {
        let ttl = app.sessions().idle().mul_f64(1.25);
        let config = BucketConfig::new("users").ttl(ttl);
        Ok(Self {
            bucket: app.driver().kv().bucket(config).await?,
            ttl,
            names: Mutex::default(),
        })
    }

    /// Makes a user.
    pub(crate) async fn create(&self, name: UserName) -> Result<User> {
        let id = UserId::random()?;
        let user = User { id, name };
        let value = serde_json::to_vec(&user)?;
        self.bucket.create(user.id.as_str(), value).await?;
        self.remember(&user);
        Ok(user)
    }

    /// Returns the user of this id, whose session was just used.
    pub(crate) async fn seen(&self, id: &UserId) -> Result<Option<User>> {
        let Some(entry) = self.bucket.get(id.as_str()).await? else {
            return Ok(None);
        };
        let user = read(&entry)?;
        let age = SystemTime::now().duration_since(entry.created);
        if age.is_ok_and(|age| age > self.ttl / 10) {
            self.keep(&entry).await;
        }
        Ok(Some(user))
    }

    /// Returns true while nobody has logged this user out.
    pub(crate) async fn is_there(&self, id: &UserId) -> Result<bool> {
        Ok(self.bucket.get(id.as_str()).await?.is_some())
    }

    /// Takes the user out: from now on nobody acts as it.
    pub(crate) async fn remove(&self, id: &UserId) -> Result<()> {
        self.bucket.purge(id.as_str()).await?;
        self.names().remove(id);
        Ok(())
    }

    /// Returns what the players of a game are called, as far as they are there.
    pub(crate) async fn names_in(&self, game: &Game) -> Result<Names> {
        let mut names = Vec::with_capacity(2);
        for id in [Some(game.host()), game.challenger()].into_iter().flatten() {
            if let Some(name) = self.name(id).await? {
                names.push((id.clone(), name));
            }
        }
        Ok(names.into_iter().collect())
    }

    async fn name(&self, id: &UserId) -> Result<Option<UserName>> {
        if let Some(name) = self.names().get(id) {
            return Ok(Some(name.clone()));
        }
        let Some(entry) = self.bucket.get(id.as_str()).await? else {
            return Ok(None);
        };
        let user = read(&entry)?;
        self.remember(&user);
        Ok(Some(user.name))
    }

    fn remember(&self, user: &User) {
        let mut names = self.names();
        if names.len() >= REMEMBERED {
            names.clear();
        }
        names.insert(user.id.clone(), user.name.clone());
    }

    fn names(&self) -> MutexGuard<'_, HashMap<UserId, UserName>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins the lifetime anew. Somebody else may have done so, or removed the user: then that stands.
    async fn keep(&self, entry: &Entry) {
        let written = self
            .bucket
            .update(&entry.key, entry.revision, entry.value.clone());
        if let Err(error) = written.await {
            debug!(user = entry.key, %error, "a user's last use was not noted");
        }
    }
}

fn read(entry: &Entry) -> Result<User> {
    Ok(serde_json::from_slice(&entry.value)?)
}
