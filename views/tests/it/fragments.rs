//! Blocks rendered alone.

use pleach_views::{Data, data};
use proptest::prelude::*;

use crate::{Files, build};

/// Checks that a fragment is what the page holds between `[` and `]`.
#[track_caller]
fn check_in_page(files: Files, fragment: &str, data: &Data) {
    let views = build(files).unwrap_or_else(|faults| panic!("faults:\n{faults}"));
    let page = views
        .render("page", data)
        .unwrap_or_else(|error| panic!("{error}"));
    let inside = page
        .split(['[', ']'])
        .nth(1)
        .expect("the page marks the fragment");
    assert!(!inside.is_empty(), "nothing to compare in {page}");
    assert_eq!(
        views
            .fragment("page", fragment, data)
            .unwrap_or_else(|error| panic!("{error}")),
        inside
    );
}

#[test]
fn block_of_a_page_that_extends_main() {
    check_in_page(
        &[
            ("views.toml", r#"page = { main = "layout.html" }"#),
            ("layout.html", "{{ user }}{% block body %}{% endblock %}"),
            (
                "page.html",
                r#"{% extends "main" %}
                {% block body %}<p>
                    [{%- block board -%} {% for cell in board %}<i>{{ cell }}</i>{% endfor %}
                    {%- endblock board -%}] </p>{% endblock %}"#,
            ),
        ],
        "board",
        &data! { user => "Ada", board => ["X", "<", "O"] },
    );
}

#[test]
fn block_of_a_page_that_main_includes() {
    check_in_page(
        &[
            ("views.toml", r#"page = { main = "layout.html" }"#),
            ("layout.html", r#"{{ user }}{% include "content" %}"#),
            (
                "page.html",
                "<p>[{% block list %}{{ items | join(sep=', ') }}{% endblock %}]</p>",
            ),
        ],
        "list",
        &data! { user => "Ada", items => ["a & b", "c"] },
    );
}

#[test]
fn block_of_an_included_template() {
    check_in_page(
        &[
            ("views.toml", "page = {}"),
            ("page.html", r#"<p>{% include "parts/list.html" %}</p>"#),
            ("parts/list.html", "[{% block list %}{{ n }}{% endblock %}]"),
        ],
        "list",
        &data! { n => 3 },
    );
}

#[test]
fn block_of_the_layout_that_the_page_does_not_override() {
    check_in_page(
        &[
            ("views.toml", r#"page = { main = "layout.html" }"#),
            (
                "layout.html",
                "[{% block foot %}foot{% endblock %}]{% block body %}{% endblock %}",
            ),
            (
                "page.html",
                r#"{% extends "main" %}{% block body %}b{% endblock %}"#,
            ),
        ],
        "foot",
        &Data::new(),
    );
}

#[test]
fn block_that_calls_super_equals_the_page_too() {
    check_in_page(
        &[
            ("views.toml", r#"page = { main = "layout.html" }"#),
            (
                "layout.html",
                "[{% block body %}base {{ n }}{% endblock %}]",
            ),
            (
                "page.html",
                r#"{% extends "main" %}{% block body %}{{ super() }} and more{% endblock %}"#,
            ),
        ],
        "body",
        &data! { n => 3 },
    );
}

#[test]
fn block_that_holds_an_overridden_block_equals_the_page_too() {
    check_in_page(
        &[
            ("views.toml", r#"page = { main = "layout.html" }"#),
            (
                "layout.html",
                "[{% block body %}<h1>{% block head %}Arena{% endblock %}</h1>{% endblock %}]",
            ),
            (
                "page.html",
                r#"{% extends "main" %}{% block head %}Game{% endblock %}"#,
            ),
        ],
        "body",
        &Data::new(),
    );
}

#[test]
fn block_needs_nothing_that_only_the_page_around_it_needs() {
    let views = build(&[
        ("views.toml", r#"page = { main = "layout.html" }"#),
        (
            "layout.html",
            r#"{{ user.name }}{{ url(route=broken) }}{% include "content" %}"#,
        ),
        ("page.html", "{{ other }}{% block n %}{{ n }}{% endblock %}"),
    ])
    .unwrap();
    assert_eq!(views.fragment("page", "n", &data! { n => 3 }).unwrap(), "3");
}

#[test]
fn block_of_the_content_counts_before_one_of_the_layout() {
    let views = build(&[
        ("views.toml", r#"page = { main = "layout.html" }"#),
        (
            "layout.html",
            r#"{% block list %}layout{% endblock %}{% include "content" %}"#,
        ),
        ("page.html", "{% block list %}content{% endblock %}"),
    ])
    .unwrap();
    assert_eq!(views.render("page", &Data::new()).unwrap(), "layoutcontent");
    assert_eq!(
        views.fragment("page", "list", &Data::new()).unwrap(),
        "content"
    );
}

#[test]
fn unknown_fragment_is_an_error_of_its_own() {
    let views = build(&[("views.toml", "page = {}"), ("page.html", "")]).unwrap();
    let error = views.fragment("page", "list", &Data::new()).unwrap_err();
    assert!(error.is_unknown_fragment());
    assert_eq!(
        error.to_string(),
        "view `page` has no block and no component `list`"
    );
    assert!(
        views
            .fragment("nope", "list", &Data::new())
            .unwrap_err()
            .is_unknown_view()
    );
}

#[test]
fn block_in_a_text_template_is_not_escaped() {
    let views = build(&[
        ("views.toml", r#"mail = { content = "mail.txt" }"#),
        ("mail.txt", "{% block line %}{{ name }}{% endblock %}"),
    ])
    .unwrap();
    assert_eq!(
        views
            .fragment("mail", "line", &data! { name => "A & B" })
            .unwrap(),
        "A & B"
    );
}

/// A piece of a template at random.
#[derive(Debug, Clone)]
enum Piece {
    Text(&'static str),
    Inside {
        open: &'static str,
        pieces: Vec<Piece>,
        close: &'static str,
    },
    Block(Vec<Piece>),
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    const TEXTS: &[&str] = &[
        "text ",
        "\n  ",
        "{{ x }}",
        "{{ super() }}",
        "{% include 'part.html' %}",
        "{# no #}",
    ];
    let text = proptest::sample::select(TEXTS).prop_map(Piece::Text);
    let piece = text.prop_recursive(3, 16, 4, |inner| {
        let inner = proptest::collection::vec(inner, 0..4);
        prop_oneof![
            inner.clone().prop_map(Piece::Block),
            inner.prop_map(|pieces| Piece::Inside {
                open: "{% if x -%}",
                pieces,
                close: "{% endif %}"
            }),
        ]
    });
    proptest::collection::vec(piece, 0..5)
}

/// Writes pieces, each block with the next of `names`; without a name left, only its inside.
fn write(pieces: &[Piece], names: &mut std::str::Chars<'_>, text: &mut String) {
    for piece in pieces {
        match piece {
            Piece::Text(piece) => text.push_str(piece),
            Piece::Inside {
                open,
                pieces,
                close,
            } => {
                text.push_str(open);
                write(pieces, names, text);
                text.push_str(close);
            }
            Piece::Block(pieces) => match names.next() {
                Some(name) => block(name, pieces, names, text),
                None => write(pieces, names, text),
            },
        }
    }
}

fn block(name: char, pieces: &[Piece], names: &mut std::str::Chars<'_>, text: &mut String) {
    text.push_str(&format!("{{% block {name} -%}} <{name} "));
    write(pieces, names, text);
    text.push_str(&format!(" {name}> {{%- endblock {name} %}}"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_500) })]

    #[test]
    fn every_block_alone_is_what_the_page_shows(
        layout in pieces(),
        overrides in proptest::collection::vec(pieces(), 0..4),
        order in proptest::sample::select(["abcd", "dcba", "badc"].as_slice()),
    ) {
        let mut main = String::new();
        write(&layout, &mut "abcd".chars(), &mut main);
        let main = main.replace("{{ super() }}", "");
        let mut page = "{% extends 'main' %}\n ".to_owned();
        let mut nested = "efgh".chars();
        for (name, pieces) in order.chars().filter(|name| main.contains(&format!("block {name}"))).zip(&overrides) {
            block(name, pieces, &mut nested, &mut page);
        }
        let files = vec![
            ("views.toml", "page = { main = 'layout.html' }"),
            ("layout.html", &*main.leak()),
            ("page.html", &*page.leak()),
            ("part.html", "<part {{ x }} part>"),
        ];
        let views = build(files.leak()).unwrap_or_else(|faults| panic!("{faults}"));
        let data = data! { x => 1 };
        // `super()` in a block that the layout lacks is an error of the page, and nothing to compare.
        let page = views.render("page", &data);
        prop_assume!(page.is_ok());
        let page = page.unwrap();
        for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            if page.contains(&format!("<{name} ")) {
                let alone = views.fragment("page", name, &data).unwrap();
                let marks = alone.starts_with(&format!("<{name} ")) && alone.ends_with(&format!(" {name}>"));
                prop_assert!(marks && page.contains(&alone), "{name}: {alone} in {page}");
            }
        }
    }
}
