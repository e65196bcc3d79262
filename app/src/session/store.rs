//! Where sessions are kept: the bucket `sessions` by id, and the bucket `session_users` as the index by user.
//!
//! The record is the truth and is written first. An entry of the index is a key without a value, `<hash of the user
//! id>.<session id>`; it lasts as long as its session could, so it is written once and no use of the session
//! touches it. What it lists is checked against the records, and what has expired is taken out on the way.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use pleach_driver::{
    Bucket, BucketConfig, Driver, Entry, Error as StoreError, Filter, Revision, Watch, WatchFrom,
    WriteOptions,
};
use tracing::warn;

use super::record::{AFTERLIFE, Millis, Record, check_size, size};
use super::token::{Digest, SessionId};
use crate::error::{Error, Result};

/// A use is noted when the last one noted is this part of the idle lifetime ago, so that reading rarely writes.
const TOUCHES_PER_IDLE: u32 = 10;

/// Records that are asked for at a time where many are.
const READS_AT_ONCE: usize = 16;

/// What stands in the place of a session that its own client has ended.
const RETIRED: &[u8] = b"{}";

/// Who ends a session.
#[derive(Clone, Copy)]
pub(super) enum EndedBy {
    /// Its client, which is given another cookie, or none, with the answer. As long as requests with the old one may
    /// be under way, a mark keeps them from being taken for new visitors, whose cookie would overwrite the one in
    /// the answer.
    ItsClient,
    /// Somebody else. Its client learns of it when it comes again, with the old cookie, and may begin another then.
    Others,
}

/// What there is under an id.
pub(super) enum Found {
    Session(Stored),
    /// The session's own client ended it a moment ago.
    Retired,
    Nothing,
}

/// A record and the revision at which it was read.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) record: Record,
    pub(super) revision: Revision,
}

#[derive(Clone)]
pub(super) struct Store {
    sessions: Bucket,
    users: Bucket,
    idle: Duration,
    absolute: Duration,
}

impl Store {
    pub(super) async fn open(driver: &Driver, idle: Duration, absolute: Duration) -> Result<Self> {
        if idle.is_zero() || absolute.is_zero() {
            return Err(Error::internal("a session needs a lifetime above zero"));
        }
        let kv = driver.kv();
        let sessions = kv.bucket(BucketConfig::new("sessions").ttl(idle)).await?;
        let users = kv
            .bucket(BucketConfig::new("session_users").ttl(absolute))
            .await?;
        Ok(Self {
            sessions,
            users,
            idle,
            absolute,
        })
    }

    /// Returns what there is under an id.
    pub(super) async fn find(&self, id: SessionId) -> Result<Found> {
        let Some(entry) = self.sessions.get(id.as_str()).await? else {
            return Ok(Found::Nothing);
        };
        if entry.value == RETIRED {
            return Ok(Found::Retired);
        }
        match serde_json::from_slice::<Record>(&entry.value) {
            Ok(record) if self.time_left(&record).is_zero() => Ok(Found::Nothing),
            Ok(record) => Ok(Found::Session(Stored {
                record,
                revision: entry.revision,
            })),
            Err(error) => {
                // Another version wrote it, or another program. The visitor logs in again; failing every request
                // would be worse.
                let (line, column) = (error.line(), error.column());
                warn!(session = %id, line, column, "a stored session can't be read and counts as none");
                Ok(Found::Nothing)
            }
        }
    }

    /// Returns a session that has not ended.
    pub(super) async fn read(&self, id: SessionId) -> Result<Option<Stored>> {
        Ok(match self.find(id).await? {
            Found::Session(stored) => Some(stored),
            Found::Retired | Found::Nothing => None,
        })
    }

    pub(super) async fn create(&self, id: SessionId, record: Record) -> Result<Stored> {
        let (value, options) = self.encode(&record)?;
        let revision = self
            .sessions
            .create_with(id.as_str(), value, options)
            .await?;
        if let Some(user) = &record.user {
            self.users.put(&index_key(user, id), Bytes::new()).await?;
        }
        Ok(Stored { record, revision })
    }

