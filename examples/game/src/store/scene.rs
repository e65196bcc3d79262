//! A game as it stands at one revision, with all that is derived from it for those who look on.

use std::future::Future;
use std::sync::Arc;

use pleach::Result;
use pleach::driver::Entry;
use pleach::live::Encoded;
use tokio::sync::OnceCell;

use crate::page::Names;
use crate::record::{Game, Role};

/// A game at one revision. Names and markup are made when somebody first needs them, once for all who see the same, and go
/// when the game changes, because the next revision is another scene.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) game: Game,
    names: OnceCell<Names>,
    cards: [OnceCell<Arc<str>>; Role::ALL.len()],
    tables: [OnceCell<Encoded>; Role::ALL.len()],
}

impl Scene {
    /// Reads the record of a game.
    ///
    /// # Errors
    /// When the value is none.
    pub(crate) fn read(entry: &Entry) -> Result<Self, serde_json::Error> {
        Ok(Self {
            game: serde_json::from_slice(&entry.value)?,
            names: OnceCell::new(),
            cards: Default::default(),
            tables: Default::default(),
        })
    }

    /// Returns what the players are called, asking `find` the first time.
    pub(crate) async fn names<F>(&self, find: impl FnOnce() -> F) -> Result<&Names>
    where
        F: Future<Output = Result<Names>>,
    {
        self.names.get_or_try_init(find).await
    }

    /// Returns the card that viewers of this role see in the lobby.
    pub(crate) async fn card<F>(&self, role: Role, make: impl FnOnce() -> F) -> Result<Arc<str>>
    where
        F: Future<Output = Result<Arc<str>>>,
    {
        let card = self.cards[role as usize].get_or_try_init(make).await?;
        Ok(card.clone())
    }

    /// Returns the event that shows the table to viewers of this role.
    pub(crate) async fn table<F>(&self, role: Role, make: impl FnOnce() -> F) -> Result<Encoded>
    where
        F: Future<Output = Result<Encoded>>,
    {
        let table = self.tables[role as usize].get_or_try_init(make).await?;
        Ok(table.clone())
    }
}
