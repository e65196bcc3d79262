//! Errors, in the face that the client asked for.

use serde_json::json;
use visitor::Visitor;

use crate::players::{Player, arena, arena_with, duel, refused};

#[test]
fn an_error_in_json_says_what_and_where() {
    let server = arena();
    let ada = Player::new(&server, "Ada");
    let answer = ada.get("/api/game/n%20o?x=1");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let request_id = answer.header("x-request-id").expect("a request id");
    let expected = json!({
        "code": 404, "id": "notfound", "path": "/api/game/n%20o",
        "message": "There is nothing here.", "request_id": request_id,
    });
    assert_eq!(answer.json(), expected);
}

#[test]
fn an_error_is_a_page_for_those_who_want_pages() {
    let server = arena();
    let (ada, _, game) = duel(&server);
    for (path, status, says) in [
        ("/nothing".to_owned(), 404, "Nothing here"),
        ("/game/nothing".to_owned(), 404, "Nothing here"),
    ] {
        let page = ada.page(&path);
        assert_eq!(page.status(), status, "{path}");
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert!(page.text().contains(says), "{path}");
    }
    let toggle = format!("/api/game/{game}/reset");
    let page = ada.visitor.post(&toggle).for_page().send();
    assert_eq!(page.status(), 409);
    assert!(page.text().contains("Finish this game first."));
    assert!(page.text().contains("Log out"), "and still knows who asks");
    let problem = ada
        .visitor
        .post(&toggle)
        .header("Accept", "application/problem+json")
        .send();
    assert_eq!(
        problem.header("content-type"),
        Some("application/problem+json")
    );
    let problem = problem.json();
    assert_eq!(
        (&problem["status"], &problem["id"]),
        (&json!(409), &json!("game.reset.not_over"))
    );
    assert_eq!(
        (&problem["type"], &problem["instance"]),
        (&json!("about:blank"), &json!(toggle))
    );
}

#[test]
fn outside_development_a_page_of_an_error_tells_nothing_private() {
    let server = arena();
    let ada = Player::new(&server, "Ada");
    let page = ada.page("/game/nothing");
    assert_eq!(page.status(), 404);
    for private in ["pleach", "caused by", "Only in development", "session="] {
        assert!(!page.text().contains(private), "{private}: {}", page.text());
    }
}

#[test]
fn in_development_a_page_of_an_error_tells_why() {
    let server = arena_with(&["--tier", "development"]);
    let page = Player::new(&server, "Ada").page("/game");
    assert_eq!(page.status(), 404);
    assert!(
        page.text().contains("fails at"),
        "the walk: {}",
        page.text()
    );
}

#[test]
fn a_method_that_is_not_routed_is_told_which_are() {
    let server = arena();
    let ada = Player::new(&server, "Ada");
    for (method, path, allow) in [
        ("GET", "/api/dashboard/any/join", "OPTIONS, POST"),
        ("POST", "/dashboard", "GET, HEAD, OPTIONS"),
        ("PUT", "/api/dashboard/any/delete", "DELETE, OPTIONS, POST"),
        ("POST", "/api/game/any", "GET, HEAD, OPTIONS"),
    ] {
        let answer = ada.visitor.request(method, path).for_json().send();
        refused(&answer, 405, "method_not_allowed");
        let mut allowed: Vec<&str> = answer
            .header("allow")
            .expect("a list")
            .split(", ")
            .collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(", "), allow, "{method} {path}");
    }
}

#[test]
fn head_is_get_without_the_body() {
    let server = arena();
    let ada = Player::new(&server, "Ada");
    let head = ada.visitor.request("HEAD", "/dashboard").send();
    assert_eq!(head.status(), 200);
    assert_eq!(head.text(), "");
}

