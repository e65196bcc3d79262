//! The routes that answer at once.

use pleach::http::Request;
use pleach::{BaseApp, Body};

use crate::asked::{Answer, answer, app};

const TEXT: &str = "text/plain; charset=utf-8";

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("a request")
}

fn post(path: &str, body: &'static str) -> Request<Body> {
    Request::post(path)
        .body(Body::full(body))
        .expect("a request")
}

async fn check(app: &BaseApp, request: Request<Body>, status: u16, content_type: &str, body: &str) {
    let asked = format!("{} {}", request.method(), request.uri());
    let expected = Answer(status, content_type.to_owned(), body.to_owned());
    assert_eq!(answer(app, request).await, expected, "{asked}");
}

#[tokio::test]
async fn text_json_and_variables_are_answered() {
    let app = app().await;
    check(&app, get("/plaintext"), 200, TEXT, "Hello, World!").await;
    check(
        &app,
        get("/json"),
        200,
        "application/json",
        r#"{"message":"Hello, World!"}"#,
    )
    .await;
    check(&app, get("/user/7/posts/42"), 200, TEXT, "7/42").await;
    check(
        &app,
        get("/user/J%C3%BCrgen/posts/a%2Fb?x=1"),
        200,
        TEXT,
        "Jürgen/a/b",
    )
    .await;
}

#[tokio::test]
async fn each_of_a_thousand_routes_is_found() {
    let app = app().await;
    for n in 0..1000 {
        let name = format!("r.n{n}");
        assert_eq!(
            app.tree().url(&name).var("x", "seven").relative().ok(),
            Some(format!("/r/{n}/a/seven/b"))
        );
        check(&app, get(&format!("/r/{n}/a/seven/b")), 200, TEXT, "seven").await;
    }
    assert_eq!(answer(&app, get("/r/1000/a/seven/b")).await.0, 404);
}

#[tokio::test]
async fn fifty_rows_are_rendered_and_escaped() {
    let app = app().await;
    let Answer(status, content_type, html) = answer(&app, get("/rows")).await;
    assert_eq!(
        (status, content_type.as_str()),
        (200, "text/html; charset=utf-8")
    );
    for id in 0..50 {
        let row = format!("<tr><td>{id}</td><td>&lt;b&gt;fortune &amp; fame&lt;/b&gt;</td></tr>");
        assert!(html.contains(&row), "{row} in {html}");
    }
    assert_eq!(html.matches("<tr>").count(), 51, "the head and fifty rows");
}

#[tokio::test]
async fn a_session_that_is_not_there_has_no_value() {
    check(&app().await, get("/session"), 200, TEXT, "").await;
}

#[tokio::test]
async fn a_key_holds_what_was_posted_last() {
    let app = app().await;
    assert_eq!(answer(&app, get("/kv/colour")).await.0, 404);
    check(&app, post("/kv/colour", "red"), 204, "", "").await;
    check(&app, post("/kv/colour", "blue"), 204, "", "").await;
    check(
        &app,
        get("/kv/colour"),
        200,
        "application/octet-stream",
        "blue",
    )
    .await;
}

#[tokio::test]
async fn the_test_of_datastars_sdks_is_answered_by_the_events_it_describes() {
    let app = app().await;
    let asked = r#"{"events":[{"type":"patchElements","elements":"<p>\n1</p>"},{"type":"patchSignals","signals":{"a":1}}]}"#;
    let events = "event: datastar-patch-elements\ndata: elements <p>\ndata: elements 1</p>\n\n\
                  event: datastar-patch-signals\ndata: signals {\"a\":1}\n\n";
    let mut request = post("/test", asked);
    request.headers_mut().insert(
        "content-type",
        "application/json".parse().expect("a header"),
    );
    check(&app, request, 200, "text/event-stream", events).await;
    let in_query = format!(
        "/test?datastar={}",
        asked
            .replace('{', "%7B")
            .replace('}', "%7D")
            .replace('"', "%22")
            .replace('<', "%3C")
            .replace('>', "%3E")
            .replace('\\', "%5C")
    );
    check(&app, get(&in_query), 200, "text/event-stream", events).await;
    assert_eq!(answer(&app, get("/test?datastar=%7B")).await.0, 400);
    assert_eq!(answer(&app, get("/test")).await.0, 400);
}

#[tokio::test]
async fn what_is_not_there_is_an_error_page_or_object() {
    let app = app().await;
    assert_eq!(answer(&app, get("/nowhere")).await.0, 404);
    assert_eq!(answer(&app, post("/plaintext", "")).await.0, 405);
}
