//! The record as JSON, and the checks that a value read from a store must pass.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Game;
use crate::board::{Board, Mark, Outcome};
use crate::id::{GameId, UserId};
use crate::name::GameName;

/// A game with the revision of its record: the answer of `game.state`.
#[derive(Debug, Serialize)]
pub struct Snapshot<'a> {
    /// The record.
    #[serde(flatten)]
    pub game: &'a Game,
    /// The revision of the record, which grows with every change.
    pub revision: u64,
}

/// The fields in their order on the wire. `turn` and `winner` follow from the board and are written for other readers
/// of the store; on the way in they are only compared.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    id: GameId,
    name: GameName,
    host_id: UserId,
    challenger_id: String,
    board: [Square; Board::CELLS],
    turn: Square,
    winner: Winner,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Square {
    #[serde(rename = "")]
    Empty,
    X,
    O,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Winner {
    #[serde(rename = "")]
    None,
    X,
    O,
    #[serde(rename = "TIE")]
    Tie,
}

/// Why a stored value is not the record of a game.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Corrupt {
    Board,
    Turn,
    Winner,
    Alone,
    BothSeats,
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Board => "no game leads to the board",
            Self::Turn => "the turn contradicts the board",
            Self::Winner => "the winner contradicts the board",
            Self::Alone => "there are marks on the board but no challenger",
            Self::BothSeats => "host and challenger are the same user",
        })
    }
}

impl TryFrom<Stored> for Game {
    type Error = Corrupt;

    fn try_from(stored: Stored) -> Result<Self, Corrupt> {
        let Stored {
            id,
            name,
            host_id: host,
            challenger_id,
            board,
            turn,
            winner,
        } = stored;
        let board = Board::from_marks(board.map(Square::mark)).ok_or(Corrupt::Board)?;
        let challenger = UserId::try_from(challenger_id).ok();
        if turn != Square::from(Some(board.turn())) {
            return Err(Corrupt::Turn);
        }
        if winner != Winner::from(board.outcome()) {
            return Err(Corrupt::Winner);
        }
        if challenger.is_none() && board != Board::EMPTY {
            return Err(Corrupt::Alone);
        }
        if challenger.as_ref() == Some(&host) {
            return Err(Corrupt::BothSeats);
        }
        Ok(Self {
            id,
            name,
            host,
            challenger,
            board,
        })
    }
}

impl From<Game> for Stored {
    fn from(game: Game) -> Self {
        let Game {
            id,
            name,
            host,
            challenger,
            board,
        } = game;
        Self {
            id,
            name,
            host_id: host,
            challenger_id: challenger
                .map(|user| user.as_str().to_owned())
                .unwrap_or_default(),
            board: board.marks().map(Square::from),
            turn: Square::from(Some(board.turn())),
            winner: Winner::from(board.outcome()),
        }
    }
}

impl Square {
    fn mark(self) -> Option<Mark> {
        match self {
            Self::Empty => None,
            Self::X => Some(Mark::X),
            Self::O => Some(Mark::O),
        }
    }
}

impl From<Option<Mark>> for Square {
    fn from(mark: Option<Mark>) -> Self {
        match mark {
            None => Self::Empty,
            Some(Mark::X) => Self::X,
            Some(Mark::O) => Self::O,
        }
    }
}

impl From<Option<Outcome>> for Winner {
    fn from(outcome: Option<Outcome>) -> Self {
        match outcome {
            None => Self::None,
            Some(Outcome::Won(Mark::X)) => Self::X,
            Some(Outcome::Won(Mark::O)) => Self::O,
            Some(Outcome::Tie) => Self::Tie,
        }
    }
}
