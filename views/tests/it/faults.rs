//! Mistakes that a build finds, all of them at once.

use pleach_views::Data;

use crate::{build, check_faults};

#[test]
fn all_faults_are_found_at_once() {
    check_faults(
        &[
            (
                "views.toml",
                r#"
                a = { parent = "nobody" }
                b = { alias = "nobody" }
                c = { main = "gone.html" }
                d = {}
                e = { parent = "f" }
                f = { parent = "e" }
                g = { alias = "g" }
                page = { content = 1 }
                "bad/part" = { "x.html" = "page.html" }
                both = { alias = "page", nav = "page.html" }
                "#,
            ),
            ("page.html", "\n {{ 1 + }}"),
            ("other.html", "{% include 'gone.html' %}\n{% if x %}"),
        ],
        &[
            "other.html:1:12: there is no template `gone.html`",
            "other.html:2:11: Unexpected end of input",
            "page.html:2:9: Found `}}` but expected one of: integer, float, string, bool, ident, `-`, `not`, `<`, `{`, `[` or `(`",
            "views.toml: view `a`: there is no view `nobody`",
            "views.toml: view `b`: there is no view `nobody`",
            "views.toml: view `bad/part`: `x.html` is no name of a part: letters, digits, `_`, `-`",
            "views.toml: view `bad/part`: there is no template `bad/part.html`",
            "views.toml: view `both`: an alias has no parts of its own",
            "views.toml: view `c`: there is no template `gone.html` for its `main`",
            "views.toml: view `d`: there is no template `d.html`",
            "views.toml: view `e`: inherits from itself: e → f → e",
            "views.toml: view `f`: inherits from itself: f → e → f",
            "views.toml: view `g`: inherits from itself: g → g",
            "views.toml: view `page`: `content` must be a string",
        ],
    );
}

#[test]
fn children_of_a_faulty_view_are_not_blamed() {
    check_faults(
        &[
            (
                "views.toml",
                "a = { parent = 'nobody' }\nb = { parent = 'a' }\nc = { main = 'gone.html' }\nd = { parent = 'c' }\n\
                 e = { parent = 'e' }\nf = { alias = 'e' }",
            ),
            ("d.html", ""),
        ],
        &[
            "views.toml: view `a`: there is no view `nobody`",
            "views.toml: view `c`: there is no template `gone.html` for its `main`",
            "views.toml: view `e`: inherits from itself: e → e",
        ],
    );
}

#[test]
fn broken_tables_name_line_and_column() {
    check_faults(
        &[("views.toml", "a = {}\nb = {")],
        &["views.toml:2:6: unclosed inline table, expected `}`"],
    );
    check_faults(
        &[("views.json", "{\n\"a\": 1,}")],
        &["views.json:2:8: trailing comma"],
    );
    check_faults(
        &[("views.toml", "a = 'page.html'")],
        &["views.toml: view `a`: a view must be a table"],
    );
}

#[test]
fn unknown_names_in_templates_name_their_place() {
    check_faults(
        &[
            ("views.toml", "a = {}\nb = {}"),
            (
                "a.html",
                "{{ x | shout }}\n{{ shout() }}{{ <shout /> }}{% if x is shout %}{% endif %}",
            ),
            (
                "b.html",
                "{% extends 'base.html' %}{% block other %}{% endblock %}",
            ),
            ("base.html", "{% block body %}{% endblock %}"),
        ],
        &[
            "a.html:1:8: Unknown filter `shout`",
            "a.html:2:4: Unknown function `shout`",
            "a.html:2:17: Unknown component `shout`",
            "a.html:2:40: Unknown test `shout`",
            "b.html:1:35: Block `other` is not defined in any parent template",
        ],
    );
}

#[test]
fn mistake_in_a_shared_template_is_one_fault() {
    check_faults(
        &[
            (
                "views.toml",
                "a = { main = 'layout.html' }\nb = { main = 'layout.html' }",
            ),
            (
                "layout.html",
                "{% include 'content' %}{{ shout() }}{% include 'gone.html' %}",
            ),
            ("a.html", ""),
            ("b.html", ""),
        ],
        &[
            "layout.html:1:27: Unknown function `shout`",
            "layout.html:1:48: there is no template `gone.html`",
        ],
    );
}

