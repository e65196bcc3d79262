//! The server that the performance figures are taken from: every route goes through the whole pipeline.
//!
//! `cargo run --release -p bench -- --addr 127.0.0.1:8080`, in the production tier on a store in memory. See CONTRACT §7 for the
//! routes, and `peers/` for the servers that it is compared with.

mod broadcast;
mod kv;
mod sdk;

use std::process::ExitCode;

use pleach::views::embed;
use pleach::{BaseApp, Context, IntoResponse, Json, Result, Route, route};
use serde::Serialize;

route! {
    /// One post of one user.
    pub struct Post = "/user/{id}/posts/{post}" { id: String, post: String }
}

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
    Json(Message { message: "Hello, World!" })
}

async fn post(_: Context, Post { id, post }: Post) -> String {
    format!("{id}/{post}")
}

async fn numbered(cx: Context) -> String {
    cx.var("x").unwrap_or_default().to_owned()
}

/// Fifty rows, each with text that has to be escaped.
async fn rows(cx: Context) -> impl IntoResponse {
    let rows: Vec<_> = (0..50).map(|id| Row { id, text: "<b>fortune & fame</b>" }).collect();
    cx.view("rows").with("rows", &rows)
}

async fn session(cx: Context) -> Result<String> {
    let name: Option<String> = cx.session().get("name").await?;
    Ok(name.unwrap_or_default())
}

fn main() -> ExitCode {
    let numbered_routes = (0..1000).map(|n| Route::new(format!("n{n}")).path(&format!("/r/{n}/a/{{x}}/b")).get(numbered));
    BaseApp::builder("bench")
        .default_setting("tier", "production")
        .default_setting("store", "memory:")
        .views(embed!("$CARGO_MANIFEST_DIR/views"))
        .route(Route::new("landing").path("/").get(plaintext))
        .route(Route::new("plaintext").path("/plaintext").get(plaintext))
        .route(Route::new("json").path("/json").get(json))
        .route(Route::new("post").typed::<Post>().get(post))
        .route(Route::new("r").children(numbered_routes))
        .route(Route::new("rows").path("/rows").get(rows))
        .route(Route::new("session").path("/session").get(session))
        .graft("", broadcast::part())
        .graft("", kv::part())
        .graft("", sdk::part())
        .run()
}
