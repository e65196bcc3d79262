//! The record of a game, and every way in which an action changes it.
//!
//! An action is a pure function from one record to the next. Whoever stores the result does so by compare-and-swap on
//! the revision that it read, and decides afresh when another writer came first; so the rules here are all the locking
//! that a game has.

mod stored;

use serde::{Deserialize, Serialize};

use crate::board::{Board, Cell, IllegalMove, Mark, Outcome};
use crate::id::{GameId, UserId};
use crate::name::GameName;
use crate::refusal::Refusal;

pub use stored::Snapshot;
use stored::Stored;

/// A game: who plays and what is on the board. It is the one value that is stored of it.
///
/// Its JSON is that of `game.state` without the revision; see [`Snapshot`]. Reading refuses a value that no action
/// leads to, instead of trusting it: a turn that contradicts the marks, a mark too many, moves before anyone joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Game {
    id: GameId,
    name: GameName,
    host: UserId,
    challenger: Option<UserId>,
    board: Board,
}

/// What a user is in a game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Made the game and plays X.
    Host,
    /// Took the free seat and plays O.
    Challenger,
    /// Plays no part in it: a spectator, who may join while the seat is free.
    Spectator,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Host, Self::Challenger, Self::Spectator];

    /// Returns the mark that this role plays with.
    #[must_use]
    pub fn mark(self) -> Option<Mark> {
        match self {
            Self::Host => Some(Mark::X),
            Self::Challenger => Some(Mark::O),
            Self::Spectator => None,
        }
    }
}

/// How far a game has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The challenger's seat is free.
    Waiting,
    /// Both seats are taken and the next mark is to move.
    Playing,
    /// Won or tied.
    Over,
}

/// What came of joining.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Joined {
    /// The user is a player already: nothing to store.
    Already(Game),
    /// The user took the free seat.
    Seated(Game),
}

/// What becomes of a game whose player logs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Departure {
    /// The user had no part in it: nothing to store.
    Unchanged,
    /// The user was the challenger, whose seat is free again.
    SeatFreed(Game),
    /// The user was the host: the game goes.
    Gone,
}

impl Game {
    /// Creates a game that waits for its challenger.
    #[must_use]
    pub fn new(id: GameId, name: GameName, host: UserId) -> Self {
        Self {
            id,
            name,
            host,
            challenger: None,
            board: Board::EMPTY,
        }
    }

    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> &GameId {
        &self.id
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &GameName {
        &self.name
    }

    /// Returns who made the game and plays X.
    #[must_use]
    pub fn host(&self) -> &UserId {
        &self.host
    }

    /// Returns who plays O, or `None` while the seat is free.
    #[must_use]
    pub fn challenger(&self) -> Option<&UserId> {
        self.challenger.as_ref()
    }

    /// Returns the board.
    #[must_use]
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Returns how far the game has come.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match (&self.challenger, self.board.outcome()) {
            (None, _) => Phase::Waiting,
            (Some(_), None) => Phase::Playing,
            (Some(_), Some(_)) => Phase::Over,
        }
    }

    /// Returns how the game ended, or `None` while it goes on.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.board.outcome()
    }

    /// Returns what `user` is in this game.
    #[must_use]
    pub fn role(&self, user: &UserId) -> Role {
        if *user == self.host {
            Role::Host
        } else if self.challenger.as_ref() == Some(user) {
            Role::Challenger
        } else {
            Role::Spectator
        }
    }

    /// Takes the free seat for `user`. Whoever plays already, on either side, stays as they are.
    ///
    /// # Errors
    /// [`Refusal::Full`] when somebody else has the seat.
    pub fn join(self, user: &UserId) -> Result<Joined, Refusal> {
        match self.role(user) {
            Role::Host | Role::Challenger => Ok(Joined::Already(self)),
            Role::Spectator if self.challenger.is_some() => Err(Refusal::Full),
            Role::Spectator => Ok(Joined::Seated(Self {
                challenger: Some(user.clone()),
                ..self
            })),
        }
    }

    /// Puts the mark of `user` on `cell`.
    ///
    /// # Errors
    /// In this order: [`Refusal::NotAPlayer`], [`Refusal::Waiting`], [`Refusal::Over`], [`Refusal::Taken`],
    /// [`Refusal::Turn`].
    pub fn toggle(self, user: &UserId, cell: Cell) -> Result<Self, Refusal> {
        let mark = self.role(user).mark().ok_or(Refusal::NotAPlayer)?;
        if self.phase() == Phase::Waiting {
            return Err(Refusal::Waiting);
        }
        let board = self.board.play(cell).map_err(|illegal| match illegal {
            IllegalMove::Over => Refusal::Over,
            IllegalMove::Taken => Refusal::Taken,
        })?;
        // The board plays whichever mark is due, so a move that it allows may still be the other player's to make.
        if mark != self.board.turn() {
            return Err(Refusal::Turn);
        }
        Ok(Self { board, ..self })
    }

    /// Clears the board of a game that is over; X begins again.
    ///
    /// # Errors
    /// [`Refusal::NotAPlayer`], then [`Refusal::NotOver`].
    pub fn reset(self, user: &UserId) -> Result<Self, Refusal> {
        if self.role(user) == Role::Spectator {
            return Err(Refusal::NotAPlayer);
        }
        if self.phase() != Phase::Over {
            return Err(Refusal::NotOver);
        }
        Ok(Self {
            board: Board::EMPTY,
            ..self
        })
    }

    /// Frees the seat of the challenger `user` and clears the board, for the marks on it were a game with them.
    ///
    /// # Errors
    /// [`Refusal::NotChallenger`] for everybody else, the host included.
    pub fn leave(self, user: &UserId) -> Result<Self, Refusal> {
        match self.role(user) {
            Role::Challenger => Ok(Self {
                challenger: None,
                board: Board::EMPTY,
                ..self
            }),
            Role::Host | Role::Spectator => Err(Refusal::NotChallenger),
        }
    }

    /// Tells what becomes of the game when `user` logs out.
    #[must_use]
    pub fn depart(self, user: &UserId) -> Departure {
        match self.role(user) {
            Role::Host => Departure::Gone,
            Role::Challenger => Departure::SeatFreed(Self {
                challenger: None,
                board: Board::EMPTY,
                ..self
            }),
            Role::Spectator => Departure::Unchanged,
        }
    }

    /// Checks that `user` may delete the game.
    ///
    /// # Errors
    /// [`Refusal::NotTheHost`] for everybody but the host.
    pub fn may_delete(&self, user: &UserId) -> Result<(), Refusal> {
        match self.role(user) {
            Role::Host => Ok(()),
            Role::Challenger | Role::Spectator => Err(Refusal::NotTheHost),
        }
    }
}

#[cfg(test)]
mod tests;