#[test]
fn missing_parts_are_named_per_view() {
    check_faults(
        &[
            (
                "views.toml",
                "site = { main = 'layout.html' }\na = { parent = 'site' }\nb = { parent = 'site', nav = 'nav.html' }",
            ),
            (
                "layout.html",
                "{% include 'content' %}\n{% include 'nav' %}",
            ),
            ("b.html", ""),
            ("nav.html", ""),
        ],
        &[
            "layout.html:1:12: view `a`: there is no template `a.html`",
            "layout.html:2:12: view `a`: it has no part `nav`",
        ],
    );
}

#[test]
fn content_that_no_layout_shows_is_a_fault() {
    check_faults(
        &[
            ("views.toml", "a = { main = 'layout.html' }"),
            ("layout.html", "hello"),
            ("a.html", "lost"),
        ],
        &[
            "views.toml: view `a`: `a.html` is shown nowhere: let it extend \"main\", or `layout.html` include \"content\"",
        ],
    );
}

#[test]
fn main_is_extended_and_other_parts_are_included() {
    check_faults(
        &[
            (
                "views.toml",
                "a = { main = 'layout.html', nav = 'nav.html' }",
            ),
            ("layout.html", "{% include 'nav' %}"),
            ("nav.html", "{% include 'main' %}"),
            ("a.html", "{% extends 'nav' %}"),
        ],
        &["a.html:1:12: view `a`: `main` can only be extended, other parts only be included"],
    );
}

#[test]
fn endless_chains_are_faults_of_the_build() {
    check_faults(
        &[
            ("views.toml", "a = {}\nb = { main = 'layout.html' }"),
            ("a.html", "{% include 'x.html' %}"),
            ("x.html", "{% include 'y.html' %}"),
            ("y.html", "{% include 'x.html' %}"),
            (
                "layout.html",
                "{% block body %}{% include 'b.html' %}{% endblock %}",
            ),
            (
                "b.html",
                "{% extends 'main' %}{% block body %}{{ super() }}{% endblock %}",
            ),
        ],
        &[
            "layout.html:1:28: view `b`: `b.html` contains itself: b.html → layout.html → b.html",
            "y.html:1:12: view `a`: `x.html` contains itself: x.html → y.html → x.html",
        ],
    );
}

#[test]
fn very_deep_chains_are_faults_of_the_build() {
    let chain = |length: usize| {
        let mut files = vec![("views.toml", "page = { content = '1.html' }")];
        for n in 1..length {
            let path: &'static str = format!("{n}.html").leak();
            files.push((path, format!("{{% include '{}.html' %}}", n + 1).leak()));
        }
        let last = "{% block a %}{% block b %}end{% endblock %}{% endblock %}";
        files.push((format!("{length}.html").leak(), last));
        build(files.leak())
    };
    let views = chain(46).unwrap();
    assert_eq!(views.render("page", &Data::new()).unwrap(), "end");
    let faults = chain(47).unwrap_err();
    assert_eq!(
        faults.to_string(),
        "46.html:1:12: view `page`: more than 48 templates and blocks inside each other"
    );
}

#[test]
fn component_that_is_defined_twice_is_a_fault() {
    check_faults(
        &[
            ("views.toml", "a = {}"),
            ("a.html", "{{ <c /> }}"),
            ("x.html", "{% component c() %}{% endcomponent %}"),
            ("y.html", "\n{% component c() %}{% endcomponent %}"),
        ],
        &["y.html:2:16: component `c` is already defined in `x.html`"],
    );
}

#[test]
fn alias_of_a_base_is_a_fault() {
    check_faults(
        &[
            (
                "views.toml",
                "base = { main = 'layout.html' }\npage = { parent = 'base' }\nother = { alias = 'base' }",
            ),
            ("layout.html", "{% include 'content' %}"),
            ("page.html", ""),
        ],
        &["views.toml: view `other`: `base` is only a base of others and can't be rendered"],
    );
}
