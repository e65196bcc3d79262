//! Every way to fail, in every face.

use std::io;

use pleach::http::{Method, StatusCode};
use pleach::views::Source;
use pleach::{BaseApp, Context, Error, Html, Input, Limits, Result, Route, Tier};
use serde::Deserialize;

use crate::probe::{Answer, builder, get, get_json, send, start};

#[derive(Deserialize)]
struct Named {
    name: String,
}

async fn fails(_: Context) -> Result<Html<String>> {
    Err(io::Error::other("the secret cause"))?
}

async fn panics(_: Context) -> &'static str {
    panic!("the secret panic")
}

async fn refuses(_: Context) -> Result<()> {
    Err(Error::conflict("game.toggle.taken", "That cell is taken."))
}

async fn named(_: Context, Input(Named { name }): Input<Named>) -> Result<String> {
    if name.is_empty() {
        Err(Error::invalid("name", "Names have at least one letter."))
    } else {
        Ok(name)
    }
}

async fn broken_view(cx: Context) -> pleach::View {
    cx.view("broken")
}

fn routes(builder: pleach::Builder) -> pleach::Builder {
    builder
        .route(Route::new("fails").path("/fails").get(fails))
        .route(Route::new("panics").path("/panics").get(panics))
        .route(Route::new("refuses").path("/refuses").get(refuses))
        .route(Route::new("named").path("/named").post(named))
        .route(Route::new("broken").path("/broken").get(broken_view))
        .limits(Limits {
            max_body_bytes: 64,
            ..Limits::default()
        })
}

async fn app() -> BaseApp {
    start(routes(builder())).await
}

