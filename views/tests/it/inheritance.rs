//! Parts, parents, aliases, and how a page gets its layout.

use pleach_views::{Data, data};

use crate::{build, build_all, check};

const LAYOUT: (&str, &str) = (
    "layout.html",
    r#"<nav>{% include "nav" %}</nav>{% include "content" %}"#,
);

#[test]
fn child_inherits_parts_and_overrides_some() {
    let files = &[
        (
            "views.toml",
            r#"
            site = { main = "layout.html", nav = "nav.html" }
            landing = { parent = "site" }
            game = { parent = "site", nav = "game/nav.html" }
            "#,
        ),
        LAYOUT,
        ("nav.html", "all"),
        ("game/nav.html", "game"),
        ("landing.html", "welcome"),
        ("game.html", "board"),
    ];
    check(files, "landing", &Data::new(), "<nav>all</nav>welcome");
    check(files, "game", &Data::new(), "<nav>game</nav>board");
}

#[test]
fn nested_table_is_a_child_with_a_dotted_name() {
    let files = &[
        (
            "views.toml",
            r#"
            [game]
            main = "layout.html"
            nav = "nav.html"
            [game.show]
            [game.show.wide]
            nav = "wide.html"
            "#,
        ),
        LAYOUT,
        ("nav.html", "nav"),
        ("wide.html", "wide"),
        ("game/show.html", "show"),
        ("game/show/wide.html", "wide show"),
    ];
    check(files, "game.show", &Data::new(), "<nav>nav</nav>show");
    check(
        files,
        "game.show.wide",
        &Data::new(),
        "<nav>wide</nav>wide show",
    );
    let views = build(files).unwrap();
    assert_eq!(
        views.names(),
        ["game.show", "game.show.wide"],
        "a base without content is no view to render"
    );
    assert!(!views.has("game"));
}

#[test]
fn json_says_the_same_as_toml() {
    let files = &[
        (
            "views.json",
            r#"{"game": {"main": "layout.html", "nav": "nav.html", "show": {}}, "board": {"alias": "game.show"}}"#,
        ),
        LAYOUT,
        ("nav.html", "nav"),
        ("game/show.html", "show"),
    ];
    check(files, "game.show", &Data::new(), "<nav>nav</nav>show");
    check(files, "board", &Data::new(), "<nav>nav</nav>show");
}

#[test]
fn content_that_is_named_counts_more_than_its_default_and_is_inherited() {
    let files = &[
        (
            "views.toml",
            r#"
            [game]
            content = "board.html"
            [game.small]
            [game.large]
            "#,
        ),
        ("board.html", "named"),
        ("game.html", "by name"),
        ("game/large.html", "large by name"),
    ];
    check(files, "game", &Data::new(), "named");
    check(files, "game.small", &Data::new(), "named");
    check(files, "game.large", &Data::new(), "large by name");
}

#[test]
fn alias_takes_all_of_another_view() {
    let files = &[
        (
            "views.toml",
            r#"
            site = { main = "layout.html", nav = "nav.html" }
            error = { parent = "site" }
            notfound = { alias = "error" }
            gone = { alias = "notfound" }
            "#,
        ),
        LAYOUT,
        ("nav.html", "nav"),
        ("error.html", "{{ status }}"),
    ];
    check(files, "gone", &data! { status => 410 }, "<nav>nav</nav>410");
    assert_eq!(build(files).unwrap().names(), ["error", "gone", "notfound"]);
}

#[test]
fn page_that_extends_main_fills_blocks_of_whatever_lays_it_out() {
    const PAGE: &str = r#"{% extends "main" %}{% block title %}Board{% endblock %}{% block body %}b{% endblock %}"#;
    let files = &[
        (
            "views.toml",
            r#"
            site = { main = "layout.html" }
            game = { parent = "site" }
            print = { main = "print.html", content = "game.html" }
            "#,
        ),
        (
            "layout.html",
            "<title>{% block title %}Arena{% endblock %}</title><main>{% block body %}{% endblock %}</main>",
        ),
        (
            "print.html",
            "{% block title %}{% endblock %}: {% block body %}{% endblock %}",
        ),
        ("game.html", PAGE),
    ];
    check(
        files,
        "game",
        &Data::new(),
        "<title>Board</title><main>b</main>",
    );
    check(files, "print", &Data::new(), "Board: b");
}

#[test]
fn page_may_extend_a_layout_by_its_path() {
    let files = &[
        (
            "views.toml",
            r#"site = { main = "layout.html" }
            game = { parent = "site" }"#,
        ),
        ("layout.html", "{% block body %}{% endblock %}!"),
        (
            "game.html",
            r#"{% extends "layout.html" %}{% block body %}b{% endblock %}"#,
        ),
    ];
    check(files, "game", &Data::new(), "b!");
}

#[test]
fn view_without_main_renders_its_content_alone() {
    let files = &[("views.toml", "apperror = {}"), ("apperror.html", "sorry")];
    check(files, "apperror", &Data::new(), "sorry");
}

#[test]
fn later_source_overrides_views_by_name_and_templates_by_path() {
    const LIBRARY: crate::Files = &[
        (
            "views.toml",
            r#"
            site = { main = "layout.html" }
            game = { parent = "site" }
            lobby = { parent = "site" }
            "#,
        ),
        ("layout.html", r#"library: {% include "content" %}"#),
        ("game.html", "plain"),
        ("lobby.html", "lobby"),
    ];
    const APPLICATION: crate::Files = &[
        ("views.toml", r#"site = { main = "own.html" }"#),
        ("own.html", r#"own: {% include "content" %}"#),
        ("game.html", "fancy"),
    ];
    let views = build_all(&[LIBRARY, APPLICATION]).unwrap();
    assert_eq!(views.render("game", &Data::new()).unwrap(), "own: fancy");
    assert_eq!(views.render("lobby", &Data::new()).unwrap(), "own: lobby");
}

#[test]
fn unknown_view_is_an_error_of_its_own() {
    let views = build(&[("views.toml", "a = {}"), ("a.html", "")]).unwrap();
    let error = views.render("b", &Data::new()).unwrap_err();
    assert!(error.is_unknown_view());
    assert_eq!(error.to_string(), "there is no view `b`");
}
