//! What a user who is logged out leaves behind: nothing, whatever comes in between.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pleach::{BaseApp, Driver, SessionOptions};

use super::*;
use crate::name::{GameName, UserName};
use crate::record::Role;
use crate::store::User;
use crate::web::part;

/// The parts of an application that are tested here, on a store of their own.
struct House {
    users: Arc<Users>,
    games: Arc<Games>,
    /// Keeps the store.
    _app: BaseApp,
}

async fn house(sessions: SessionOptions) -> House {
    let driver = Driver::open("memory:").await.expect("a store");
    let app = BaseApp::builder("house")
        .graft("", part())
        .driver(driver)
        .sessions(sessions);
    let app = app.build().expect("no faults");
    app.start().await.expect("a start");
    House {
        users: app.state().expect("users"),
        games: app.state().expect("games"),
        _app: app,
    }
}

impl House {
    async fn user(&self, name: &str) -> User {
        let name = UserName::parse(name).expect("a name");
        self.users.create(name).await.expect("a user")
    }

    async fn game(&self, host: &User) -> Kept {
        let name = GameName::of_host(&host.name);
        self.games.create(name, &host.id).await.expect("a game")
    }

    /// Logs a user out but for the session.
    async fn log_out(&self, user: &User) {
        self.users.remove(&user.id).await.expect("removed");
        self.games.release(&user.id).await.expect("released");
    }

    async fn unless_gone(&self, kept: Kept, user: &User) -> Result<Kept> {
        unless_gone(kept, &user.id, &self.users, &self.games).await
    }
}

#[tokio::test]
async fn a_game_that_was_made_behind_a_log_out_goes_again() {
    let house = house(SessionOptions::new()).await;
    let ada = house.user("Ada").await;
    house.log_out(&ada).await;
    // The request had asked who it was before the log-out, and writes after it.
    let kept = house.game(&ada).await;
    let id = kept.game.id().clone();
    let error = house.unless_gone(kept, &ada).await.expect_err("gone");
    assert_eq!(error.status(), 401);
    let missing = house.games.get(&id).await.expect_err("no such game");
    assert_eq!(missing.status(), 404);
}

#[tokio::test]
async fn a_seat_that_was_taken_behind_a_log_out_is_free_again() {
    let house = house(SessionOptions::new()).await;
    let (ada, bob) = (house.user("Ada").await, house.user("Bob").await);
    let id = house.game(&ada).await.game.id().clone();
    house.log_out(&bob).await;
    let kept = house.games.join(&id, &bob.id).await.expect("a seat");
    let error = house.unless_gone(kept, &bob).await.expect_err("gone");
    assert_eq!(error.status(), 401);
    let game = house.games.get(&id).await.expect("Ada's game").game;
    assert_eq!(game.challenger(), None);
}

#[tokio::test]
async fn what_a_user_does_who_is_still_there_stays() {
    let house = house(SessionOptions::new()).await;
    let ada = house.user("Ada").await;
    let kept = house.game(&ada).await;
    let kept = house.unless_gone(kept, &ada).await.expect("kept");
    assert_eq!(kept.game.role(&ada.id), Role::Host);
}

#[tokio::test]
async fn a_release_may_be_repeated_and_spares_the_games_of_others() {
    let house = house(SessionOptions::new()).await;
    let (ada, bob) = (house.user("Ada").await, house.user("Bob").await);
    let (own, other) = (house.game(&ada).await, house.game(&bob).await);
    for _ in 0..2 {
        house.games.release(&ada.id).await.expect("released");
    }
    assert!(house.games.get(own.game.id()).await.is_err());
    let other = house.games.get(other.game.id()).await.expect("Bob's game");
    assert_eq!(other.game.role(&bob.id), Role::Host);
}

#[tokio::test]
async fn a_user_lives_as_long_as_its_session_is_used_and_expires_then() {
    let idle = Duration::from_millis(800);
    let house = house(SessionOptions::new().idle(idle)).await;
    let ada = house.user("Ada").await;
    let began = Instant::now();
    while began.elapsed() < idle * 2 {
        let seen = house.users.seen(&ada.id).await.expect("the store");
        assert_eq!(seen.as_ref(), Some(&ada), "after {:?}", began.elapsed());
        tokio::time::sleep(idle / 16).await;
    }
    let last = Instant::now();
    gone(|| house.users.is_there(&ada.id)).await;
    assert!(
        last.elapsed() >= idle,
        "it outlasts its session: {:?}",
        last.elapsed()
    );
}

/// Waits until something is not there any more.
async fn gone<F: Future<Output = Result<bool>>>(is_there: impl Fn() -> F) {
    let gone = async {
        while is_there().await.expect("the store") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let gone = tokio::time::timeout(Duration::from_secs(20), gone).await;
    gone.expect("an end");
}
