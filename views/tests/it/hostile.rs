//! Templates that make no sense, and values that mean harm: an error at most.

use pleach_views::{Data, Views, data};
use proptest::prelude::*;

use crate::{Files, build};

/// What templates are made of, to be thrown together at random.
const PIECES: [&str; 44] = [
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "-",
    " ",
    "\n",
    "\"",
    "'",
    "`",
    "\\",
    "(",
    ")",
    ",",
    "=",
    ".",
    "<",
    "/>",
    "@",
    "|",
    "{",
    "[",
    "]",
    "ä",
    "7",
    "x",
    "raw",
    "endraw",
    "extends",
    "include",
    "block",
    "endblock",
    "component",
    "endcomponent",
    "url",
    "route",
    "super()",
    "'page.html'",
    "'main'",
    "'content'",
    "filter",
    "%",
];

/// Whole tags: these templates often compile.
const TAGS: [&str; 16] = [
    "{% block a %}",
    "{% block b %}",
    "{% block c %}",
    "{% endblock %}",
    "{% include 'a.html' %}",
    "{% include 'nav' %}",
    "{{ x }}",
    "{{ super() }}",
    "{% if x %}",
    "{% endif %}",
    "{% for y in [1, 2] %}",
    "{% endfor %}",
    "text",
    "{% component k(x=1) %}",
    "{% endcomponent %}",
    "{{ <k /> }}",
];

fn views(page: String, layout: String) -> Option<Views> {
    let files: Files = vec![
        (
            "views.toml",
            "page = { main = 'layout.html', nav = 'a.html' }",
        ),
        ("layout.html", layout.leak()),
        ("page.html", page.leak()),
        ("a.html", "{% block a %}a{% endblock %}"),
    ]
    .leak();
    build(files).ok()
}

fn text_of(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(pieces), 0..24)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn garbage_is_a_fault_or_a_template(page in text_of(&PIECES)) {
        if let Some(views) = views(page, "{% include 'content' %}".to_owned()) {
            let _ = views.render("page", &Data::new());
            let _ = views.links();
        }
    }

    #[test]
    fn whatever_compiles_renders_or_says_why(page in text_of(&TAGS), layout in text_of(&TAGS)) {
        let page = format!("{{% extends 'main' %}}{page}");
        if let Some(views) = views(page, layout) {
            for fragment in ["a", "b", "c", "k"] {
                let _ = views.fragment("page", fragment, &data! { x => 1 });
            }
            let _ = views.render("page", &data! { x => 1 });
        }
    }
}

#[test]
fn deep_nesting_is_a_fault_or_renders() {
    for (open, close) in [
        ("{% if x %}", "{% endif %}"),
        ("{% for y in [x] %}", "{% endfor %}"),
        ("{{ (", ") }}"),
    ] {
        for depth in [1, 39, 40, 1_000] {
            let inner = if open.starts_with("{{") {
                "x"
            } else {
                "{{ x }}"
            };
            let (open, close) = match open {
                "{{ (" => (
                    format!("{{{{ {}", "(".repeat(depth)),
                    format!("{} }}}}", ")".repeat(depth)),
                ),
                _ => (open.repeat(depth), close.repeat(depth)),
            };
            if let Some(views) = views(
                format!("{open}{inner}{close}"),
                "{% include 'content' %}".to_owned(),
            ) {
                assert_eq!(views.render("page", &data! { x => 1 }).unwrap(), "1");
            }
        }
    }
    let blocks = |depth| {
        let open: String = (0..depth).map(|n| format!("{{% block b{n} %}}")).collect();
        views(
            format!("{open}{{{{ x }}}}{}", "{% endblock %}".repeat(depth)),
            "{% include 'content' %}".to_owned(),
        )
    };
    assert_eq!(
        blocks(39)
            .unwrap()
            .render("page", &data! { x => 1 })
            .unwrap(),
        "1"
    );
    assert!(blocks(60).is_none());
}
