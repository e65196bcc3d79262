//! The lobby: a card per game.

use serde::Serialize;

use super::{Names, Players, text, winner};
use crate::board::Board;
use crate::id::UserId;
use crate::record::{Game, Phase, Role};

/// All games as one kind of viewer sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lobby<'a> {
    /// One card per game, in the order of the games.
    pub cards: Vec<Card<'a>>,
}

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

impl<'a> Lobby<'a> {
    /// Picks out what the lobby shows to `viewer`.
    #[must_use]
    pub fn new(games: &'a [Game], names: &'a Names, viewer: &UserId) -> Self {
        Self {
            cards: games
                .iter()
                .map(|game| Card::new(game, names, game.role(viewer)))
                .collect(),
        }
    }

    /// Returns the games in which `viewer` has a seat: viewers for whom this is equal see equal lobbies. For all but
    /// those who play it is empty.
    #[must_use]
    pub fn seats(games: &[Game], viewer: &UserId) -> Vec<(usize, Role)> {
        let roles = games.iter().map(|game| game.role(viewer)).enumerate();
        roles.filter(|&(_, role)| role != Role::Spectator).collect()
    }
}

impl<'a> Card<'a> {
    fn new(game: &'a Game, names: &'a Names, role: Role) -> Self {
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
