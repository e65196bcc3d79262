//! One game on its own page: who plays, whose turn it is, the board.

use serde::Serialize;

use super::{Names, Players, text, winner};
use crate::board::{Cell, Line};
use crate::record::{Game, Phase, Role};

/// A game as everyone of one role sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table<'a> {
    /// The game's id.
    pub id: &'a str,
    /// The game's name.
    pub name: &'a str,
    /// Who plays.
    pub players: Players<'a>,
    /// What the viewer is in it.
    pub role: Role,
    /// The viewer's mark; nothing for a spectator.
    pub mark: &'static str,
    /// How far the game has come.
    pub phase: Phase,
    /// The mark that is to move.
    pub turn: &'static str,
    /// True when the viewer is to move.
    pub my_turn: bool,
    /// `X`, `O`, `TIE` or nothing.
    pub winner: &'static str,
    /// The nine cells in order.
    pub squares: Vec<Square>,
    /// The lines to draw through three in a row.
    pub strikes: Vec<Strike>,
}

/// One cell of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Square {
    /// 0 to 8.
    pub cell: usize,
    /// 1 to 3, for a screen reader.
    pub row: usize,
    /// 1 to 3, for a screen reader.
    pub column: usize,
    /// `X`, `O` or nothing.
    pub mark: &'static str,
    /// True when the viewer may play it now.
    pub open: bool,
    /// True when it belongs to three in a row.
    pub won: bool,
}

/// A stroke through three in a row, in a picture of [`Strike::SIZE`] units square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Strike {
    /// Where it begins, from the left.
    pub x1: u16,
    /// Where it begins, from the top.
    pub y1: u16,
    /// Where it ends, from the left.
    pub x2: u16,
    /// Where it ends, from the top.
    pub y2: u16,
}

impl<'a> Table<'a> {
    /// Picks out what the page shows to a viewer of this role.
    #[must_use]
    pub fn new(game: &'a Game, names: &'a Names, role: Role) -> Self {
        let board = game.board();
        let lines: Vec<Line> = board.winning_lines().collect();
        let phase = game.phase();
        let my_turn = phase == Phase::Playing && role.mark() == Some(board.turn());
        let square = |cell: Cell| Square {
            cell: cell.index(),
            row: cell.row() + 1,
            column: cell.column() + 1,
            mark: text(board.mark(cell)),
            open: my_turn && board.mark(cell).is_none(),
            won: lines.iter().any(|line| line.contains(&cell)),
        };
        Self {
            id: game.id().as_str(),
            name: game.name().as_str(),
            players: Players::of(game, names),
            role,
            mark: text(role.mark()),
            phase,
            turn: board.turn().as_str(),
            my_turn,
            winner: winner(board),
            squares: Cell::all().map(square).collect(),
            strikes: lines.iter().map(Strike::through).collect(),
        }
    }
}

impl Strike {
    /// Side of the picture. The style sheet lays the cells out in the same proportions: a gap of three hundredths.
    pub const SIZE: u16 = 300;

    fn through([from, _, to]: &Line) -> Self {
        let (x1, x2) = Self::ends(from.column(), to.column());
        let (y1, y2) = Self::ends(from.row(), to.row());
        Self { x1, y1, x2, y2 }
    }

    /// Returns where a stroke from one row or column to another begins and ends: at the middle of the cells if it stays
    /// in one, else a little short of the edges.
    fn ends(from: usize, to: usize) -> (u16, u16) {
        const MIDDLES: [u16; 3] = [47, 150, 253];
        const INSET: u16 = 16;
        match from.cmp(&to) {
            std::cmp::Ordering::Equal => (MIDDLES[from], MIDDLES[to]),
            std::cmp::Ordering::Less => (INSET, Self::SIZE - INSET),
            std::cmp::Ordering::Greater => (Self::SIZE - INSET, INSET),
        }
    }
}
