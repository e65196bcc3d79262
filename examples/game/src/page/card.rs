//! A game in the lobby.

use serde::Serialize;

use super::{Names, Players, text, winner};
use crate::board::Board;
use crate::record::{Game, Phase, Role};

/// One game in the lobby.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Card<'a> {
    /// The game's id.
    pub id: &'a str,
    /// The game's name.
    pub name: &'a str,
    /// Who plays.
    pub players: Players<'a>,
    /// What the viewer is in it, which decides what the card offers.
    pub role: Role,
    /// How far the game has come.
    pub phase: Phase,
    /// `X`, `O`, `TIE` or nothing.
    pub winner: &'static str,
    /// The nine marks, for the small picture of the board.
    pub marks: [&'static str; Board::CELLS],
}

impl<'a> Card<'a> {
    /// Picks out what the lobby shows to a viewer of this role.
    #[must_use]
    pub fn new(game: &'a Game, names: &'a Names, role: Role) -> Self {
        Self {
            id: game.id().as_str(),
            name: game.name().as_str(),
            players: Players::of(game, names),
            role,
            phase: game.phase(),
            winner: winner(game.board()),
            marks: game.board().marks().map(text),
        }
    }
}
