//! Mail rendered from views, queued by a request and sent beside it.

use std::time::Duration;

use pleach::driver::{Letter, Mailer, MemoryMail};
use pleach::http::{Method, StatusCode};
use pleach::views::Source;
use pleach::{Asset, BaseApp, Builder, Context, Driver, Result, Route, View, route};

use crate::probe::{self, builder, get};

route! {
    /// The end of an invitation.
    pub struct Join = "/join/{code}" { code: String }
}

const VIEWS: &[(&str, &str)] = &[
    (
        "views.toml",
        r#"
        [mail]
        main = "mail/layout.html"
        [mail.invitation]
        [mail.invitation.text]
        main = "mail/invitation.txt"
        [mail.invitation.subject]
        main = "mail/invitation.subject.txt"
        [plain.text]
        main = "plain.txt"
        [page]
        main = "page.html"
        [error]
        main = "page.html"
        [notfound]
        main = "page.html"
        [apperror]
        main = "page.html"
        "#,
    ),
    (
        "mail/layout.html",
        r#"<img src="{{ asset(path="logo.png") }}">{% include "content" %}"#,
    ),
    (
        "mail/invitation.html",
        r#"<p>{{ name }}: <a href="{{ url(route="join", code=code) }}">join</a></p>"#,
    ),
    (
        "mail/invitation.txt",
        "{{ name }}: {{ url(route=\"join\", code=code) }}\n",
    ),
    ("mail/invitation.subject.txt", "{{ name }} invites you\n"),
    ("plain.txt", "plain"),
    ("page.html", r#"{{ url(route="landing") }}"#),
];

fn invitation(cx: &Context) -> View {
    cx.view("mail.invitation")
        .with("name", "Ann & <Bob>")
        .with("code", "4 2")
}

async fn invite(cx: Context) -> Result<String> {
    let mail = invitation(&cx).mail(&cx)?.to("carl@example.com");
    Ok(cx.driver().mail().queue(mail).await?)
}

async fn plain(cx: Context) -> Result<String> {
    let mail = cx.view("plain").mail(&cx)?.to("carl@example.com");
    Ok(cx.driver().mail().queue(mail).await?)
}

async fn nothing(cx: Context) -> Result<&'static str> {
    let _ = cx.view("nothing").mail(&cx)?;
    Ok("rendered")
}

fn application() -> Builder {
    builder()
        .views(Source::embedded(VIEWS))
        .assets([Asset::new("logo.png", b"PNG".as_slice())])
        .route(
            Route::new("join")
                .typed::<Join>()
                .get(async |_: Context, _: Join| "joined"),
        )
        .route(
            Route::new("page")
                .path("/page")
                .get(async |cx: Context| cx.view("page")),
        )
        .route(Route::new("invite").path("/invite").get(invite))
        .route(Route::new("plain").path("/plain").get(plain))
        .route(Route::new("nothing").path("/nothing").get(nothing))
}

async fn start(builder: Builder) -> (BaseApp, MemoryMail) {
    let memory = MemoryMail::new();
    let mailer = Mailer::builder_on(memory.clone())
        .from("arena@example.com".parse().unwrap())
        .build()
        .unwrap();
    let driver = Driver::builder("memory:")
        .mail(mailer)
        .open()
        .await
        .unwrap();
    let app = builder.driver(driver).build().unwrap();
    app.start().await.unwrap();
    (app, memory)
}

async fn sent(memory: &MemoryMail) -> Letter {
    let letters = tokio::time::timeout(Duration::from_secs(20), memory.wait_for(1))
        .await
        .unwrap();
    letters[0].clone()
}

#[tokio::test]
async fn a_mail_is_rendered_from_its_views_with_links_to_the_public_url() {
    let (app, memory) =
        start(application().public_url("https://arena.example.com".parse().unwrap())).await;
    let headers = [("host", "evil.test"), ("sec-fetch-site", "none")];
    let answer = probe::send(&app, Method::GET, "/invite", &headers, "").await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let letter = sent(&memory).await;
    assert_eq!(letter.id(), answer.body);
    assert_eq!(letter.subject(), "Ann & <Bob> invites you");
    assert_eq!(
        letter.text(),
        Some("Ann & <Bob>: https://arena.example.com/join/4%202\n")
    );
    let html = letter.html().unwrap();
    assert!(html.contains(r#"<p>Ann &amp; &lt;Bob&gt;: <a href="https://arena.example.com/join/4%202">join</a></p>"#), "{html}");
    assert!(
        html.starts_with(r#"<img src="https://arena.example.com/"#),
        "{html}"
    );
    // Pages link as they did.
    assert_eq!(get(&app, "/page").await.body, "/");
}

#[tokio::test]
async fn a_mail_may_be_text_alone() {
    let (app, memory) =
        start(application().public_url("https://arena.example.com".parse().unwrap())).await;
    assert_eq!(get(&app, "/plain").await.status, StatusCode::OK);
    let letter = sent(&memory).await;
    assert_eq!(
        (letter.text(), letter.html(), letter.subject()),
        (Some("plain"), None, "")
    );
}

#[tokio::test]
async fn a_mail_needs_a_view_and_a_public_url() {
    let (app, memory) =
        start(application().public_url("https://arena.example.com".parse().unwrap())).await;
    assert_eq!(
        get(&app, "/nothing").await.status,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    assert!(memory.letters().is_empty());
    let (app, memory) = start(application()).await;
    assert_eq!(
        get(&app, "/invite").await.status,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    assert!(memory.letters().is_empty());
}

#[tokio::test]
async fn the_worker_ends_when_a_drain_begins() {
    let (app, _) = start(application()).await;
    assert_eq!(app.tasks().running(), 1);
    app.tasks().draining().cancel();
    let ended = async {
        while app.tasks().running() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ended)
        .await
        .unwrap();
}
