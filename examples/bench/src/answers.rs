//! Answers that need nobody but the base: text, JSON, variables, a page, a session.

use pleach::{Context, IntoResponse, Json, Part, Result, Route};
use serde::Serialize;

/// Distinct routes beside each other, so that the cost of finding one among many shows.
const NUMBERED: u32 = 1000;

const ROWS: u32 = 50;

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

#[derive(Serialize)]
struct Row {
    id: u32,
    text: &'static str,
}

async fn plaintext(_: Context) -> &'static str {
    "Hello, World!"
}

async fn json(_: Context) -> Json<Message> {
    Json(Message {
        message: "Hello, World!",
    })
}

/// Borrows the variables; as fields of a typed route each would be a `String` of its own, which the peer on bare hyper does without.
async fn post(cx: Context) -> String {
    let var = |name| cx.var(name).unwrap_or_default();
    format!("{}/{}", var("id"), var("post"))
}

async fn numbered(cx: Context) -> String {
    cx.var("x").unwrap_or_default().to_owned()
}

/// Rows whose text has to be escaped.
async fn rows(cx: Context) -> impl IntoResponse {
    let rows: Vec<_> = (0..ROWS)
        .map(|id| Row {
            id,
            text: "<b>fortune & fame</b>",
        })
        .collect();
    cx.view("rows").with("rows", &rows)
}

async fn session(cx: Context) -> Result<String> {
    let name: Option<String> = cx.session().get("name").await?;
    Ok(name.unwrap_or_default())
}

pub(crate) fn part() -> Part {
    let numbered_routes = (0..NUMBERED).map(|n| {
        Route::new(format!("n{n}"))
            .path(format!("/r/{n}/a/{{x}}/b"))
            .get(numbered)
    });
    Part::new()
        .route(Route::new("landing").path("/").get(plaintext))
        .route(Route::new("plaintext").path("/plaintext").get(plaintext))
        .route(Route::new("json").path("/json").get(json))
        .route(Route::new("post").path("/user/{id}/posts/{post}").get(post))
        .route(Route::new("r").children(numbered_routes))
        .route(Route::new("rows").path("/rows").get(rows))
        .route(Route::new("session").path("/session").get(session))
}
