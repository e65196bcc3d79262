//! The board: nine cells, whose turn it is and how it ended, all read from the marks alone.

use std::fmt;
use std::str::FromStr;

/// One of the two marks that players put on the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// The host's mark; it begins.
    X,
    /// The challenger's mark.
    O,
}

impl Mark {
    /// Returns the mark that plays after this one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::X => Self::O,
            Self::O => Self::X,
        }
    }

    /// Returns `X` or `O`, as it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::X => "X",
            Self::O => "O",
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A place on the board: 0 to 8, row by row from the top left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell(u8);

impl Cell {
    /// Returns all nine cells in order.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        (0..Board::CELLS as u8).map(Self)
    }

    /// Returns the place as an index below [`Board::CELLS`].
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Returns the row, 0 at the top.
    #[must_use]
    pub fn row(self) -> usize {
        self.index() / 3
    }

    /// Returns the column, 0 at the left.
    #[must_use]
    pub fn column(self) -> usize {
        self.index() % 3
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<u8> for Cell {
    type Error = NoSuchCell;

    fn try_from(index: u8) -> Result<Self, NoSuchCell> {
        if usize::from(index) < Board::CELLS {
            Ok(Self(index))
        } else {
            Err(NoSuchCell)
        }
    }
}

impl FromStr for Cell {
    type Err = NoSuchCell;

    /// Reads exactly one digit: `04` and `+4` name no cell, so that each cell has one URL.
    fn from_str(text: &str) -> Result<Self, NoSuchCell> {
        match text.as_bytes() {
            [digit @ b'0'..=b'8'] => Ok(Self(digit - b'0')),
            _ => Err(NoSuchCell),
        }
    }
}

/// A number or a text that names no cell of the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSuchCell;

impl fmt::Display for NoSuchCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cell is a number from 0 to 8")
    }
}

impl std::error::Error for NoSuchCell {}

/// How a game ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The mark has three in a line.
    Won(Mark),
    /// The board is full and nobody has three in a line.
    Tie,
}

/// Why a move can't be made on the board, whoever makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IllegalMove {
    /// The game has ended.
    Over,
    /// The cell has a mark already.
    Taken,
}

/// Three cells in a row, column or diagonal.
pub type Line = [Cell; 3];

/// Every line that wins.
const LINES: [Line; 8] = [
    [Cell(0), Cell(1), Cell(2)],
    [Cell(3), Cell(4), Cell(5)],
    [Cell(6), Cell(7), Cell(8)],
    [Cell(0), Cell(3), Cell(6)],
    [Cell(1), Cell(4), Cell(7)],
    [Cell(2), Cell(5), Cell(8)],
    [Cell(0), Cell(4), Cell(8)],
    [Cell(2), Cell(4), Cell(6)],
];

/// Nine cells with their marks, as a game in which X began can have left them.
///
/// The marks are the whole state: turn and outcome follow from them and are never kept beside them, so they can't disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Board([Option<Mark>; Board::CELLS]);

impl Board {
    /// How many cells a board has.
    pub const CELLS: usize = 9;

    /// The board before the first move.
    pub const EMPTY: Self = Self([None; Self::CELLS]);

    /// Returns the board with these marks, or `None` if no game leads to it.
    #[must_use]
    pub fn from_marks(marks: [Option<Mark>; Self::CELLS]) -> Option<Self> {
        let board = Self(marks);
        let (x, o) = (board.count(Mark::X), board.count(Mark::O));
        let by_turns = x == o || x == o + 1;
        // The last mark put is X's exactly when X is one ahead; a winner must have put it, for nobody moves after a win.
        let winner_moved_last =
            (!board.has_line(Mark::X) || x == o + 1) && (!board.has_line(Mark::O) || x == o);
        (by_turns && winner_moved_last).then_some(board)
    }

    /// Returns the marks, cell by cell.
    #[must_use]
    pub fn marks(&self) -> &[Option<Mark>; Self::CELLS] {
        &self.0
    }

    /// Returns the mark on `cell`.
    #[must_use]
    pub fn mark(&self, cell: Cell) -> Option<Mark> {
        self.0[cell.index()]
    }

    /// Returns the mark that is to move; once the game is over, the one that would have been.
    #[must_use]
    pub fn turn(&self) -> Mark {
        if self.count(Mark::X) == self.count(Mark::O) {
            Mark::X
        } else {
            Mark::O
        }
    }