/// Sends the request that fails in each face, and checks what all faces of that failure share.
async fn check(app: &BaseApp, method: Method, uri: &str, body: &str, status: u16, id: &str) {
    let form = ("content-type", "application/x-www-form-urlencoded");
    let path = uri.split('?').next().expect("a path");

    let page = send(
        app,
        method.clone(),
        uri,
        &[form, ("accept", "text/html")],
        body,
    )
    .await;
    assert_eq!(page.status.as_u16(), status, "{page:?}");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(
        page.body.contains(page.header("x-request-id")),
        "the page names the request: {page:?}"
    );

    let json = send(
        app,
        method.clone(),
        uri,
        &[form, ("accept", "application/json")],
        body,
    )
    .await;
    assert_eq!(
        (json.status.as_u16(), json.header("content-type")),
        (status, "application/json")
    );
    let object = json.json();
    assert_eq!(
        (&object["code"], &object["id"], &object["path"]),
        (&status.into(), &id.into(), &path.into())
    );
    assert_eq!(object["request_id"], json.header("x-request-id"));

    let forced = send(
        app,
        method.clone(),
        uri,
        &[
            form,
            ("accept", "text/html"),
            ("z-app-json-response-on-error", "T"),
        ],
        body,
    )
    .await;
    assert_eq!(
        (forced.status.as_u16(), forced.header("content-type")),
        (status, "application/json")
    );

    let problem = send(
        app,
        method,
        uri,
        &[form, ("accept", "application/problem+json")],
        body,
    )
    .await;
    assert_eq!(
        (problem.status.as_u16(), problem.header("content-type")),
        (status, "application/problem+json")
    );
    let object = problem.json();
    assert_eq!(
        (&object["type"], &object["status"], &object["instance"]),
        (&"about:blank".into(), &status.into(), &path.into())
    );
    assert_eq!(
        (
            &object["id"],
            object["title"].is_string(),
            object["detail"].is_string()
        ),
        (&id.into(), true, true)
    );

    for answer in [page, json, forced, problem] {
        assert!(
            !answer.body.contains("secret"),
            "nothing private reaches a client: {answer:?}"
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn every_failure_has_its_faces() {
    let app = app().await;
    check(&app, Method::GET, "/nope?secret=1", "", 404, "notfound").await;
    check(
        &app,
        Method::DELETE,
        "/named",
        "",
        405,
        "method_not_allowed",
    )
    .await;
    check(
        &app,
        Method::POST,
        "/named",
        &format!("name={}", "x".repeat(80)),
        413,
        "too_large",
    )
    .await;
    check(&app, Method::POST, "/named", "", 400, "malformed").await;
    check(&app, Method::POST, "/named", "name=", 422, "invalid").await;
    check(&app, Method::GET, "/refuses", "", 409, "game.toggle.taken").await;
    check(&app, Method::GET, "/fails", "", 500, "internal").await;
    check(&app, Method::GET, "/panics", "", 500, "internal").await;
    check(&app, Method::GET, "/broken", "", 500, "internal").await;
    check(&app, Method::GET, "/%ff", "", 400, "malformed").await;
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let app = app().await;
    assert_eq!(
        send(&app, Method::PUT, "/named", &[], "")
            .await
            .header("allow"),
        "POST, OPTIONS"
    );
    assert_eq!(
        send(&app, Method::PUT, "/fails", &[], "")
            .await
            .header("allow"),
        "GET, HEAD, OPTIONS"
    );
    let options = send(&app, Method::OPTIONS, "/fails", &[], "").await;
    assert_eq!(
        (options.status, options.header("allow")),
        (StatusCode::NO_CONTENT, "GET, HEAD, OPTIONS")
    );
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let app = app().await;
    let answer = send(
        &app,
        Method::POST,
        "/named",
        &[("content-type", "application/json")],
        r#"{"name":""}"#,
    )
    .await;
    assert_eq!(
        answer.json()["fields"]["name"],
        "Names have at least one letter."
    );
}

#[tokio::test]
async fn a_body_of_another_type_is_refused_with_415() {
    let app = app().await;
    let answer = send(
        &app,
        Method::POST,
        "/named",
        &[("content-type", "text/csv")],
        "name,Ada",
    )
    .await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_malformed_body_is_refused_with_400() {
    let app = app().await;
    for body in [
        "{",
        "[]",
        r#"{"name":5}"#,
        r#"{"name":null}"#,
        "{}",
        "\"x\"",
        "",
    ] {
        let answer = send(
            &app,
            Method::POST,
            "/named",
            &[("content-type", "application/json")],
            body,
        )
        .await;
        assert_eq!(
            (answer.status, &answer.json()["id"]),
            (StatusCode::BAD_REQUEST, &"malformed".into()),
            "{body}"
        );
    }
}

#[tokio::test]
async fn markup_in_a_path_does_nothing() {
    let app = start(routes(builder()).tier(Tier::Development)).await;
    let answer = send(
        &app,
        Method::GET,
        "/%3Cscript%3E",
        &[("x-text", "</pre><script>")],
        "",
    )
    .await;
    assert!(!answer.body.contains("<script>"), "{}", answer.body);
}

#[tokio::test]
async fn a_developer_sees_causes_walk_and_request() {
    let app = start(routes(builder()).tier(Tier::Development)).await;
    let answer = get(&app, "/fails").await;
    for part in ["the secret cause", "fails: yes", "host: t.example.com"] {
        assert!(answer.body.contains(part), "{part} in {}", answer.body);
    }
    let json = get_json(&app, "/fails").await;
    assert!(
        !json.body.contains("secret"),
        "programs get the same object in every tier"
    );
}

const BROKEN: &[(&str, &str)] = &[
    (
        "views.toml",
        "[error]\nmain = \"broken.html\"\n[notfound]\nmain = \"broken.html\"\n[apperror]\nmain = \"alone.html\"\n",
    ),
    ("broken.html", "{{ not_there.at_all }}"),
    (
        "alone.html",
        "alone: {{ code }} {{ message }} {{ request_id }}",
    ),
];

#[tokio::test]
async fn apperror_answers_when_the_view_of_an_error_fails() {
    let app = start(routes(builder()).views(Source::embedded(BROKEN))).await;
    for uri in ["/nope", "/fails"] {
        let answer: Answer = get(&app, uri).await;
        assert!(answer.body.starts_with("alone: "), "{answer:?}");
        assert!(answer.body.contains(answer.header("x-request-id")));
    }
}

const ALL_BROKEN: &[(&str, &str)] = &[
    (
        "views.toml",
        "[error]\nmain = \"broken.html\"\n[notfound]\nmain = \"broken.html\"\n[apperror]\nmain = \"broken.html\"\n",
    ),
    ("broken.html", "{{ not_there.at_all }}"),
];

#[tokio::test]
async fn plain_text_answers_when_even_apperror_fails() {
    let app = start(routes(builder()).views(Source::embedded(ALL_BROKEN))).await;
    let answer = get(&app, "/nope").await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (StatusCode::NOT_FOUND, "text/plain; charset=utf-8")
    );
    assert!(answer.body.starts_with("404 "), "{answer:?}");
}

#[tokio::test]
async fn whoever_has_to_log_in_is_sent_to_the_landing_page_if_it_is_a_page() {
    async fn page(_: Context) -> Result<()> {
        Err(Error::unauthorized().for_page())
    }
    async fn api(_: Context) -> Result<()> {
        Err(Error::unauthorized())
    }
    let app = start(
        builder()
            .route(Route::new("page").path("/page").get(page))
            .route(Route::new("api").path("/api").get(api).post(api)),
    )
    .await;
    let location = |answer: Answer| (answer.status.as_u16(), answer.header("location").to_owned());
    let to_landing = (303, "/".to_owned());
    assert_eq!(location(get(&app, "/page").await), to_landing);
    assert_eq!(
        get_json(&app, "/page").await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(get(&app, "/api").await.status, StatusCode::UNAUTHORIZED);
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    assert_eq!(
        location(send(&app, Method::POST, "/api", &browser, "").await),
        to_landing
    );
    let stream = send(
        &app,
        Method::GET,
        "/api",
        &[("accept", "text/event-stream")],
        "",
    )
    .await;
    assert_eq!(stream.status, StatusCode::UNAUTHORIZED);
}
