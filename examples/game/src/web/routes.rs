//! Every address of the game.
//!
//! Ids and cells are taken as any text and parsed by the handlers' arguments, behind the one that asks who it is: a stranger
//! learns to log in before learning what there is not.

use pleach::route;

use crate::board::Cell;
use crate::id::GameId;

route! {
    /// The page to log in.
    pub(super) struct Landing = "/";
}
route! {
    /// Logs in by name.
    pub(super) struct Login = "/api/index/login";
}
route! {
    /// The lobby.
    pub(super) struct Dashboard = "/dashboard";
}
route! {
    /// The lobby as it changes.
    pub(super) struct DashboardUpdates = "/api/dashboard/updates";
}
route! {
    /// Makes a game.
    pub(super) struct Create = "/api/dashboard/create";
}
route! {
    /// Takes the free seat.
    pub(super) struct Join = "/api/dashboard/{id}/join" { id: GameId }
}
route! {
    /// Deletes a game.
    pub(super) struct Delete = "/api/dashboard/{id}/delete" { id: GameId }
}
route! {
    /// Deletes all games.
    pub(super) struct Purge = "/api/dashboard/purge";
}
route! {
    /// Logs out.
    pub(super) struct Logout = "/api/dashboard/logout";
}
route! {
    /// The table of a game.
    pub(super) struct GamePage = "/game/{id}" { id: GameId }
}
route! {
    /// The table as it changes.
    pub(super) struct GameUpdates = "/api/game/{id}/updates" { id: GameId }
}
route! {
    /// Puts the caller's mark on a cell.
    pub(super) struct Toggle = "/api/game/{id}/toggle/{cell}" { id: GameId, cell: Cell }
}
route! {
    /// Clears the board after a game.
    pub(super) struct Reset = "/api/game/{id}/reset" { id: GameId }
}
route! {
    /// Frees the challenger's seat.
    pub(super) struct Leave = "/api/game/{id}/leave" { id: GameId }
}
route! {
    /// The record of a game.
    pub(super) struct GameState = "/api/game/{id}" { id: GameId }
}
