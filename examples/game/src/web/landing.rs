//! The landing page: in by name, and out again.

use pleach::http::StatusCode;
use pleach::{Context, Error, Input, IntoResponse, Response, Result, SeeOther, State};
use serde::{Deserialize, Serialize};

use super::departure;
use super::routes::{Dashboard, Landing};
use super::visitor::Visitor;
use crate::name::UserName;
use crate::store::{Games, User, Users};

/// The login page. Who is logged in belongs in the lobby.
pub(super) async fn page(cx: Context, Visitor(user): Visitor) -> Result<Response> {
    if user.is_some() {
        return SeeOther(cx.url(&Dashboard)?).into_response(&cx);
    }
    cx.view("landing").into_response(&cx)
}

#[derive(Deserialize)]
pub(super) struct LoginForm {
    name: String,
}

#[derive(Serialize)]
struct LoggedIn<'a> {
    user: &'a User,
}

/// Makes a user of that name, and a session of its own in place of the one that was there.
pub(super) async fn login(
    cx: Context,
    users: State<Users>,
    games: State<Games>,
    Input(form): Input<LoginForm>,
) -> Result<Response> {
    let name = match UserName::parse(&form.name) {
        Ok(name) => name,
        Err(bad) if cx.shows_errors_as_pages() => {
            let page = cx.view("landing").with("name", &form.name);
            let page = page.with("error", &bad.to_string());
            return page
                .status(StatusCode::UNPROCESSABLE_ENTITY)
                .into_response(&cx);
        }
        Err(bad) => return Err(Error::invalid("name", bad.to_string())),
    };
    let user = users.create(name).await?;
    departure::end(&cx, &users, &games).await?;
    cx.session().log_in(user.id.as_str()).await?;
    let answer = cx.reply(cx.url(&Dashboard)?).follow();
    answer.json(&LoggedIn { user: &user })?.into_response(&cx)
}

/// Ends the user's games, seats, streams and session.
///
/// A session whose user is gone already may still log out: the first attempt failed half way.
pub(super) async fn logout(
    cx: Context,
    users: State<Users>,
    games: State<Games>,
) -> Result<impl IntoResponse> {
    if !departure::end(&cx, &users, &games).await? {
        return Err(Error::unauthorized());
    }
    Ok(cx.reply(cx.url(&Landing)?).follow())
}
