//! In by name, and out again.

use serde_json::json;
use visitor::Visitor;

use crate::players::{Player, X_WINS, arena, arena_with, duel, play, refused, text};

#[test]
fn the_landing_page_is_for_all_but_those_who_are_in() {
    let server = arena();
    let visitor = Visitor::of(&server);
    let page = visitor.get("/").for_page().send();
    assert_eq!(page.status(), 200);
    assert!(page.text().contains(r#"action="/api/index/login""#));
    assert_eq!(
        page.headers("set-cookie").count(),
        0,
        "looking costs no session"
    );

    let ada = Player::log_in(visitor, "Ada");
    let page = ada.page("/");
    assert_eq!((page.status(), page.location()), (303, "/dashboard"));
}

#[test]
fn a_plain_form_logs_in_and_goes_to_the_lobby() {
    let server = arena();
    let visitor = Visitor::of(&server);
    let answer = visitor
        .post("/api/index/login")
        .form(&[("name", "  Ada  ")])
        .for_page()
        .send();
    assert_eq!((answer.status(), answer.location()), (303, "/dashboard"));
    let page = visitor.get("/dashboard").for_page().send();
    assert!(page.text().contains("<bdi>Ada</bdi>"), "trimmed");
}

#[test]
fn json_logs_in_and_is_told_who_it_is() {
    let server = arena();
    let answer = Visitor::of(&server)
        .post("/api/index/login")
        .json(r#"{"name":"Ada"}"#)
        .send();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let user = &answer.json()["user"];
    let id = text(&user["id"]);
    assert_eq!(
        answer.json(),
        json!({ "user": { "id": id, "name": "Ada" } })
    );
}

#[test]
fn a_live_form_logs_in_and_is_redirected() {
    let server = arena();
    let visitor = Visitor::of(&server);
    let mut answer = visitor
        .post("/api/index/login")
        .form(&[("name", "Ada")])
        .live()
        .open();
    assert_eq!(answer.event().redirect().as_deref(), Some("/dashboard"));
    assert_eq!(answer.block(), None);
    assert_eq!(visitor.get("/dashboard").send().status(), 200);
}

#[test]
fn names_have_2_to_32_code_points_and_no_control_characters() {
    let server = arena();
    let log_in = |name: &str| {
        let name = json!({ "name": name }).to_string();
        Visitor::of(&server)
            .post("/api/index/login")
            .json(name)
            .send()
    };
    for name in ["Jo", "  Jo  ", &"é".repeat(32), "日本", "<b>&amp;", "👩‍🚀x"] {
        assert_eq!(log_in(name).status(), 200, "{name}");
    }
    for name in [
        "",
        " ",
        "J",
        " J ",
        &"é".repeat(33),
        "A\u{0}da",
        "A\nda",
        "A\u{85}da",
    ] {
        let answer = log_in(name);
        refused(&answer, 422, "invalid");
        assert!(answer.json()["fields"]["name"].is_string(), "{answer:?}");
    }
}

#[test]
fn a_form_with_a_bad_name_is_shown_again() {
    let server = arena();
    let visitor = Visitor::of(&server);
    let page = visitor
        .post("/api/index/login")
        .form(&[("name", "<i>\u{7}")])
        .for_page()
        .send();
    assert_eq!(page.status(), 422);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        page.text().contains(r#"value="&lt;i&gt;"#),
        "what was typed, escaped"
    );
    assert!(page.text().contains("Use no line breaks"));
    assert_eq!(page.headers("set-cookie").count(), 0);

    let live = visitor
        .post("/api/index/login")
        .form(&[("name", "x")])
        .live()
        .send();
    refused(&live, 422, "invalid");
    let forced = visitor
        .post("/api/index/login")
        .form(&[("name", "x")])
        .for_page();
    let forced = forced.header("Z-App-Json-Response-On-Error", "1").send();
    refused(&forced, 422, "invalid");
}

#[test]
fn a_name_that_is_absent_or_no_text_is_malformed() {
    let server = arena();
    for body in ["{}", r#"{"name":7}"#, r#"{"name":null}"#, "[", ""] {
        let answer = Visitor::of(&server)
            .post("/api/index/login")
            .json(body)
            .send();
        refused(&answer, 400, "malformed");
    }
    let form = Visitor::of(&server)
        .post("/api/index/login")
        .form(&[("nom", "Ada")])
        .for_json()
        .send();
    refused(&form, 400, "malformed");
}

#[test]
fn a_session_is_a_token_in_a_cookie_that_scripts_and_other_sites_do_not_get() {
    let server = arena();
    let visitor = Visitor::of(&server);
    let answer = visitor
        .post("/api/index/login")
        .json(r#"{"name":"Ada"}"#)
        .send();
    let cookies: Vec<&str> = answer.headers("set-cookie").collect();
    let [cookie] = cookies[..] else {
        panic!("one cookie: {cookies:?}")
    };
    let (pair, attributes) = cookie.split_once("; ").expect("attributes");
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Path=/");
    let token = pair
        .strip_prefix("session=")
        .expect("the name of the cookie");
    assert!(token.len() >= 43, "256 bits: {token}");
    let user = text(&answer.json()["user"]["id"]);
    assert!(!token.contains(&user) && !answer.text().contains(token));
}

#[test]
fn under_https_the_cookie_is_secure_and_of_this_host_alone() {
    let server = arena_with(&["--public-url", "https://play.example.com"]);
    let visitor = Visitor::of(&server);
    let answer = visitor
        .post("/api/index/login")
        .json(r#"{"name":"Ada"}"#)
        .send();
    let cookie = answer.header("set-cookie").expect("a cookie");
    assert!(cookie.starts_with("__Host-session="), "{cookie}");
    assert!(
        cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/; Secure"),
        "{cookie}"
    );
}

#[test]
fn every_log_in_makes_another_user_and_another_token() {
    let server = arena();
    let ada = Player::new(&server, "Ada");
    let token = ada.visitor.cookie("session");
    let game = ada.create();
    let tab = ada.visitor.clone();
    let mut lobby = ada.watch_lobby();
    let old = ada.visitor.at(&server);

    let again = Player::log_in(tab, "Ada");
    assert_ne!(again.id, ada.id);
    assert_ne!(again.visitor.cookie("session"), token);
    // As by a log-out: the old session is dead, its streams lead away, its game is gone.
    assert_eq!(old.get("/api/game/x").for_json().send().status(), 401);
    assert_eq!(
        lobby
            .event_where(|event| event.redirect().is_some())
            .redirect()
            .as_deref(),
        Some("/")
    );
    assert_eq!(lobby.block(), None);
    refused(&again.get(&format!("/api/game/{game}")), 404, "notfound");
}

#[test]
fn a_token_that_was_planted_is_not_adopted() {
    let server = arena();
    let mallory = Player::new(&server, "Mallory");
    let token = mallory.visitor.cookie("session").expect("a token");
    let victim = Visitor::of(&server);
    victim.set_cookie("session", &token);
    let victim = Player::log_in(victim, "Victim");
    assert_ne!(victim.visitor.cookie("session").as_ref(), Some(&token));
    assert_eq!(
        mallory.get("/dashboard").status(),
        401,
        "the planted one died with the log-in"
    );
}

#[test]
fn a_log_out_ends_games_seats_streams_and_session_at_once() {
    let server = arena();
    let (ada, bob, own) = duel(&server);
    let other = bob.create();
    assert_eq!(ada.join(&other).status(), 200);
    play(&bob, &ada, &other, &[4]);
    let (mut lobby, mut table, mut seat) = (ada.watch_lobby(), ada.watch(&own), bob.watch(&own));
    for stream in [&mut lobby, &mut table, &mut seat] {
        stream.event();
    }
    let thief = ada.visitor.at(&server);

    let answer = ada.post("/api/dashboard/logout");
    assert_eq!(answer.status(), 204);
    assert!(
        answer
            .header("set-cookie")
            .is_some_and(|cookie| cookie.contains("Max-Age=0"))
    );
    assert_eq!(
        thief.get("/dashboard").for_json().send().status(),
        401,
        "a copy of the cookie is worth nothing"
    );
    assert_eq!(
        lobby
            .event_where(|event| event.redirect().is_some())
            .redirect()
            .as_deref(),
        Some("/")
    );
    assert_eq!(lobby.block(), None);
    let ends = ["/", "/dashboard"];
    let end = table
        .event_where(|event| event.redirect().is_some())
        .redirect()
        .expect("a redirect");
    assert!(
        ends.contains(&end.as_str()),
        "its session and its game ended together: {end}"
    );
    assert_eq!(
        seat.event_where(|event| event.redirect().is_some())
            .redirect()
            .as_deref(),
        Some("/dashboard")
    );

    let state = bob.state(&other);
    assert_eq!(
        (text(&state["challenger_id"]), text(&state["board"][4])),
        (String::new(), String::new())
    );
    refused(&bob.get(&format!("/api/game/{own}")), 404, "notfound");
    refused(&ada.post("/api/dashboard/logout"), 401, "unauthorized");
}

#[test]
fn a_plain_log_out_goes_to_the_landing_page_and_a_live_one_is_redirected() {
    let server = arena();
    let ada = Player::new(&server, "Ada");
    let answer = ada.visitor.post("/api/dashboard/logout").for_page().send();
    assert_eq!((answer.status(), answer.location()), (303, "/"));
    let bob = Player::new(&server, "Bob");
    let mut answer = bob.visitor.post("/api/dashboard/logout").live().open();
    assert_eq!(answer.event().redirect().as_deref(), Some("/"));
    assert_eq!(bob.get("/dashboard").status(), 401);
}

#[test]
fn whoever_shares_a_name_is_somebody_else() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    let other = Player::new(&server, "Ada");
    assert_ne!(ada.id, other.id);
    play(&ada, &bob, &game, X_WINS);
    refused(&other.reset(&game), 403, "forbidden");
    refused(&other.delete(&game), 403, "forbidden");
}
