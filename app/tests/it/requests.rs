//! What handlers are given, and what may step in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pleach::http::{Method, StatusCode};
use pleach::{Bytes, Context, Endpoint, Error, IntoResponse, Peer, Query, Result, Route};
use serde::Deserialize;
use serde_json::json;

use crate::probe::{builder, get, get_json, send, start};

#[derive(Deserialize)]
struct Page {
    limit: u32,
    #[serde(default)]
    tag: Vec<String>,
}

async fn page(_: Context, Query(Page { limit, tag }): Query<Page>) -> String {
    format!("{limit} {}", tag.join("+"))
}

async fn echo(cx: Context) -> Result<Bytes> {
    let first = cx.body().await?;
    assert_eq!(
        first,
        cx.body().await?,
        "a second read gives the same bytes"
    );
    Ok(first)
}

async fn act(cx: Context) -> Result<impl IntoResponse> {
    Ok(cx
        .reply("/after")
        .json(&json!({ "done": true }))?
        .status(StatusCode::CREATED)
        .follow())
}

#[tokio::test]
async fn a_query_is_read_with_repeated_fields() {
    let app = start(builder().route(Route::new("page").path("/page").get(page))).await;
    assert_eq!(get(&app, "/page?limit=5&tag=a&tag=b").await.body, "5 a+b");
    assert_eq!(
        get_json(&app, "/page?limit=x").await.json()["id"],
        "malformed"
    );
    assert_eq!(get(&app, "/page").await.status, 400);
}

#[tokio::test]
async fn a_body_is_read_once_and_kept() {
    let app = start(builder().route(Route::new("echo").path("/echo").post(echo))).await;
    assert_eq!(
        send(&app, Method::POST, "/echo", &[], "hello").await.body,
        "hello"
    );
}

#[tokio::test]
async fn one_action_has_three_faces() {
    let app = start(builder().route(Route::new("act").path("/act").post(act))).await;
    let form = send(&app, Method::POST, "/act", &[("accept", "text/html")], "").await;
    assert_eq!(
        (form.status.as_u16(), form.header("location")),
        (303, "/after")
    );
    let json = send(
        &app,
        Method::POST,
        "/act",
        &[("accept", "application/json")],
        "",
    )
    .await;
    assert_eq!(
        (json.status.as_u16(), json.json()),
        (201, json!({ "done": true }))
    );
    let live = send(
        &app,
        Method::POST,
        "/act",
        &[("datastar-request", "true")],
        "",
    )
    .await;
    assert_eq!(
        (live.status.as_u16(), live.header("content-type")),
        (200, "text/event-stream")
    );
    assert_eq!(
        live.body,
        "event: datastar-patch-signals\nid: 0-0\ndata: signals {\"_redirect\":\"/after\"}\n\n"
    );
}

#[tokio::test]
async fn writes_from_another_site_are_refused_by_every_route() {
    let app = start(builder().route(Route::new("act").path("/act").post(act).delete(act))).await;
    for headers in [
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site")],
        [("origin", "https://evil.example")],
        [("origin", "null")],
    ] {
        for method in [Method::POST, Method::DELETE] {
            let answer = send(
                &app,
                method,
                "/act",
                &[headers[0], ("accept", "application/json")],
                "",
            )
            .await;
            assert_eq!(
                (answer.status.as_u16(), &answer.json()["id"]),
                (403, &"cross_site".into()),
                "{headers:?}"
            );
        }
    }
    let own = send(
        &app,
        Method::POST,
        "/act",
        &[
            ("origin", "https://t.example.com"),
            ("sec-fetch-site", "same-origin"),
        ],
        "",
    )
    .await;
    assert_eq!(own.status.as_u16(), 303);
}

#[tokio::test]
async fn hooks_see_every_request_and_may_answer_it() {
    let (errors, finished) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (count_error, count_finish) = (Arc::clone(&errors), Arc::clone(&finished));
    let app = builder()
        .route(Route::new("echo").path("/echo").post(echo).get(act))
        .on_start(|cx| async move {
            match cx.headers().get("x-halt") {
                Some(_) => Ok(Some("halted".into_response(&cx)?)),
                None if cx.method() == Method::PUT => Err(Error::forbidden()),
                None => Ok(None),
            }
        })
        .on_error(move |_, error| {
            assert_eq!(error.id(), "notfound");
            count_error.fetch_add(1, Ordering::Relaxed);
        })
        .on_finish(move |_, _| {
            count_finish.fetch_add(1, Ordering::Relaxed);
        });
    let app = start(app).await;
    assert_eq!(
        send(&app, Method::POST, "/echo", &[("x-halt", "1")], "hello")
            .await
            .body,
        "halted"
    );
    assert_eq!(
        send(&app, Method::POST, "/echo", &[], "hello").await.body,
        "hello"
    );
    assert_eq!(get(&app, "/nope").await.status, 404);
    assert_eq!(
        (
            errors.load(Ordering::Relaxed),
            finished.load(Ordering::Relaxed)
        ),
        (1, 3)
    );
}