#[test]
fn bodies_that_are_too_large_or_of_another_type_are_refused() {
    let server = arena_with(&["--max-body", "1KiB"]);
    let stranger = Visitor::of(&server);
    let large = json!({ "name": "x".repeat(2000) }).to_string();
    let login = || stranger.post("/api/index/login").for_json();
    refused(&login().json(&large).send(), 413, "too_large");
    refused(
        &login().body("text/plain", "name=Ada").send(),
        415,
        "malformed",
    );
    let page = stranger
        .post("/api/index/login")
        .for_page()
        .form(&[("name", &large)])
        .send();
    assert_eq!(page.status(), 413);
    assert!(page.text().contains("<!doctype html>"));
    let ada = Player::new(&server, "Ada");
    let create = |body: &str| {
        ada.visitor
            .post("/api/dashboard/create")
            .for_json()
            .body("text/plain", body)
    };
    refused(&create("x").send(), 415, "malformed");
}

#[test]
fn who_is_asked_before_what_is_sent() {
    let server = arena();
    let stranger = Visitor::of(&server);
    let create = stranger.post("/api/dashboard/create").for_json();
    refused(&create.body("text/plain", "x").send(), 401, "unauthorized");
}

#[test]
fn writes_from_another_site_are_refused_and_the_log_in_is_one() {
    let server = arena();
    let (ada, _, game) = duel(&server);
    let own = format!("http://{}", server.addr());
    for (name, value) in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "null"),
        ("Origin", "https://evil.example"),
        ("Origin", "http://127.0.0.1:1"),
    ] {
        for path in [
            "/api/index/login",
            "/api/dashboard/create",
            "/api/dashboard/logout",
            &format!("/api/game/{game}/toggle/0"),
        ] {
            let answer = ada.visitor.post(path).for_json().header(name, value).send();
            refused(&answer, 403, "cross_site");
        }
        let delete = ada.visitor.delete(&format!("/api/dashboard/{game}/delete"));
        refused(
            &delete.for_json().header(name, value).send(),
            403,
            "cross_site",
        );
        assert_eq!(
            ada.visitor
                .get("/dashboard")
                .header(name, value)
                .send()
                .status(),
            200,
            "reading is no write"
        );
    }
    for (name, value) in [("Sec-Fetch-Site", "same-origin"), ("Origin", own.as_str())] {
        let answer = ada
            .visitor
            .post("/api/dashboard/create")
            .for_json()
            .header(name, value)
            .send();
        assert_eq!(answer.status(), 201, "{name}: {value}");
    }
}

#[test]
fn every_page_is_strict_about_what_it_loads() {
    let server = arena();
    let ada = Player::new(&server, "Ada");
    let game = ada.create();
    for path in ["/", "/dashboard", &format!("/game/{game}"), "/nothing"] {
        let page = ada.page(path);
        if page.status() == 303 {
            continue;
        }
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(
            policy.contains("default-src 'self'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        for inline in ["<style", " style=", "<script>", " onclick", "javascript:"] {
            assert!(!page.text().contains(inline), "{path}: {inline}");
        }
    }
}

#[test]
fn names_are_text_wherever_they_are_shown() {
    let server = arena();
    let hostile = "<script>alert(1)</script>{{x}}\"'";
    let ada = Player::new(&server, &hostile.chars().take(32).collect::<String>());
    let name = format!("</bdi>{hostile}");
    let created = ada
        .visitor
        .post("/api/dashboard/create")
        .json(json!({ "name": name }).to_string())
        .send();
    let game = created.json()["id"].as_str().expect("an id").to_owned();
    let lobby = ada.watch_lobby().event().argument("elements");
    let table = ada.watch(&game).event().argument("elements");
    let pages = [ada.page("/dashboard"), ada.page(&format!("/game/{game}"))];
    for html in pages
        .iter()
        .map(|page| page.text())
        .chain([lobby.as_str(), table.as_str()])
    {
        assert!(
            !html.contains("<script>") && !html.contains("</bdi><script"),
            "{html}"
        );
        assert!(html.contains("&lt;script&gt;"), "{html}");
    }
}
