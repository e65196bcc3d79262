//! axum with the same routes. `axum ADDR`

use axum::extract::Path;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

#[tokio::main]
async fn main() {
    let addr = std::env::args().nth(1).expect("usage: axum ADDR");
    let mut router = Router::new()
        .route("/plaintext", get(async || "Hello, World!"))
        .route("/json", get(async || Json(Message { message: "Hello, World!" })))
        .route("/user/{id}/posts/{post}", get(async |Path((id, post)): Path<(String, String)>| format!("{id}/{post}")));
    for n in 0..1000 {
        router = router.route(&format!("/r/{n}/a/{{x}}/b"), get(async |Path(x): Path<String>| x));
    }
    let listener = tokio::net::TcpListener::bind(addr).await.expect("a free address");
    axum::serve(listener, router).await.expect("axum serves");
}
