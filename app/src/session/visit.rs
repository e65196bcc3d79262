//! One request's view of its session, and what it does to it.

use serde_json::value::RawValue;
use tracing::debug;

use super::ends::End;
use super::record::{Changes, Data, Millis, Proof, Record, check_size};
use super::store::{EndedBy, Found, Store, Stored};
use super::token::{self, SessionId, Token};
use crate::error::{Error, Result};

/// What the store said about the client's token.
#[derive(Default)]
enum Standing {
    /// Nobody has asked yet.
    #[default]
    Unread,
    /// There is no session. Writing begins one.
    Absent,
    /// The client gave the token up a moment ago, on another request: the session was renewed, or ended. The cookie
    /// is taken care of there, so writing does nothing.
    GivenUp(SessionId),
    /// The session, as it was when this request read or wrote it last.
    Live { id: SessionId, stored: Stored },
    /// The session ended while this request was under way. Writing does nothing: it would bring the session back.
    Over,
}

/// The token that the answer is to carry.
#[derive(Default)]
enum Wish {
    #[default]
    Same,
    Renewed,
    LoggedIn(String),
}

/// What the answer is to do to the client's cookie.
pub(super) enum CookieChange {
    Keep,
    Set(Token),
    Clear,
}

/// The session as one request sees it: read once, changed here, written at the end.
#[derive(Default)]
pub(super) struct Visit {
    token: Option<Token>,
    standing: Standing,
    changes: Changes,
    wish: Wish,
    /// Messages left by this request.
    flashes: u32,
    /// This request ended the session: the client's cookie is to go.
    is_cookie_dead: bool,
    /// The head of the answer is under way: no cookie can be sent any more, and changes are written at once.
    is_answered: bool,
}

impl Visit {
    pub(super) fn new(token: Option<Token>) -> Self {
        Self {
            token,
            ..Self::default()
        }
    }

    /// Reads the session, the first time.
    pub(super) async fn load(&mut self, store: &Store) -> Result<()> {
        if let Standing::Unread = self.standing {
            self.standing = self.look_up(store).await?;
        }
        Ok(())
    }

    async fn look_up(&self, store: &Store) -> Result<Standing> {
        let Some(token) = &self.token else {
            return Ok(Standing::Absent);
        };
        let id = token.id();
        let stored = match store.find(id).await? {
            Found::Session(stored) => stored,
            Found::Retired => return Ok(Standing::GivenUp(id)),
            Found::Nothing => return Ok(Standing::Absent),
        };
        Ok(match stored.record.proof(token, Millis::now()) {
            Proof::Valid => Standing::Live { id, stored },
            Proof::Replaced => Standing::GivenUp(id),
            Proof::Forged => Standing::Absent,
        })
    }

    /// Reads the session again, if it was read. It is found by its id, so that a renewal of its token is no hindrance.
    pub(super) async fn reload(&mut self, store: &Store) -> Result<()> {
        if let Standing::Live { id, stored } = &mut self.standing {
            match store.read(*id).await? {
                Some(fresh) => *stored = fresh,
                None => self.standing = Standing::Over,
            }
        }
        Ok(())
    }

    fn live(&self) -> Option<(SessionId, &Stored)> {
        match &self.standing {
            Standing::Live { id, stored } => Some((*id, stored)),
            _ => None,
        }
    }

    /// Returns what was kept before this request's changes; what one user has left is not there for the next.
    fn before(&self) -> Option<&Data> {
        let record = &self.live()?.1.record;
        let changes_hands = matches!(self.wish, Wish::LoggedIn(_)) && record.user.is_some();
        (!changes_hands).then_some(&record.data)
    }

    pub(super) fn id(&self) -> Option<SessionId> {
        self.live().map(|(id, _)| id)
    }

    pub(super) fn end(&self) -> End {
        match &self.standing {
            Standing::Unread | Standing::Absent | Standing::GivenUp(_) => End::Never,
            Standing::Live { id, .. } => End::Of(*id),
            Standing::Over => End::Past,
        }
    }

    /// Returns the part of a key that sets a message apart from all others, in the order in which they were left.
    pub(super) fn next_flash(&mut self) -> Result<String> {
        self.flashes += 1;
        let [random] = token::random::<1>()?;
        Ok(format!(
            "{}-{:04}-{random:02x}",
            Millis::now(),
            self.flashes
        ))
    }

    pub(super) fn exists(&self) -> bool {
        self.live().is_some()
            || matches!(self.wish, Wish::LoggedIn(_))
            || (self.may_begin() && self.changes.has_values())
    }

