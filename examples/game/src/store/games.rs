//! The bucket `games`: one record per game, changed by compare-and-swap only.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use pleach::driver::{
    Bucket, BucketConfig, Entry, Error as StoreError, Filter, Revision, WatchFrom,
};
use pleach::live::{EventId, Feed, Follower, KeyFollower, Snapshot};
use pleach::{BaseApp, Error, Result};
use tokio::time::timeout;
use tracing::warn;

use super::{GAME_TTL, Scene};
use crate::id::{GameId, UserId};
use crate::name::GameName;
use crate::record::{self, Departure, Game, Joined};
use crate::refusal::Refusal;

/// How often an action is decided afresh because another writer came first. Each of those was an action of one of the
/// players, and after a few the rules refuse the next, so nobody gets here who does not mean to.
const ATTEMPTS: usize = 16;

/// Deletes under way at a time when all games go.
const DELETES_AT_ONCE: usize = 64;

/// How long a reader waits for what was written just before. The feed is behind by less than a millisecond, unless the
/// store is away.
const CATCHING_UP: Duration = Duration::from_millis(300);

/// All games.
pub(crate) struct Games {
    bucket: Bucket,
    feed: Feed<Scene>,
    epoch: u64,
}

/// A game as it was read or written.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) game: Game,
    pub(crate) revision: u64,
}

impl Kept {
    /// Returns the answer of `game.state`.
    pub(crate) fn snapshot(&self) -> record::Snapshot<'_> {
        record::Snapshot {
            game: &self.game,
            revision: self.revision,
        }
    }
}

/// What an action makes of a game.
enum Next {
    Same(Game),
    Put(Game),
    Gone,
}

impl Games {
    /// Opens the bucket and follows it.
    pub(crate) async fn open(app: BaseApp) -> Result<Self, StoreError> {
        let ttl = app.settings().get(&GAME_TTL).duration();
        let config = BucketConfig::new("games").ttl(ttl);
        let bucket = app.driver().kv().bucket(config).await?;
        let (feed, task) = Feed::new(bucket.clone(), app.tasks().child_token(), Scene::read);
        app.tasks().spawn(task);
        let epoch = EventId::epoch_of(bucket.epoch());
        Ok(Self {
            bucket,
            feed,
            epoch,
        })
    }
}

/// Looking on.
impl Games {
    /// Returns the game.
    ///
    /// # Errors
    /// 404 when there is none.
    pub(crate) async fn get(&self, id: &GameId) -> Result<Kept> {
        let entry = self.bucket.get(id.as_str()).await?;
        read(&entry.ok_or_else(Error::not_found)?)
    }

    /// Returns all games, no older than this call: whoever comes back from an action finds what it did.
    ///
    /// # Errors
    /// 503 while the store is away.
    pub(crate) async fn latest(&self) -> Result<Arc<Snapshot<Scene>>> {
        // A watch of what is new begins at the newest revision.
        let any = Filter::key("");
        let newest = self.bucket.watch(any, WatchFrom::New).await?.position();
        let caught_up = async {
            let mut follower = self.feed.follow();
            loop {
                let games = follower.next().await;
                if games.revision() >= newest.0 {
                    return games;
                }
            }
        };
        match timeout(CATCHING_UP, caught_up).await {
            Ok(games) => Ok(games),
            Err(_) => self.feed.latest().ok_or_else(Error::unavailable),
        }
    }

    /// Follows all games.
    pub(crate) fn follow(&self) -> Follower<Scene> {
        self.feed.follow()
    }

    /// Follows one game.
    pub(crate) fn follow_game(&self, id: &GameId) -> KeyFollower<Scene> {
        self.feed.follow_key(id.as_str())
    }

    /// Returns the id of an event that shows this revision.
    pub(crate) fn event_id(&self, revision: u64) -> EventId {
        EventId::new(self.epoch, revision)
    }
}

