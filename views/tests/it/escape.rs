//! What is escaped, and where.

use pleach_views::{Value, data};

use crate::{Files, build, check};

const HOSTILE: &str = r#"<script>&"'`/"#;
const ESCAPED: &str = "&lt;script&gt;&amp;&quot;&#39;`/";

#[test]
fn html_escapes_what_ends_text_and_quoted_attributes() {
    for (path, table) in [
        ("page.html", r#"page = {}"#),
        ("page.htm", r#"page = { content = "page.htm" }"#),
        ("page.svg", r#"page = { content = "page.svg" }"#),
        ("page.xml", r#"page = { content = "page.xml" }"#),
    ] {
        let files: Files = vec![("views.toml", table), (path, "{{ text }}")].leak();
        check(files, "page", &data! { text => HOSTILE }, ESCAPED);
    }
}

#[test]
fn lists_and_maps_are_escaped_too() {
    let files = &[
        ("views.toml", "page = {}"),
        ("page.html", "{{ list }}{{ map }}"),
    ];
    let map = std::collections::BTreeMap::from([("<k>", "<v>")]);
    let page = build(files)
        .unwrap()
        .render("page", &data! { list => ["<b>"], map })
        .unwrap();
    assert!(!page.contains('<'), "{page}");
}

#[test]
fn text_is_not_escaped_unless_a_page_includes_it() {
    let files = &[
        (
            "views.toml",
            r#"mail = { content = "mail.txt" }
            page = {}"#,
        ),
        ("mail.txt", "{{ text }}"),
        ("page.html", r#"{% include "mail.txt" %}"#),
    ];
    check(files, "mail", &data! { text => HOSTILE }, HOSTILE);
    check(files, "page", &data! { text => HOSTILE }, ESCAPED);
}

#[test]
fn parts_fragments_and_components_escape_as_their_page_does() {
    let files = &[
        (
            "views.toml",
            r#"page = { main = "layout.html", foot = "foot.html" }"#,
        ),
        (
            "layout.html",
            r#"{% include "content" %}{% include "foot" %}"#,
        ),
        (
            "page.html",
            "{% block a %}{{ text }}{% endblock %}{% set b = text %}{{ b }}{{ <c text /> }}",
        ),
        ("foot.html", "{{ text }}"),
        (
            "c.html",
            "{% component c(text) %}{{ text }}{% endcomponent %}",
        ),
    ];
    let data = data! { text => HOSTILE };
    check(files, "page", &data, &ESCAPED.repeat(4));
    let views = build(files).unwrap();
    assert_eq!(views.fragment("page", "a", &data).unwrap(), ESCAPED);
    assert_eq!(views.fragment("page", "c", &data).unwrap(), ESCAPED);
}

#[test]
fn ready_html_is_given_as_such() {
    let files = &[("views.toml", "page = {}"), ("page.html", "{{ text }}")];
    let mut data = data! {};
    data.insert_value("text", Value::safe_string("<b>"));
    check(files, "page", &data, "<b>");
}

#[test]
fn template_syntax_in_a_value_is_text() {
    let files = &[("views.toml", "page = {}"), ("page.html", "{{ text }}")];
    check(
        files,
        "page",
        &data! { text => "{{ 1 + 1 }}{% raw %}" },
        "{{ 1 + 1 }}{% raw %}",
    );
}
