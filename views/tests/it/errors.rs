//! Errors of a render: what, where, and how it came to be there.

use pleach_views::{Data, data};

use crate::{Files, build};

#[track_caller]
fn check_error(files: Files, data: &Data, expected: &str) {
    let views = build(files).unwrap_or_else(|faults| panic!("faults:\n{faults}"));
    assert_eq!(
        views.render("page", data).unwrap_err().to_string(),
        expected
    );
}

#[test]
fn undefined_variable_names_template_line_and_column() {
    check_error(
        &[
            ("views.toml", "page = {}"),
            ("page.html", "<p>\n  ä {{ gme.name }}</p>"),
        ],
        &data! { game => 1 },
        "view `page`: page.html:2:8: Variable `gme` is not defined. Available variables: game",
    );
}

#[test]
fn error_in_a_part_names_the_chain_of_real_files() {
    let files = &[
        ("views.toml", r#"page = { main = "layout.html" }"#),
        ("layout.html", "<main>\n {% include \"content\" %}"),
        ("page.html", "\n\n{% include \"deep.html\" %}"),
        ("deep.html", "{{ 1 / zero }}"),
    ];
    check_error(
        files,
        &data! { zero => 0 },
        "view `page`: deep.html:1:8, called from page.html:3:12, called from layout.html:2:13: Cannot divide by 0",
    );
}

#[test]
fn error_in_a_fragment_is_at_the_place_in_the_file() {
    let views = build(&[
        ("views.toml", "page = {}"),
        (
            "page.html",
            "<p>\n\n  <b>{% block n %}\n{{ n }}{% block m %}{{ m }}{% endblock %}{% endblock %}",
        ),
    ])
    .unwrap();
    for (fragment, data, place) in [
        ("n", Data::new(), "page.html:4:4"),
        ("n", data! { n => 1 }, "page.html:4:24"),
        ("m", Data::new(), "page.html:4:24"),
    ] {
        let error = views.fragment("page", fragment, &data).unwrap_err();
        assert_eq!(error.chain()[0].to_string(), place);
    }
}

#[test]
fn error_in_a_component_is_at_its_column_and_names_the_caller() {
    check_error(
        &[
            ("views.toml", "page = {}"),
            ("page.html", "\n{{ <card game={1} /> }}"),
            (
                "card.html",
                "{% component card(game) %}{{ url(route=game) }}{% endcomponent %}",
            ),
        ],
        &Data::new(),
        "view `page`: card.html:1:30, called from page.html:2:4: argument `route` must be a string",
    );
}