    pub(super) fn user(&self) -> Option<&str> {
        match &self.wish {
            Wish::LoggedIn(user) => Some(user),
            Wish::Same | Wish::Renewed => self.live()?.1.record.user.as_deref(),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&RawValue> {
        self.changes.get(key, self.before())
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.changes.keys(self.before())
    }

    fn may_begin(&self) -> bool {
        matches!(self.standing, Standing::Absent)
    }

    /// Keeps a value. One that is there already is no change, and costs no write.
    pub(super) fn set(&mut self, key: &str, value: Box<RawValue>) -> Result<()> {
        if self.may_begin() && self.is_answered {
            return Err(too_late("begin"));
        }
        let present = self.get(key);
        if present.is_some_and(|present| present.get() == value.get()) {
            return Ok(());
        }
        let replaced = present.map_or(0, |present| key.len() + present.get().len());
        check_size(self.changes.size(self.before()) - replaced + key.len() + value.get().len())?;
        self.changes.set(key, value);
        Ok(())
    }

    pub(super) fn remove(&mut self, key: &str) {
        if self.get(key).is_some() {
            self.changes.remove(key);
        }
    }

    pub(super) fn clear(&mut self) {
        self.changes.clear();
    }

    pub(super) fn log_in(&mut self, user: &str) -> Result<()> {
        if self.is_answered {
            return Err(too_late("log in"));
        }
        let is_known = self
            .live()
            .is_some_and(|(_, stored)| stored.record.user.as_deref() == Some(user));
        self.wish = if is_known {
            Wish::Renewed
        } else {
            Wish::LoggedIn(user.to_owned())
        };
        Ok(())
    }

    pub(super) fn renew(&mut self) -> Result<()> {
        if self.is_answered {
            return Err(too_late("be renewed"));
        }
        if self.live().is_some() && matches!(self.wish, Wish::Same) {
            self.wish = Wish::Renewed;
        }
        Ok(())
    }

    /// Ends the session everywhere, now. A request whose token was renewed a moment ago may do that too: a log-out
    /// that did nothing would be worse than one by whoever knew the old token.
    pub(super) async fn destroy(&mut self, store: &Store) -> Result<()> {
        match &self.standing {
            Standing::Live { id, .. } | Standing::GivenUp(id) => {
                drop(store.end(*id, EndedBy::ItsClient).await?)
            }
            Standing::Unread | Standing::Absent | Standing::Over => {}
        }
        self.is_cookie_dead = self.token.is_some();
        self.standing = Standing::Absent;
        self.changes = Changes::default();
        self.wish = Wish::Same;
        Ok(())
    }

    /// Writes what this request has changed, and says what becomes of the cookie. From then on changes are written
    /// at once.
    pub(super) async fn commit(&mut self, store: &Store) -> Result<CookieChange> {
        self.is_answered = true;
        let cookie = match (&self.wish, &self.standing) {
            (Wish::LoggedIn(user), _) => {
                let user = user.clone();
                CookieChange::Set(self.begin(store, Some(user)).await?)
            }
            (_, Standing::Absent) if self.changes.has_values() => {
                CookieChange::Set(self.begin(store, None).await?)
            }
            (Wish::Renewed, Standing::Live { .. }) => match self.write_renewed(store).await? {
                Some(token) => CookieChange::Set(token),
                None => CookieChange::Keep,
            },
            _ if self.is_cookie_dead => CookieChange::Clear,
            _ => {
                self.flush(store).await?;
                CookieChange::Keep
            }
        };
        Ok(cookie)
    }

    /// Writes what was changed after the answer began.
    pub(super) async fn flush_if_answered(&mut self, store: &Store) -> Result<()> {
        if self.is_answered {
            self.flush(store).await
        } else {
            Ok(())
        }
    }

    async fn flush(&mut self, store: &Store) -> Result<()> {
        if !self.changes.is_empty() {
            self.write(store, None).await?;
        } else if let Some((id, stored)) = self.live()
            && store.is_touch_due(&stored.record)
            && let Err(error) = self.write(store, None).await
        {
            // Nobody asked for this write, so nobody is failed by it; a later request makes it.
            debug!(session = %id, ?error, "a session's last use was not noted");
        }
        Ok(())
    }

    /// Begins a session, with what this request has written and what the anonymous session before it held.
    async fn begin(&mut self, store: &Store, user: Option<String>) -> Result<Token> {
        let mut data = Data::default();
        if let Some((id, _)) = self.live() {
            // Whoever planted or copied the old token is left with nothing. The old session ends first: a crash
            // after that costs a log-in, while the other order would leave two sessions.
            let last = store.end(id, EndedBy::ItsClient).await?;
            data = last
                .filter(|record| record.user.is_none())
                .map(|record| record.data)
                .unwrap_or_default();
            self.standing = Standing::Absent;
        }
        self.changes.apply(&mut data);
        let token = Token::random()?;
        let record = Record::new(&token, user, data, Millis::now());
        let stored = store.create(token.id(), record).await?;
        self.standing = Standing::Live {
            id: token.id(),
            stored,
        };
        self.settle();
        Ok(token)
    }

    async fn write_renewed(&mut self, store: &Store) -> Result<Option<Token>> {
        let token = self
            .token
            .expect("only the holder of a token has a session to renew")
            .renewed()?;
        Ok(self.write(store, Some(&token)).await?.then_some(token))
    }

    /// Writes the changes over the newest record, whoever wrote it, and returns whether the token given became the
    /// session's.
    ///
    /// Of two requests that renew at once the first wins; the other's cookie would lock the browser out if it came
    /// last.
    async fn write(&mut self, store: &Store, renewed: Option<&Token>) -> Result<bool> {
        let Standing::Live { id, stored } = &self.standing else {
            self.settle();
            return Ok(false);
        };
        let (id, mut newest) = (*id, stored.clone());
        loop {
            let Stored {
                mut record,
                revision,
            } = newest;
            let renewed = renewed.filter(|_| record.has_same_token(&stored.record));
            let now = Millis::now();
            self.changes.apply(&mut record.data);
            record.seen = now;
            if let Some(token) = renewed {
                record.renew(token, now);
            }
            if let Some(stored) = store.replace(id, record, revision).await? {
                self.standing = Standing::Live { id, stored };
                self.settle();
                return Ok(renewed.is_some());
            }
            // Somebody else has written, so there is progress: this ends, however many they are.
            let Some(stored) = store.read(id).await? else {
                debug!(session = %id, "a session ended under a request; what it wrote is dropped");
                self.standing = Standing::Over;
                self.settle();
                return Ok(false);
            };
            newest = stored;
        }
    }

    /// Forgets what has been done.
    fn settle(&mut self) {
        self.changes = Changes::default();
        self.wish = Wish::Same;
    }
}

fn too_late(what: &'static str) -> Error {
    Error::internal(format!(
        "a session can't {what} once its answer has begun: the cookie could not be sent"
    ))
}
