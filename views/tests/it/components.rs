//! Components: in pages, and rendered alone.

use pleach_views::{Data, REQUEST, data};

use crate::{Files, build, check};

const FILES: Files = &[
    ("views.toml", "lobby = {}"),
    (
        "lobby.html",
        "{% for game in games %}{{ <card game={game} /> }}{% endfor %}",
    ),
    (
        "game/card.html",
        r#"{% component card(game, open=true) %}<a href="{{ url(route="game", id=game.id) }}">{{ game.name }} {{ tier() }}</a>{% endcomponent %}"#,
    ),
];

fn data() -> Data {
    let mut data = data! { game => game(), games => [game()] };
    data.insert(
        REQUEST,
        &std::collections::BTreeMap::from([("tier", "staging")]),
    );
    data
}

fn game() -> std::collections::BTreeMap<&'static str, &'static str> {
    [("id", "7"), ("name", "<Ada>")].into()
}

const CARD: &str = r#"<a href="/game?id=7">&lt;Ada&gt; staging</a>"#;

#[test]
fn functions_in_a_component_know_the_request() {
    check(FILES, "lobby", &data(), CARD);
}

#[test]
fn component_renders_alone_with_parameters_by_name() {
    let views = build(FILES).unwrap();
    assert_eq!(views.fragment("lobby", "card", &data()).unwrap(), CARD);
}

#[test]
fn component_that_nobody_gives_a_parameter_names_it() {
    let views = build(FILES).unwrap();
    let error = views
        .fragment("lobby", "card", &Data::new())
        .unwrap_err()
        .to_string();
    assert!(error.contains("`game`"), "{error}");
}

#[test]
fn request_reaches_functions_through_components_and_includes() {
    check(
        &[
            ("views.toml", "page = {}"),
            ("page.html", "{{ <outer /> }}{{ <own z_cx={7} /> }}"),
            (
                "parts.html",
                r#"{% component outer() %}{% <inner> %}body{% </inner> %}{% endcomponent %}
                {% component inner(...rest) %}{% include "tier.html" %} {{ body }}{% endcomponent %}
                {% component own(@z_cx) %} {{ z_cx }}{% endcomponent %}"#,
            ),
            ("tier.html", "{{ tier() }}"),
        ],
        "page",
        &data(),
        "staging body 7",
    );
}

#[test]
fn endless_recursion_of_components_is_an_error() {
    let views = build(&[
        ("views.toml", "page = {}"),
        ("page.html", "{{ <a /> }}"),
        (
            "a.html",
            r#"{% component a() %}{% include "b.html" %}{% endcomponent %}"#,
        ),
        (
            "b.html",
            r#"{% <b> %}{{ <a /> }}{% </b> %}{% component b() %}{{ body }}{% endcomponent %}"#,
        ),
    ])
    .unwrap();
    let error = views.render("page", &Data::new()).unwrap_err().to_string();
    assert!(error.contains("recursion"), "{error}");
}
