//! The tic-tac-toe as a library of routes, state and views.

mod board;
mod id;
mod name;
mod page;
mod record;
mod refusal;

pub use board::{Board, Cell, IllegalMove, Line, Mark, NoSuchCell, Outcome};
pub use id::{EmptyId, GameId, UserId};
pub use name::{BadName, GameName, UserName};
pub use page::{Card, Lobby, Names, Players, Square, Strike, Table};
pub use record::{Departure, Game, Joined, Phase, Role, Snapshot};
pub use refusal::Refusal;