    /// Replaces the record that was at a revision; none when somebody else wrote it, or the session ended.
    pub(super) async fn replace(
        &self,
        id: SessionId,
        record: Record,
        expected: Revision,
    ) -> Result<Option<Stored>> {
        let (value, options) = self.encode(&record)?;
        match self
            .sessions
            .update_with(id.as_str(), expected, value, options)
            .await
        {
            Ok(revision) => Ok(Some(Stored { record, revision })),
            Err(error) if error.is_conflict() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn encode(&self, record: &Record) -> Result<(Vec<u8>, WriteOptions)> {
        check_size(size(&record.data))?;
        // A session that runs out right now is still written, for the shortest time: the store takes no lifetime of
        // zero.
        let left = self.time_left(record).max(Duration::from_millis(1));
        Ok((serde_json::to_vec(record)?, WriteOptions::new().ttl(left)))
    }

    fn time_left(&self, record: &Record) -> Duration {
        record.time_left(self.idle, self.absolute, Millis::now())
    }

    /// Ends a session, and returns what it held at last; none when it had ended before.
    pub(super) async fn end(&self, id: SessionId, by: EndedBy) -> Result<Option<Record>> {
        let key = id.as_str();
        while let Some(Stored { record, revision }) = self.read(id).await? {
            let mark = WriteOptions::new().ttl(AFTERLIFE);
            let ended = match by {
                EndedBy::ItsClient => {
                    self.sessions
                        .update_with(key, revision, RETIRED, mark)
                        .await
                }
                EndedBy::Others => self.sessions.delete_if(key, revision).await,
            };
            match ended {
                Ok(_) => {
                    self.unlist(id, &record).await?;
                    return Ok(Some(record));
                }
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    async fn unlist(&self, id: SessionId, record: &Record) -> Result<()> {
        if let Some(user) = &record.user {
            self.users.delete(&index_key(user, id)).await?;
        }
        Ok(())
    }

    /// Returns the sessions of a user, in any order.
    pub(super) async fn of_user(&self, user: &str) -> Result<Vec<(SessionId, Stored)>> {
        let theirs = Filter::new(&format!("{}.*", Digest::of(user.as_bytes()).as_str()))?;
        stream::iter(self.users.keys(&theirs).await?)
            .map(|key| self.indexed(user, key))
            .buffer_unordered(READS_AT_ONCE)
            .try_filter_map(async |session| Ok(session))
            .try_collect()
            .await
    }

    /// Returns the session behind an entry of a user's index. An entry whose session has expired is removed.
    async fn indexed(&self, user: &str, key: String) -> Result<Option<(SessionId, Stored)>> {
        let id = key.rsplit_once('.').and_then(|(_, id)| id.parse().ok());
        let Some(id) = id else { return Ok(None) };
        let stored = self
            .read(id)
            .await?
            .filter(|stored| stored.record.user.as_deref() == Some(user));
        if stored.is_none() {
            self.users.delete(&key).await?;
        }
        Ok(stored.map(|stored| (id, stored)))
    }

    pub(super) fn idle(&self) -> Duration {
        self.idle
    }

    /// Returns true when a use of the session is worth a write.
    pub(super) fn is_touch_due(&self, record: &Record) -> bool {
        Millis::now().since(record.seen) >= self.idle / TOUCHES_PER_IDLE
    }

    /// Watches one session.
    pub(super) async fn watch(&self, id: SessionId) -> Result<Watch, StoreError> {
        self.sessions
            .watch(Filter::key(id.as_str()), WatchFrom::Current)
            .await
    }
}

/// Returns true for the entry of a session that has not ended.
pub(super) fn is_session(entry: &Entry) -> bool {
    entry.is_live() && entry.value != RETIRED
}

/// Returns the key of a session in the index: hashed, because a user id is any text of any length.
fn index_key(user: &str, id: SessionId) -> String {
    format!("{}.{id}", Digest::of(user.as_bytes()).as_str())
}
