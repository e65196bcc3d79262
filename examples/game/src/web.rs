//! The game as routes: what is where, and what answers.

mod dashboard;
mod departure;
mod landing;
mod lobby;
mod routes;
mod table;
mod visitor;

use pleach::views::embed;
use pleach::{Asset, Part, Route};

use self::lobby::Lobby;
use self::routes::*;
use crate::store::{GAME_TTL, Games, Users};

/// The game: graft it, under no name of its own if its landing page is to be the application's.
///
/// It keeps the buckets `games` and `users`, and adds the option `--game-ttl`.
pub fn part() -> Part {
    Part::new()
        .views(embed!("$CARGO_MANIFEST_DIR/views"))
        .assets([
            Asset::new("game.css", include_bytes!("../assets/game.css")),
            Asset::new("favicon.svg", include_bytes!("../assets/favicon.svg")),
        ])
        .option(GAME_TTL)
        .state_from(Users::open)
        .state_from(Games::open)
        .state(Lobby::new())
        .route(Route::new("landing").typed::<Landing>().get(landing::page))
        .route(
            Route::new("index.login")
                .typed::<Login>()
                .post(landing::login),
        )
        .route(
            Route::new("dashboard")
                .typed::<Dashboard>()
                .get(dashboard::page),
        )
        .route(
            Route::new("dashboard.updates")
                .typed::<DashboardUpdates>()
                .get(dashboard::updates),
        )
        .route(
            Route::new("dashboard.create")
                .typed::<Create>()
                .post(dashboard::create),
        )
        .route(
            Route::new("dashboard.join")
                .typed::<Join>()
                .post(dashboard::join),
        )
        .route(
            Route::new("dashboard.delete")
                .typed::<Delete>()
                .delete(dashboard::delete)
                .post(dashboard::delete),
        )
        .route(
            Route::new("dashboard.purge")
                .typed::<Purge>()
                .delete(dashboard::purge)
                .post(dashboard::purge),
        )
        .route(
            Route::new("dashboard.logout")
                .typed::<Logout>()
                .post(landing::logout),
        )
        .route(Route::new("game").typed::<GamePage>().get(table::page))
        .route(
            Route::new("game.updates")
                .typed::<GameUpdates>()
                .get(table::updates),
        )
        .route(
            Route::new("game.toggle")
                .typed::<Toggle>()
                .post(table::toggle),
        )
        .route(Route::new("game.reset").typed::<Reset>().post(table::reset))
        .route(Route::new("game.leave").typed::<Leave>().post(table::leave))
        .route(
            Route::new("game.state")
                .typed::<GameState>()
                .get(table::state),
        )
}