/// Playing. Each action is 404 when the game is not there, and otherwise what the rules refuse it with.
impl Games {
    /// Makes a game that waits for its challenger.
    pub(crate) async fn create(&self, name: GameName, host: &UserId) -> Result<Kept> {
        let game = Game::new(GameId::random()?, name, host.clone());
        let created = self.bucket.create(game.id().as_str(), write(&game)?);
        let revision = created.await?.0;
        Ok(Kept { game, revision })
    }

    /// Changes the game by a rule. The rule may be asked several times, each time with a newer record.
    pub(crate) async fn change(
        &self,
        id: &GameId,
        rule: impl Fn(Game) -> Result<Game, Refusal>,
    ) -> Result<Kept> {
        let changed = self.act(id, |game| rule(game).map(Next::Put)).await?;
        changed.ok_or_else(Error::not_found)
    }

    /// Takes the free seat for a user.
    pub(crate) async fn join(&self, id: &GameId, user: &UserId) -> Result<Kept> {
        let joined = self.act(id, |game| {
            Ok(match game.join(user)? {
                Joined::Already(game) => Next::Same(game),
                Joined::Seated(game) => Next::Put(game),
            })
        });
        joined.await?.ok_or_else(Error::not_found)
    }

    /// Deletes the game of a host.
    pub(crate) async fn delete(&self, id: &GameId, user: &UserId) -> Result<()> {
        let rule = |game: Game| game.may_delete(user).map(|()| Next::Gone);
        self.act(id, rule).await.map(drop)
    }

    /// Deletes all games that are there.
    pub(crate) async fn purge(&self) -> Result<()> {
        let keys = self.bucket.keys(Filter::all()).await?;
        let deletes = stream::iter(keys).map(|key| async move { self.bucket.delete(&key).await });
        let mut deletes = deletes.buffer_unordered(DELETES_AT_ONCE);
        while deletes.try_next().await?.is_some() {}
        Ok(())
    }

    /// Ends all that a user has a part in: the games that it hosts go, the seats that it holds are free again.
    ///
    /// May be repeated; one that failed half way has done half of it.
    pub(crate) async fn release(&self, user: &UserId) -> Result<()> {
        for entry in self.bucket.scan(Filter::all()).await? {
            let Ok(Kept { game, .. }) = read(&entry) else {
                continue;
            };
            let departed = self.act(game.id(), |game| {
                Ok(match game.clone().depart(user) {
                    Departure::Unchanged => Next::Same(game),
                    Departure::SeatFreed(game) => Next::Put(game),
                    Departure::Gone => Next::Gone,
                })
            });
            if game.role(user).mark().is_some() {
                gone_already(departed.await)?;
            }
        }
        Ok(())
    }

    /// Reads, decides and writes, again and again until nobody came in between. `None`: the game was deleted by this.
    async fn act(
        &self,
        id: &GameId,
        rule: impl Fn(Game) -> Result<Next, Refusal>,
    ) -> Result<Option<Kept>> {
        for _ in 0..ATTEMPTS {
            let Kept { game, revision } = self.get(id).await?;
            let expected = Revision(revision);
            let written = match rule(game).map_err(Refusal::into_error)? {
                Next::Same(game) => return Ok(Some(Kept { game, revision })),
                Next::Put(game) => {
                    let value = write(&game)?;
                    let written = self.bucket.update(id.as_str(), expected, value).await;
                    written.map(|revision| Some((game, revision.0)))
                }
                Next::Gone => {
                    let deleted = self.bucket.delete_if(id.as_str(), expected).await;
                    deleted.map(|_| None)
                }
            };
            match written {
                Ok(kept) => return Ok(kept.map(|(game, revision)| Kept { game, revision })),
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(error.into()),
            }
        }
        warn!(game = %id, "gave up changing a game that others change all the time");
        Err(Error::unavailable())
    }
}

fn read(entry: &Entry) -> Result<Kept> {
    Ok(Kept {
        game: serde_json::from_slice(&entry.value)?,
        revision: entry.revision.0,
    })
}

fn write(game: &Game) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(game)?)
}

/// A game that somebody else deleted first is as gone as it should be.
fn gone_already(done: Result<Option<Kept>>) -> Result<()> {
    match done {
        Err(error) if error.status() == 404 => Ok(()),
        done => done.map(drop),
    }
}
