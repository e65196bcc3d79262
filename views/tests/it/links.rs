//! Calls of `url`, found before anything renders.

use crate::build;

/// Each link as `template:line route(vars)`, with `?` for a route that is made at render.
fn links(template: &'static str) -> Vec<String> {
    let files = vec![("views.toml", "page = {}"), ("page.html", template)].leak();
    let views = build(files).unwrap_or_else(|faults| panic!("faults:\n{faults}"));
    let text = views.links().into_iter().map(|link| {
        let route = link.route.as_deref().unwrap_or("?").to_owned();
        format!(
            "{}:{} {route}({})",
            link.template,
            link.line,
            link.vars.join(",")
        )
    });
    text.collect()
}

#[test]
fn literal_routes_in_any_quotes_with_the_names_of_their_variables() {
    let template = r#"<a href="{{ url(route="game", id=game.id) }}">
        <a href='{{- url( route = 'lobby' ) -}}'>
        {{ url(id=ids[0], route=`a"b\\`, cell=[1, url(route='x')]) }}"#;
    let expected = [
        "page.html:1 game(id)",
        "page.html:2 lobby()",
        r#"page.html:3 a"b\(id,cell)"#,
        "page.html:3 x()",
    ];
    assert_eq!(links(template), expected);
}

#[test]
fn routes_that_are_made_at_render_are_reported_as_unchecked() {
    assert_eq!(
        links(r#"{{ url(route=name, id=1) }}{{ url(route="a" ~ b) }}{{ url(route="a" | upper) }}"#),
        ["page.html:1 ?(id)", "page.html:1 ?()", "page.html:1 ?()"]
    );
}

#[test]
fn links_in_tags_blocks_loops_components_and_other_templates() {
    let views = build(&[
        ("views.toml", r#"page = { main = "layout.html" }"#),
        (
            "layout.html",
            r#"{{ url(route="home") }}{% include "content" %}"#,
        ),
        (
            "page.html",
            "{% set a = url(route='in.set') %}{% if url(route='in.if') == a %}{% endif %}\n\
             {% block b %}{% for x in xs %}{{ url(route='in.loop') }}{% endfor %}{% endblock %}\n\
             {% include 'part.html' %}{{ <c link={url(route='in.argument')} /> }}",
        ),
        ("part.html", "{{ url(route='in.include') }}"),
        (
            "c.html",
            "{% component c(link) %}{{ link }}{{ url(route='in.component') }}{% endcomponent %}",
        ),
        ("unused.html", "{{ url(route='in.unused') }}"),
    ])
    .unwrap_or_else(|faults| panic!("faults:\n{faults}"));
    let mut routes: Vec<String> = views
        .links()
        .into_iter()
        .filter_map(|link| link.route)
        .collect();
    routes.sort();
    assert_eq!(
        routes,
        [
            "home",
            "in.argument",
            "in.component",
            "in.if",
            "in.include",
            "in.loop",
            "in.set",
            "in.unused"
        ]
    );
}

#[test]
fn what_only_looks_like_a_link_is_none() {
    let text = "url(route='text') {# {{ url(route='comment') }} #}\
        {% raw %}{{ url(route='raw') }}{% endraw %}{%- raw -%}{% x %}{{ url(route='raw') }}{%- endraw -%}\
        {{ \"}} url(route='string')\" }}{{ curl }}{{ a.url }}";
    assert_eq!(links(text), [""; 0]);
    assert_eq!(
        links("{% raw %}{{ {% endraw %}{{ url(route='after') }}"),
        ["page.html:1 after()"]
    );
}