    /// Returns how the game ended, or `None` while it goes on.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        if self.has_line(Mark::X) {
            Some(Outcome::Won(Mark::X))
        } else if self.has_line(Mark::O) {
            Some(Outcome::Won(Mark::O))
        } else if self.0.iter().all(Option::is_some) {
            Some(Outcome::Tie)
        } else {
            None
        }
    }

    /// Returns the lines that won: one, two where a single move closed both, none while nobody has won.
    pub fn winning_lines(&self) -> impl Iterator<Item = Line> {
        LINES.into_iter().filter(|line| self.owner(line).is_some())
    }

    /// Puts the mark whose turn it is on `cell`.
    ///
    /// # Errors
    /// [`IllegalMove::Over`] once the game has ended, else [`IllegalMove::Taken`] when the cell has a mark.
    pub fn play(mut self, cell: Cell) -> Result<Self, IllegalMove> {
        if self.outcome().is_some() {
            return Err(IllegalMove::Over);
        }
        if self.mark(cell).is_some() {
            return Err(IllegalMove::Taken);
        }
        self.0[cell.index()] = Some(self.turn());
        Ok(self)
    }

    fn count(&self, mark: Mark) -> usize {
        self.0.iter().filter(|&&held| held == Some(mark)).count()
    }

    fn has_line(&self, mark: Mark) -> bool {
        LINES.iter().any(|line| self.owner(line) == Some(mark))
    }

    /// Returns the mark that holds the whole line.
    fn owner(&self, line: &Line) -> Option<Mark> {
        let [first, second, third] = line.map(|cell| self.mark(cell));
        if first == second && second == third {
            first
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Every board that play can reach, found by playing everything.
    fn reachable() -> HashSet<Board> {
        let mut seen = HashSet::from([Board::EMPTY]);
        let mut open = vec![Board::EMPTY];
        while let Some(board) = open.pop() {
            for next in Cell::all().filter_map(|cell| board.play(cell).ok()) {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        seen
    }

    /// Every way to fill nine cells, sensible or not.
    fn conceivable() -> impl Iterator<Item = [Option<Mark>; Board::CELLS]> {
        (0..3_usize.pow(9)).map(|mut code| {
            [(); Board::CELLS].map(|()| {
                let mark = [None, Some(Mark::X), Some(Mark::O)][code % 3];
                code /= 3;
                mark
            })
        })
    }

    fn board(text: &str) -> Board {
        let marks: Vec<_> = text.chars().filter(|c| !c.is_whitespace()).collect();
        let marks = <[char; Board::CELLS]>::try_from(marks).expect("nine cells");
        Board::from_marks(marks.map(|c| match c {
            'X' => Some(Mark::X),
            'O' => Some(Mark::O),
            _ => None,
        }))
        .expect("a board that play can reach")
    }

    #[test]
    fn exactly_the_reachable_boards_are_accepted() {
        let reachable = reachable();
        assert_eq!(
            reachable.len(),
            5_478,
            "the known number of tic-tac-toe positions"
        );
        for marks in conceivable() {
            assert_eq!(
                Board::from_marks(marks).is_some(),
                reachable.contains(&Board(marks)),
                "{marks:?}"
            );
        }
    }

    #[test]
    fn ends_are_as_many_as_counted_elsewhere() {
        let mut ends = [0; 3];
        for board in reachable() {
            match board.outcome() {
                Some(Outcome::Won(Mark::X)) => ends[0] += 1,
                Some(Outcome::Won(Mark::O)) => ends[1] += 1,
                Some(Outcome::Tie) => ends[2] += 1,
                None => {}
            }
        }
        assert_eq!(ends, [626, 316, 16]);
    }

    #[test]
    fn at_most_one_mark_has_a_line() {
        for board in reachable() {
            assert!(
                !(board.has_line(Mark::X) && board.has_line(Mark::O)),
                "{board:?}"
            );
            let won = matches!(board.outcome(), Some(Outcome::Won(_)));
            assert_eq!(board.winning_lines().count() > 0, won, "{board:?}");
        }
    }

    #[test]
    fn marks_alternate_and_a_move_changes_one_cell() {
        for board in reachable() {
            for cell in Cell::all() {
                let Ok(next) = board.play(cell) else { continue };
                assert_eq!(next.mark(cell), Some(board.turn()));
                assert_eq!(next.turn(), board.turn().other());
                let changed = Cell::all().filter(|&other| board.mark(other) != next.mark(other));
                assert_eq!(changed.collect::<Vec<_>>(), [cell]);
            }
        }
    }

    #[test]
    fn nobody_moves_after_the_end_and_that_is_said_before_the_cell_is_looked_at() {
        for board in reachable()
            .into_iter()
            .filter(|board| board.outcome().is_some())
        {
            for cell in Cell::all() {
                assert_eq!(board.play(cell), Err(IllegalMove::Over));
            }
        }
    }

    #[test]
    fn a_taken_cell_stays_as_it_is() {
        let played = Board::EMPTY.play(Cell(4)).expect("the first move is free");
        assert_eq!(played.play(Cell(4)), Err(IllegalMove::Taken));
    }

    #[test]
    fn one_move_can_close_two_lines() {
        let won = board("XXX OXO OOX");
        assert_eq!(won.outcome(), Some(Outcome::Won(Mark::X)));
        assert_eq!(
            won.winning_lines().collect::<Vec<_>>(),
            [LINES[0], LINES[6]]
        );
    }

    #[test]
    fn a_full_board_can_be_won_by_its_last_move() {
        assert_eq!(board("XOX OXO XOX").outcome(), Some(Outcome::Won(Mark::X)));
        assert_eq!(board("XOX XOO OXX").outcome(), Some(Outcome::Tie));
    }

    #[test]
    fn cells_are_read_from_one_digit_only() {
        for cell in Cell::all() {
            assert_eq!(cell.to_string().parse(), Ok(cell));
        }
        for text in ["", "9", "-1", "+1", "01", "1 ", "\u{661}", "x", "10", "256"] {
            assert_eq!(text.parse::<Cell>(), Err(NoSuchCell), "{text:?}");
        }
        assert_eq!(Cell::try_from(9), Err(NoSuchCell));
    }
}
