//! Functions of the application.

use pleach_views::{Call, Data, REQUEST, Source, Value, Views, data};

use crate::{build, check};

#[test]
fn function_sees_arguments_and_variables_of_its_place() {
    let views = Views::builder()
        .source(Source::embedded(&[
            ("views.toml", "page = {}"),
            ("page.html", r#"{% for item in items %}{{ see(what="item") }} {% endfor %}{{ see(what="none") }}"#),
        ]))
        .function("see", |call: &Call<'_>| {
            let name = call.text("what")?;
            Ok::<_, String>(call.variable(name).unwrap_or_else(|| Value::from("nothing")))
        })
        .build()
        .unwrap();
    assert_eq!(
        views.render("page", &data! { items => [1, 2] }).unwrap(),
        "1 2 nothing"
    );
}

#[test]
fn request_is_another_in_every_render() {
    let views = build(&[("views.toml", "page = {}"), ("page.html", "{{ tier() }}")]).unwrap();
    for tier in ["development", "production"] {
        let mut data = Data::new();
        data.insert(REQUEST, &std::collections::BTreeMap::from([("tier", tier)]));
        assert_eq!(views.render("page", &data).unwrap(), tier);
    }
}

#[test]
fn result_of_a_function_has_fields_like_any_value() {
    let views = Views::builder()
        .source(Source::embedded(&[
            ("views.toml", "page = {}"),
            (
                "page.html",
                "{% set known = cx() %}{{ known.tier }} {{ z_cx.tier }}",
            ),
        ]))
        .function("cx", |call: &Call<'_>| call.request().ok_or("no request"))
        .build()
        .unwrap();
    let mut data = Data::new();
    data.insert(
        REQUEST,
        &std::collections::BTreeMap::from([("tier", "staging")]),
    );
    assert_eq!(views.render("page", &data).unwrap(), "staging staging");
}

#[test]
fn result_of_a_function_is_escaped_unless_it_is_safe() {
    let views = Views::builder()
        .source(Source::embedded(&[
            ("views.toml", "page = {}"),
            ("page.html", "{{ text() }} {{ html() }}"),
        ]))
        .function("text", |_: &Call<'_>| Ok::<_, String>("<a>"))
        .function("html", |_: &Call<'_>| {
            Ok::<_, String>(Value::safe_string("<b>"))
        })
        .build()
        .unwrap();
    assert_eq!(views.render("page", &Data::new()).unwrap(), "&lt;a&gt; <b>");
}

#[test]
fn error_of_a_function_names_the_place_of_the_call() {
    let views = build(&[
        ("views.toml", "page = {}"),
        ("page.html", "<p>\n  {{ url(id=3) }}"),
    ])
    .unwrap();
    let error = views.render("page", &Data::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "view `page`: page.html:2:6: argument `route` is missing"
    );
    assert_eq!(error.excerpt(), Some("2 |   {{ url(id=3) }}\n  |      ^"));
}

#[test]
fn views_tell_which_functions_they_call() {
    let files = &[
        (
            "views.toml",
            r#"a = { main = "layout.html" }
            b = {}"#,
        ),
        (
            "layout.html",
            r#"{% include "content" %}{% if tier() == "x" %}{% endif %}"#,
        ),
        ("a.html", ""),
        ("b.html", "{{ name | url(route='no function') }}"),
    ];
    let views = Views::builder()
        .source(Source::embedded(files))
        .function("tier", |_: &Call<'_>| Ok::<_, String>(""))
        .build();
    // `url` is no filter, and the fault shows that it is not taken for one.
    assert_eq!(
        views.unwrap_err().to_string(),
        "b.html:1:11: Unknown filter `url`"
    );

    let files = &[files[0], files[1], files[2], ("b.html", "tier()")];
    check_calls(files.to_vec().leak());
}

#[track_caller]
fn check_calls(files: crate::Files) {
    let views = build(files).unwrap();
    assert!(views.calls("a", "tier"), "in the layout of a");
    assert!(!views.calls("b", "tier"), "only text in b");
    assert!(!views.calls("c", "tier"), "no such view");
}

#[test]
fn value_that_cannot_be_serialised_is_an_error_with_the_name_of_the_variable() {
    let files = &[("views.toml", "page = {}"), ("page.html", "{{ scores }}")];
    check(files, "page", &data! { scores => [1] }, "[1]");
    let by_pair = std::collections::BTreeMap::from([((1, 2), 3)]);
    let error = build(files)
        .unwrap()
        .render("page", &data! { scores => by_pair })
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("view `page`: variable `scores` can't be serialised: "),
        "{text}"
    );
}
