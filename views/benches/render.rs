//! What rendering through views costs beside the engine alone, on the same templates and values.
//!
//! `cargo bench -p pleach-views --bench render` prints the median of interleaved rounds in microseconds a render, and
//! the ratio of views to engine.
#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::Instant;

use pleach_views::{Call, REQUEST, Source, Views, data};
use serde::Serialize;
use tera::{Context, Kwargs, State, Tera};

const ROUNDS: usize = 41;
const MICROS_A_ROUND: u128 = 5_000;

const FILES: &[(&str, &str)] = &[
    (
        "views.toml",
        r#"
        site = { main = "layout.html", nav = "nav.html" }
        rows = { parent = "site" }
        game = { parent = "site" }
        chat = { parent = "site" }
        "#,
    ),
    (
        "layout.html",
        r#"<!doctype html><html lang="en"><head><title>{% block title %}Arena{% endblock %}</title></head>
        <body>{% include "nav" %}<main>{% block body %}{% endblock %}</main></body></html>"#,
    ),
    (
        "nav.html",
        r#"<nav><a href="{{ url(route="landing") }}">{{ user }}</a></nav>"#,
    ),
    (
        "rows.html",
        r#"{% extends "main" %}{% block title %}Rows{% endblock %}{% block body %}<table>
        {% for row in rows %}<tr><td>{{ row.id }}</td><td>{{ row.name }}</td><td>{{ row.mail }}</td><td>{{ row.score }}</td></tr>
        {% endfor %}</table>{% endblock %}"#,
    ),
    (
        "game.html",
        r#"{% extends "main" %}{% block body %}<h1>{{ name }}</h1>{% block board %}<div id="gameboard">
        {% for mark in board %}<button data-cell="{{ loop.index0 }}" data-mark="{{ mark }}">{{ mark }}</button>{% endfor %}
        </div>{% endblock %}{% endblock %}"#,
    ),
    (
        "chat.html",
        r#"{% extends "main" %}{% block body %}{% for line in lines %}{{ <line user={line.user} text={line.text} at={line.at} /> }}{% endfor %}{% endblock %}
        {% component line(user, text, at) %}<li><b>{{ user }}</b> <time>{{ at }}</time> <span>{{ text }}</span></li>{% endcomponent %}"#,
    ),
];

#[derive(Serialize)]
struct Row {
    id: u64,
    name: String,
    mail: String,
    score: f64,
}

fn rows() -> Vec<Row> {
    (0..50)
        .map(|id| Row {
            id,
            name: format!("Name <{id}> & more of it"),
            mail: format!("user{id}@example.com"),
            score: id as f64 * 1.5,
        })
        .collect()
}

fn main() {
    let views = Views::builder()
        .source(Source::embedded(FILES))
        .function("url", |call: &Call<'_>| {
            call.text("route").map(|route| format!("/{route}"))
        })
        .build()
        .expect("the templates are right");
    let engine = engine();
    let rows = rows();

    let mut page = data! { rows, user => "Ada" };
    page.insert(REQUEST, &[("tier", "production")]);
    let mut page_context = Context::new();
    page_context.insert("rows", &rows);
    page_context.insert("user", "Ada");
    page_context.insert("z_cx", &[("tier", "production")]);
    let board = ["X", "O", "", "", "X", "", "O", "", ""];
    let game = data! { board };
    let mut game_context = Context::new();
    game_context.insert("board", &board);
    let line = data! { user => "Ada", text => "What about <this>?", at => "12:34" };
    let mut line_context = Context::new();
    line_context.insert("user", "Ada");
    line_context.insert("text", "What about <this>?");
    line_context.insert("at", "12:34");

    assert_eq!(
        views.render("rows", &page).unwrap(),
        engine.render("rows.html", &page_context).unwrap()
    );
    assert_eq!(
        views.fragment("game", "board", &game).unwrap(),
        engine.render("board.html", &game_context).unwrap()
    );

    println!(
        "{:<38} {:>8} {:>8} {:>6}",
        "µs a render (median)", "engine", "views", "ratio"
    );
    compare(
        "page of 50 rows, ready values",
        || engine.render("rows.html", &page_context).unwrap(),
        || views.render("rows", &page).unwrap(),
    );
    compare(
        "page of 50 rows, values from structs",
        || {
            let mut context = Context::new();
            context.insert("rows", &rows);
            context.insert("user", "Ada");
            engine.render("rows.html", &context).unwrap()
        },
        || {
            views
                .render("rows", &data! { rows, user => "Ada" })
                .unwrap()
        },
    );
    compare(
        "page of 50 rows, from serde_json::Value",
        || {
            let value = serde_json::to_value(&rows).unwrap();
            let mut context = Context::new();
            context.insert("rows", &value);
            context.insert("user", "Ada");
            engine.render("rows.html", &context).unwrap()
        },
        || {
            views
                .render("rows", &data! { rows, user => "Ada" })
                .unwrap()
        },
    );
    compare(
        "board: block alone",
        || engine.render("board.html", &game_context).unwrap(),
        || views.fragment("game", "board", &game).unwrap(),
    );
    let mut whole = game_context.clone();
    whole.insert("user", "Ada");
    whole.insert("name", "Ada's game");
    compare(
        "board: engine cuts it out of the page",
        || engine.render_block("game.html", "board", &whole).unwrap(),
        || views.fragment("game", "board", &game).unwrap(),
    );
    compare(
        "chat line: component alone",
        || {
            engine
                .render_component("line", &line_context, None, true)
                .unwrap()
        },
        || views.fragment("chat", "line", &line).unwrap(),
    );
}

/// The same pages as somebody would write them for the engine without views.
fn engine() -> Tera {
    let mut engine = Tera::new();
    engine.register_function("url", |arguments: Kwargs, _: &State<'_>| {
        arguments
            .must_get::<&str>("route")
            .map(|route| format!("/{route}"))
    });
    let own = |text: &str| {
        text.replace("\"nav\"", "\"nav.html\"")
            .replace("\"main\"", "\"layout.html\"")
    };
    let mut texts: Vec<(String, String)> = FILES[1..]
        .iter()
        .map(|(path, text)| ((*path).to_owned(), own(text)))
        .collect();
    let game = FILES
        .iter()
        .find(|(path, _)| *path == "game.html")
        .expect("it stands above")
        .1;
    let start =
        game.find("{% block board %}").expect("it stands above") + "{% block board %}".len();
    let end = game.find("{% endblock %}").expect("it stands above");
    texts.push(("board.html".to_owned(), game[start..end].to_owned()));
    engine
        .add_raw_templates(texts)
        .expect("the templates are right");
    engine
}

/// Times both in turn, so that whatever else the machine does falls on both alike.
fn compare(name: &str, engine: impl Fn() -> String, views: impl Fn() -> String) {
    let once = time(1_000, &engine).max(0.01);
    let times = (MICROS_A_ROUND as f64 / once) as u32 + 1;
    let (mut engine_rounds, mut views_rounds) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        engine_rounds.push(time(times, &engine));
        views_rounds.push(time(times, &views));
    }
    let mut ratios: Vec<f64> = views_rounds
        .iter()
        .zip(&engine_rounds)
        .map(|(views, engine)| views / engine)
        .collect();
    println!(
        "{name:<38} {:>8.2} {:>8.2} {:>6.2}",
        median(&mut engine_rounds),
        median(&mut views_rounds),
        median(&mut ratios)
    );
}

fn time(times: u32, render: impl Fn() -> String) -> f64 {
    let start = Instant::now();
    for _ in 0..times {
        black_box(render());
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(times)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
