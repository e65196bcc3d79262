//! The lobby as its viewers see it.
//!
//! A card is made once for a game, a revision and a role, and the whole list once for all viewers who have no seat in any
//! game. Whoever has one sees a list that nobody else sees, put together from the same cards.

use std::sync::Arc;

use pleach::live::{Encoded, PatchElements, Shared, Snapshot};
use pleach::views::Data;
use pleach::{Context, Result, Tier};

use crate::id::UserId;
use crate::page::Card;
use crate::record::Role;
use crate::store::{Scene, Users};

/// Lists that are kept: one for each viewer with a seat and one for all others.
const LISTS: usize = 1024;

/// The lists that viewers were sent last.
pub(crate) struct Lobby {
    lists: Shared<Option<UserId>>,
}

impl Lobby {
    pub(super) fn new() -> Self {
        let lists = Shared::new(LISTS);
        Self { lists }
    }

    /// Returns the event that shows these games to a viewer.
    pub(super) async fn event(
        &self,
        cx: &Context,
        users: &Users,
        games: &Snapshot<Scene>,
        viewer: &UserId,
    ) -> Result<Encoded> {
        let Cards { html, has_seat } = cards(cx, users, games, viewer).await?;
        let make = || {
            let list = cx.view("dashboard").with("cards", &html.concat());
            let list = PatchElements::new(list.fragment(cx, "list")?);
            Ok(list.id(games.id()).encode()?)
        };
        if !is_shared(cx) {
            return make();
        }
        let view = has_seat.then(|| viewer.clone());
        self.lists.get(view, games.revision(), make)
    }
}

/// One card per game, the newest game first.
pub(super) struct Cards {
    pub(super) html: Vec<Arc<str>>,
    /// The viewer plays in one of the games.
    has_seat: bool,
}

/// Returns the cards that a viewer sees.
pub(super) async fn cards(
    cx: &Context,
    users: &Users,
    games: &Snapshot<Scene>,
    viewer: &UserId,
) -> Result<Cards> {
    let mut html = Vec::with_capacity(games.len());
    let mut has_seat = false;
    for (_, item) in games.iter() {
        let role = item.value.game.role(viewer);
        has_seat |= role != Role::Spectator;
        html.push(card(cx, users, &item.value, role).await?);
    }
    // Ids of games sort by the time at which they were made.
    html.reverse();
    Ok(Cards { html, has_seat })
}

async fn card(cx: &Context, users: &Users, scene: &Scene, role: Role) -> Result<Arc<str>> {
    let make = || async {
        let names = scene.names(|| users.names_in(&scene.game)).await?;
        let card = Data::new().with("card", &Card::new(&scene.game, names, role));
        cx.app().render(cx, "card", card).map(Arc::from)
    };
    if is_shared(cx) {
        scene.card(role, make).await
    } else {
        make().await
    }
}

/// Returns true when markup that was made once is good for all. In development the templates may change any moment, and a page
/// that was just loaded must not be patched with what they were before.
pub(super) fn is_shared(cx: &Context) -> bool {
    cx.tier() != Tier::Development
}
