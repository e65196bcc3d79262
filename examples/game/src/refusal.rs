//! Why the rules refuse an action: one case, one stable id, one sentence for whoever tried.

use std::fmt;

use pleach::Error;
use pleach::http::StatusCode;

/// An action that the rules refuse to this user or in this state. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Only the two who play may do this.
    NotAPlayer,
    /// Only the game's host may do this.
    NotTheHost,
    /// The challenger's seat is held by somebody else.
    Full,
    /// Nobody has taken the challenger's seat yet.
    Waiting,
    /// The game has ended.
    Over,
    /// The cell has a mark already.
    Taken,
    /// It is the other player's turn.
    Turn,
    /// The game has not ended yet.
    NotOver,
    /// Only the challenger can leave; a host deletes the game instead.
    NotChallenger,
}

impl Refusal {
    /// Every refusal, for tables and tests.
    pub const ALL: [Self; 9] = [
        Self::NotAPlayer,
        Self::NotTheHost,
        Self::Full,
        Self::Waiting,
        Self::Over,
        Self::Taken,
        Self::Turn,
        Self::NotOver,
        Self::NotChallenger,
    ];

    /// Returns the id that clients may rely on.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::NotAPlayer | Self::NotTheHost => "forbidden",
            Self::Full => "game.join.full",
            Self::Waiting => "game.toggle.waiting",
            Self::Over => "game.toggle.over",
            Self::Taken => "game.toggle.taken",
            Self::Turn => "game.toggle.turn",
            Self::NotOver => "game.reset.not_over",
            Self::NotChallenger => "game.leave.not_challenger",
        }
    }

    /// Returns true when it is about who asks (403), false when about the state of the game (409).
    #[must_use]
    pub fn is_forbidden(self) -> bool {
        match self {
            Self::NotAPlayer | Self::NotTheHost | Self::NotChallenger => true,
            Self::Full | Self::Waiting | Self::Over | Self::Taken | Self::Turn | Self::NotOver => {
                false
            }
        }
    }

    /// Returns the answer to the request: 403 or 409.
    pub(crate) fn into_error(self) -> Error {
        let status = if self.is_forbidden() {
            StatusCode::FORBIDDEN
        } else {
            StatusCode::CONFLICT
        };
        Error::new(status, self.id(), self.to_string())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAPlayer => "You are watching this game, not playing it.",
            Self::NotTheHost => "Only the host can do this.",
            Self::Full => "Somebody else took the seat.",
            Self::Waiting => "Wait until somebody joins.",
            Self::Over => "The game is over.",
            Self::Taken => "That cell is taken.",
            Self::Turn => "It is not your turn.",
            Self::NotOver => "Finish this game first.",
            Self::NotChallenger => "Only the challenger can leave a game.",
        })
    }
}

impl std::error::Error for Refusal {}
