//! What the pages show: facts picked out of records for one kind of viewer, ready to render.
//!
//! What a game looks like, as a card or as a table, depends on the viewer's [`Role`](crate::Role) and on nothing else of the
//! viewer. One render then serves all who have the same.

mod card;
mod table;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde::Serialize;

use crate::board::{Board, Mark, Outcome};
use crate::id::UserId;
use crate::name::UserName;
use crate::record::Game;

pub use card::Card;
pub use table::{Square, Strike, Table};

/// What users are called, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Names(HashMap<UserId, UserName>);

impl Names {
    /// Returns what `user` is called, or a stand-in for somebody whose last session has expired.
    #[must_use]
    pub fn of(&self, user: &UserId) -> &str {
        self.0.get(user).map_or("Somebody", UserName::as_str)
    }
}

impl FromIterator<(UserId, UserName)> for Names {
    fn from_iter<I: IntoIterator<Item = (UserId, UserName)>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

/// The two players by name; the challenger's is empty while the seat is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Players<'a> {
    /// The host, who plays X.
    pub host: &'a str,
    /// The challenger, who plays O.
    pub challenger: &'a str,
}

impl<'a> Players<'a> {
    fn of(game: &Game, names: &'a Names) -> Self {
        Self {
            host: names.of(game.host()),
            challenger: game.challenger().map_or("", |user| names.of(user)),
        }
    }
}

/// Returns `X`, `O`, or nothing for an empty cell.
fn text(mark: Option<Mark>) -> &'static str {
    mark.map_or("", Mark::as_str)
}

/// Returns who won: `X`, `O`, `TIE`, or nothing while the game goes on.
fn winner(board: &Board) -> &'static str {
    match board.outcome() {
        None => "",
        Some(Outcome::Won(mark)) => mark.as_str(),
        Some(Outcome::Tie) => "TIE",
    }
}