#[tokio::test]
async fn pages_carry_the_policies_of_documents_and_all_answers_carry_nosniff_and_an_id() {
    let app = start(builder()).await;
    let text = get(&app, "/").await;
    assert_eq!(
        (
            text.header("x-content-type-options"),
            text.header("content-security-policy")
        ),
        ("nosniff", "")
    );
    let page = send(&app, Method::GET, "/nope", &[("accept", "text/html")], "").await;
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("default-src 'self'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(
        (
            page.header("x-frame-options"),
            page.header("referrer-policy")
        ),
        ("DENY", "same-origin")
    );
    assert_ne!(text.header("x-request-id"), page.header("x-request-id"));
}

#[tokio::test]
async fn a_tower_layer_goes_around_the_whole() {
    let marked = builder().layer(Mark);
    let app = start(marked).await;
    assert_eq!(get(&app, "/nope").await.header("x-mark"), "1");
}

#[tokio::test]
async fn a_tower_service_mounts_at_a_route() {
    let inner = start(builder()).await;
    let app = start(
        builder().route(
            Route::new("old")
                .prefix("/old")
                .any(Endpoint::service(inner)),
        ),
    )
    .await;
    assert_eq!(get(&app, "/old/page").await.status, 404);
    assert_eq!(
        send(
            &app,
            Method::DELETE,
            "/old",
            &[("sec-fetch-site", "none")],
            ""
        )
        .await
        .status,
        404
    );
}

#[tokio::test]
async fn assets_are_served_for_ever_under_the_url_that_names_their_content() {
    let app = start(builder().assets([pleach::Asset::new("app.css", b"body{}")])).await;
    let plain = get(&app, "/-/app.css").await;
    assert_eq!(
        (
            plain.body.as_str(),
            plain.header("content-type"),
            plain.header("cache-control")
        ),
        ("body{}", "text/css; charset=utf-8", "no-cache")
    );
    let tag = plain.header("etag").trim_matches('"').to_owned();
    let exact = get(&app, &format!("/-/app.css?v={tag}")).await;
    assert!(exact.header("cache-control").contains("immutable"));
    let again = send(
        &app,
        Method::GET,
        "/-/app.css",
        &[("if-none-match", plain.header("etag"))],
        "",
    )
    .await;
    assert_eq!((again.status.as_u16(), again.body.as_str()), (304, ""));
    for missing in ["/-/nope.css", "/-/../Cargo.toml", "/-/%2e%2e/Cargo.toml"] {
        assert_eq!(get(&app, missing).await.status, 404, "{missing}");
    }
}

/// A layer that marks every answer.
#[derive(Clone)]
struct Mark;

#[derive(Clone)]
struct Marked<S>(S);

impl<S> tower_layer::Layer<S> for Mark {
    type Service = Marked<S>;

    fn layer(&self, inner: S) -> Marked<S> {
        Marked(inner)
    }
}

impl<S, B> tower_service::Service<pleach::http::Request<B>> for Marked<S>
where
    S: tower_service::Service<pleach::http::Request<B>, Response = pleach::Response>,
    S::Future: Send + 'static,
{
    type Response = pleach::Response;
    type Error = S::Error;
    type Future =
        std::pin::Pin<Box<dyn Future<Output = Result<pleach::Response, S::Error>> + Send>>;

    fn poll_ready(
        &mut self,
        task: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), S::Error>> {
        self.0.poll_ready(task)
    }

    fn call(&mut self, request: pleach::http::Request<B>) -> Self::Future {
        assert!(
            request.extensions().get::<Peer>().is_some(),
            "a layer is told who asks"
        );
        let answer = self.0.call(request);
        Box::pin(async move {
            let mut response = answer.await?;
            response
                .headers_mut()
                .insert("x-mark", pleach::http::HeaderValue::from_static("1"));
            Ok(response)
        })
    }
}
