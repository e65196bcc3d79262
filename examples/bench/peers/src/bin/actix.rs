//! actix-web with the same routes. `actix ADDR`

use actix_web::web::{self, Json, Path};
use actix_web::{App, HttpServer};
use serde::Serialize;

#[derive(Serialize)]
struct Message {
    message: &'static str,
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let addr = std::env::args().nth(1).expect("usage: actix ADDR");
    HttpServer::new(|| {
        let mut app = App::new()
            .route("/plaintext", web::get().to(async || "Hello, World!"))
            .route("/json", web::get().to(async || Json(Message { message: "Hello, World!" })))
            .route("/user/{id}/posts/{post}", web::get().to(async |path: Path<(String, String)>| format!("{}/{}", path.0, path.1)));
        for n in 0..1000 {
            app = app.route(&format!("/r/{n}/a/{{x}}/b"), web::get().to(async |path: Path<String>| path.into_inner()));
        }
        app
    })
    .workers(2)
    .bind(addr)?
    .run()
    .await
}
