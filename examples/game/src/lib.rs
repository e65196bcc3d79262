//! The tic-tac-toe as a library of routes, state and views: [`part`] is all that an application grafts.
//!
//! ```text
//! board, record, name, id    the rules: pure, and every race is decided by them
//! refusal                    why they refuse
//! page                       what a page shows of a game, picked out for templates
//! store                      games and users in their buckets, by compare-and-swap; the scene of each game
//! web                        routes and handlers
//! ```
//!
//! What is absent on purpose: a lock around a game (its record is replaced only if it is still the one that was read), a second
//! value that says the same as the first (a lobby of its own, say), and any use of a name to tell who somebody is.

mod board;
mod id;
mod name;
mod page;
mod record;
mod refusal;
mod store;
mod web;

pub use board::{Board, Cell, IllegalMove, Line, Mark, NoSuchCell, Outcome};
pub use id::{GameId, NoRandomness, NotAnId, UserId};
pub use name::{BadName, GameName, UserName};
pub use page::{Card, Names, Players, Square, Strike, Table};
pub use record::{Departure, Game, Joined, Phase, Role, Snapshot};
pub use refusal::Refusal;
pub use web::part;
