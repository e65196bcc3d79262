//! What is checked before an application may serve.

use pleach::views::Source;
use pleach::{BaseApp, BoxError, Context, Driver, Part, Route, State, route};

use crate::probe::{builder, get, start};

struct Scores;

async fn scores(_: Context, _: State<Scores>) -> &'static str {
    "scores"
}

const DANGLING: &[(&str, &str)] = &[
    (
        "views.toml",
        "[page]\nmain = \"page.html\"\n[error]\nmain = \"page.html\"\n",
    ),
    (
        "page.html",
        "{{ url(route=\"landing\") }}\n{{ url(route=\"nowhere\") }}\n{{ url(route=\"scores\") }} {{ url(route=\"scores\", id=1, x=2) }}",
    ),
];

#[test]
fn all_faults_are_reported_at_once_with_their_names() {
    let faults = BaseApp::builder("faulty")
        .route(Route::new("scores").path("/scores/{id}").get(scores))
        .views(Source::embedded(DANGLING))
        .build()
        .expect_err("a faulty application");
    let faults: Vec<_> = faults.iter().collect();
    for expected in [
        "there is no route `landing`",
        "there is no view `notfound`",
        "there is no view `apperror`",
        "page.html:1: url(route=\"landing\"): there is no such route",
        "page.html:2: url(route=\"nowhere\"): there is no such route",
        "page.html:3: url(route=\"scores\"): the variable `id` is missing",
        "page.html:3: url(route=\"scores\"): the route has no variable `x`",
        "there is no driver",
    ] {
        assert!(faults.contains(&expected), "{expected} in {faults:#?}");
    }
    assert!(
        faults
            .iter()
            .any(|fault| fault.contains("route `scores`") && fault.contains("Scores")),
        "{faults:#?}"
    );
    assert_eq!(faults.len(), 9, "{faults:#?}");
}

#[tokio::test]
async fn a_fault_of_the_tree_keeps_it_from_being_built() {
    let driver = Driver::open("memory:").await.expect("memory");
    let faults = builder()
        .driver(driver)
        .route(Route::new("landing").path("/again").get(scores))
        .build();
    let faults = faults.expect_err("two routes of one name").to_string();
    assert!(faults.contains("landing"), "{faults}");
}

#[tokio::test]
async fn a_part_brings_its_routes_states_and_links_under_any_name() {
    route! {
        /// One score.
        pub struct Score = "/score/{id}" { id: u32 }
    }
    async fn score(cx: Context, Score { id }: Score, _: State<Scores>) -> pleach::Result<String> {
        let named = cx.url_to("score").var("id", id + 1).relative()?;
        Ok(format!(
            "{} {} {named}",
            cx.route_name().unwrap_or_default(),
            cx.url(&Score { id })?
        ))
    }
    let part = |prefix: &str| {
        let routes = Route::new("")
            .prefix(prefix)
            .child(Route::new("score").typed::<Score>().get(score));
        Part::new().route(routes)
    };
    let app = start(
        builder()
            .state(Scores)
            .graft("left", part("/l"))
            .graft("right", part("/r")),
    )
    .await;
    assert_eq!(
        get(&app, "/l/score/7").await.body,
        "left.score /l/score/7 /l/score/8"
    );
    assert_eq!(
        get(&app, "/r/score/7").await.body,
        "right.score /r/score/7 /r/score/8"
    );
    assert_eq!(get(&app, "/r/score/seven").await.status, 404);
}

#[tokio::test]
async fn init_runs_once_before_anyone_is_served() {
    let driver = Driver::open("memory:").await.expect("memory");
    let app = builder()
        .state_from(|_| async { Ok::<_, BoxError>(Scores) })
        .on_init(|app| async move { app.state::<Scores>().map(drop).ok_or("states come first") })
        .route(Route::new("scores").path("/scores").get(scores))
        .driver(driver)
        .build()
        .expect("an application");
    assert_eq!(get(&app, "/scores").await.status, 503);
    assert_eq!(get(&app, "/readyz").await.status, 503);
    assert_eq!(get(&app, "/healthz").await.status, 200);
    app.start().await.expect("a start");
    app.start().await.expect("a second call finds it started");
    assert_eq!(get(&app, "/scores").await.body, "scores");
    assert_eq!(get(&app, "/readyz").await.status, 200);
}

#[tokio::test]
async fn a_failed_init_answers_503_and_shows_nobody_why() {
    let driver = Driver::open("memory:").await.expect("memory");
    let app = builder()
        .on_init(|_| async { Err("the secret reason") })
        .driver(driver)
        .build()
        .expect("an application");
    app.start().await.expect_err("a failed init");
    app.start().await.expect_err("it stays failed");
    let answer = get(&app, "/").await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.header("retry-after").is_empty()
        ),
        (503, false)
    );
    let ready = get(&app, "/readyz").await;
    assert_eq!(ready.status, 503);
    assert!(!(answer.body + &ready.body).contains("secret"));
}
