//! The lobby: all games, live, and what can be done from there.

use pleach::http::StatusCode;
use pleach::{Context, Error, Input, IntoResponse, Response, Result, State, View};
use serde::Deserialize;

use super::departure::unless_gone;
use super::lobby::{Lobby, cards};
use super::routes::{Dashboard, Delete, GamePage, Join};
use super::visitor::{Viewer, is_admin};
use crate::name::GameName;
use crate::store::{Games, User, Users};

pub(super) async fn page(
    cx: Context,
    Viewer(user): Viewer,
    users: State<Users>,
    games: State<Games>,
) -> Result<View> {
    view(&cx, &user, &users, &games).await
}

async fn view(cx: &Context, user: &User, users: &Users, games: &Games) -> Result<View> {
    let games = games.latest().await?;
    let cards = cards(cx, users, &games, &user.id).await?.html.concat();
    let page = cx.view("dashboard").with("title", "Lobby");
    let page = page.with("cards", &cards);
    Ok(page.with("admin", &is_admin(cx, user)))
}

/// Shows all games, and all of them again whenever one has changed.
pub(super) async fn updates(
    cx: Context,
    user: User,
    users: State<Users>,
    games: State<Games>,
    lobby: State<Lobby>,
) -> Result<Response> {
    games.latest().await?;
    let mut follower = games.follow();
    let viewer = user.id;
    let page_cx = cx.detached();
    Ok(cx.live(move |mut page| async move {
        let mut seen = page.last_event_id();
        loop {
            let games = follower.next().await;
            if seen.take() == Some(games.id()) {
                continue;
            }
            let event = lobby.event(&page_cx, &users, &games, &viewer).await?;
            // A page that is slow to read must not hold on to an old state.
            drop(games);
            page.send(event).await?;
        }
    }))
}

#[derive(Deserialize)]
pub(super) struct CreateForm {
    name: Option<String>,
}

pub(super) async fn create(
    cx: Context,
    user: User,
    users: State<Users>,
    games: State<Games>,
    Input(form): Input<CreateForm>,
) -> Result<Response> {
    let name = match GameName::parse_or_default(form.name.as_deref(), &user.name) {
        Ok(name) => name,
        Err(bad) if cx.shows_errors_as_pages() => {
            let page = view(&cx, &user, &users, &games).await?;
            let page = page
                .with("name", &form.name)
                .with("error", &bad.to_string());
            let page = page.status(StatusCode::UNPROCESSABLE_ENTITY);
            return page.into_response(&cx);
        }
        Err(bad) => return Err(Error::invalid("name", bad.to_string())),
    };
    let kept = games.create(name, &user.id).await?;
    let kept = unless_gone(kept, &user.id, &users, &games).await?;
    let id = kept.game.id().clone();
    let answer = cx.reply(cx.url(&GamePage { id })?).follow();
    let answer = answer.status(StatusCode::CREATED).json(&kept.snapshot())?;
    answer.into_response(&cx)
}

pub(super) async fn join(
    cx: Context,
    user: User,
    Join { id }: Join,
    users: State<Users>,
    games: State<Games>,
) -> Result<impl IntoResponse> {
    let kept = games.join(&id, &user.id).await?;
    let kept = unless_gone(kept, &user.id, &users, &games).await?;
    let answer = cx.reply(cx.url(&GamePage { id })?).follow();
    answer.json(&kept.snapshot())
}

pub(super) async fn delete(
    cx: Context,
    user: User,
    Delete { id }: Delete,
    games: State<Games>,
) -> Result<impl IntoResponse> {
    games.delete(&id, &user.id).await?;
    Ok(cx.reply(cx.url(&Dashboard)?))
}

pub(super) async fn purge(
    cx: Context,
    user: User,
    games: State<Games>,
) -> Result<impl IntoResponse> {
    if !is_admin(&cx, &user) {
        return Err(Error::forbidden());
    }
    games.purge().await?;
    Ok(cx.reply(cx.url(&Dashboard)?))
}
