//! The application of the README: one page, one link, two routes.

use pleach::{BaseApp, Context, Html, Result, Route, route};

route! {
    /// A greeting by name.
    pub struct Hello = "/hello/{name}" { name: String }
}

async fn landing(cx: Context) -> Result<Html<String>> {
    let url = cx.url(&Hello {
        name: "World".into(),
    })?;
    Ok(Html(format!(
        "<!doctype html><title>Hello</title><a href=\"{url}\">Say hello</a>"
    )))
}

async fn hello(_: Context, Hello { name }: Hello) -> String {
    format!("Hello, {name}!")
}

fn main() -> std::process::ExitCode {
    BaseApp::builder("hello")
        .route(Route::new("landing").path("/").get(landing))
        .route(Route::new("hello").typed::<Hello>().get(hello))
        .run()
}
