//! The game as routes: what is where, and what answers.

mod dashboard;
mod departure;
mod landing;
mod lobby;
mod routes;
mod table;
mod visitor;

use pleach::router::TypedRoute;
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
        .route(at::<Landing>("landing").get(landing::page))
        .route(at::<Login>("index.login").post(landing::login))
        .route(at::<Dashboard>("dashboard").get(dashboard::page))
        .route(at::<DashboardUpdates>("dashboard.updates").get(dashboard::updates))
        .route(at::<Create>("dashboard.create").post(dashboard::create))
        .route(at::<Join>("dashboard.join").post(dashboard::join))
        .route(
            at::<Delete>("dashboard.delete")
                .delete(dashboard::delete)
                .post(dashboard::delete),
        )
        .route(
            at::<Purge>("dashboard.purge")
                .delete(dashboard::purge)
                .post(dashboard::purge),
        )
        .route(at::<Logout>("dashboard.logout").post(landing::logout))
        .route(at::<GamePage>("game").get(table::page))
        .route(at::<GameUpdates>("game.updates").get(table::updates))
        .route(at::<Toggle>("game.toggle").post(table::toggle))
        .route(at::<Reset>("game.reset").post(table::reset))
        .route(at::<Leave>("game.leave").post(table::leave))
        .route(at::<GameState>("game.state").get(table::state))
}

/// Begins the route of an address, under the name that templates call it by.
fn at<R: TypedRoute>(name: &str) -> Route {
    Route::new(name).typed::<R>()
}
