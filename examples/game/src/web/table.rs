//! One game: its page, live, and the moves.

use pleach::live::{Encoded, EventId, PatchElements};
use pleach::{Context, Error, IntoResponse, Json, Response, Result, State, View};

use super::lobby::is_shared;
use super::routes::{Dashboard, GamePage, GameState, GameUpdates, Leave, Reset, Toggle};
use super::visitor::Viewer;
use crate::page::Table;
use crate::record::Role;
use crate::store::{Games, Scene, User, Users};

pub(super) async fn page(
    cx: Context,
    Viewer(user): Viewer,
    GamePage { id }: GamePage,
    users: State<Users>,
    games: State<Games>,
) -> Result<View> {
    let game = games.get(&id).await?.game;
    let names = users.names_in(&game).await?;
    let table = Table::new(&game, &names, game.role(&user.id));
    let page = cx.view("game").with("title", table.name);
    Ok(page.with("table", &table))
}

/// Shows the table, and again whenever the game has changed; at its end, the lobby.
///
/// A page that comes back to a game that went meanwhile is told so like all that had stayed; it knows the game, so 404 would be
/// news to nobody.
pub(super) async fn updates(
    cx: Context,
    user: User,
    GameUpdates { id }: GameUpdates,
    users: State<Users>,
    games: State<Games>,
) -> Result<Response> {
    let is_there = games.latest().await?.get(id.as_str()).is_some();
    if !is_there && !cx.headers().contains_key("last-event-id") {
        return Err(Error::not_found());
    }
    let mut follower = games.follow_game(&id);
    let viewer = user.id;
    let lobby = cx.url(&Dashboard)?;
    let page_cx = cx.detached();
    Ok(cx.live(move |mut page| async move {
        let mut seen = page.last_event_id();
        while let Some(item) = follower.next().await {
            let id = games.event_id(item.revision);
            if seen.take() == Some(id) {
                continue;
            }
            let role = item.value.game.role(&viewer);
            let event = event(&page_cx, &users, &item.value, role, id).await?;
            page.send(event).await?;
        }
        page.redirect(&lobby).await?;
        Ok(())
    }))
}

/// Returns the event that shows the table to all of one role.
async fn event(
    cx: &Context,
    users: &Users,
    scene: &Scene,
    role: Role,
    id: EventId,
) -> Result<Encoded> {
    let make = || async {
        let names = scene.names(|| users.names_in(&scene.game)).await?;
        let table = Table::new(&scene.game, names, role);
        let mut html = cx
            .view("game")
            .with("table", &table)
            .fragment(cx, "controls")?;
        html += &cx
            .view("game")
            .with("table", &table)
            .fragment(cx, "board")?;
        Ok(PatchElements::new(html).id(id).encode()?)
    };
    if is_shared(cx) {
        scene.table(role, make).await
    } else {
        make().await
    }
}

pub(super) async fn toggle(
    cx: Context,
    user: User,
    Toggle { id, cell }: Toggle,
    games: State<Games>,
) -> Result<impl IntoResponse> {
    let changed = games.change(&id, |game| game.toggle(&user.id, cell));
    let kept = changed.await?;
    cx.reply(cx.url(&GamePage { id })?).json(&kept.snapshot())
}

pub(super) async fn reset(
    cx: Context,
    user: User,
    Reset { id }: Reset,
    games: State<Games>,
) -> Result<impl IntoResponse> {
    let kept = games.change(&id, |game| game.reset(&user.id)).await?;
    cx.reply(cx.url(&GamePage { id })?).json(&kept.snapshot())
}

pub(super) async fn leave(
    cx: Context,
    user: User,
    Leave { id }: Leave,
    games: State<Games>,
) -> Result<impl IntoResponse> {
    let kept = games.change(&id, |game| game.leave(&user.id)).await?;
    let answer = cx.reply(cx.url(&Dashboard)?).follow();
    answer.json(&kept.snapshot())
}

pub(super) async fn state(
    cx: Context,
    _: User,
    GameState { id }: GameState,
    games: State<Games>,
) -> Result<Response> {
    let kept = games.get(&id).await?;
    Json(kept.snapshot()).into_response(&cx)
}
