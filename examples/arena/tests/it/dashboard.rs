//! The lobby: making, joining and ending games.

use serde_json::json;
use visitor::Visitor;

use crate::players::{Player, arena, arena_in, duel, play, refused, text};

#[test]
fn pages_send_strangers_to_the_landing_page() {
    let server = arena();
    let stranger = Visitor::of(&server);
    for path in ["/dashboard", "/game/any"] {
        for request in [stranger.get(path).for_page(), stranger.get(path)] {
            let answer = request.send();
            assert_eq!((answer.status(), answer.location()), (303, "/"), "{path}");
        }
        refused(&stranger.get(path).for_json().send(), 401, "unauthorized");
    }
}

#[test]
fn everything_behind_the_log_in_is_401_without_a_session() {
    let server = arena();
    let stranger = Visitor::of(&server);
    for (method, path) in [
        ("GET", "/api/dashboard/updates"),
        ("POST", "/api/dashboard/create"),
        ("POST", "/api/dashboard/any/join"),
        ("DELETE", "/api/dashboard/any/delete"),
        ("POST", "/api/dashboard/any/delete"),
        ("DELETE", "/api/dashboard/purge"),
        ("POST", "/api/dashboard/purge"),
        ("POST", "/api/dashboard/logout"),
        ("GET", "/api/game/any/updates"),
        ("POST", "/api/game/any/toggle/9"),
        ("POST", "/api/game/any/reset"),
        ("POST", "/api/game/any/leave"),
        ("GET", "/api/game/any"),
    ] {
        refused(
            &stranger.request(method, path).for_json().send(),
            401,
            "unauthorized",
        );
        let live = stranger.request(method, path).live().send();
        refused(&live, 401, "unauthorized");
        let form = stranger.request(method, path).for_page().send();
        assert_eq!(
            (form.status(), form.location()),
            (303, "/"),
            "{method} {path}"
        );
    }
}

#[test]
fn a_new_game_waits_for_its_challenger() {
    let server = arena();
    let ada = Player::new(&server, "Ada");
    let answer = ada
        .visitor
        .post("/api/dashboard/create")
        .json(r#"{"name":" Duel "}"#)
        .send();
    assert_eq!(answer.status(), 201);
    let state = answer.json();
    let game = text(&state["id"]);
    let expected = json!({
        "id": game, "name": "Duel", "host_id": ada.id, "challenger_id": "",
        "board": ["", "", "", "", "", "", "", "", ""], "turn": "X", "winner": "",
        "revision": state["revision"],
    });
    assert_eq!(state, expected);
    assert_eq!(ada.state(&game), expected);
    assert!(
        ada.page("/dashboard")
            .text()
            .contains(&format!(r#"id="game-{game}""#))
    );
}

#[test]
fn a_game_without_a_name_is_named_after_its_host() {
    let server = arena();
    let ada = Player::new(&server, "Ada");
    for body in ["", "{}", r#"{"name":null}"#, r#"{"name":"  "}"#] {
        let answer = ada.visitor.post("/api/dashboard/create").json(body).send();
        assert_eq!(
            (answer.status(), text(&answer.json()["name"])),
            (201, "Ada's game".to_owned()),
            "{body}"
        );
    }
}

#[test]
fn a_plain_form_makes_a_game_and_goes_to_it() {
    let server = arena();
    let ada = Player::new(&server, "Ada");
    let create = || {
        ada.visitor
            .post("/api/dashboard/create")
            .form(&[("name", "")])
    };
    let answer = create().for_page().send();
    assert_eq!(answer.status(), 303);
    assert!(answer.location().starts_with("/game/"));
    assert_eq!(ada.page(answer.location()).status(), 200);
    let live = create()
        .live()
        .open()
        .event()
        .redirect()
        .expect("a redirect");
    assert!(live.starts_with("/game/"), "{live}");
}

#[test]
fn a_form_with_a_bad_name_of_a_game_is_shown_again_with_the_lobby() {
    let server = arena();
    let ada = Player::new(&server, "Ada");
    let game = ada.create();
    let long = "<x>".repeat(30);
    let create = || {
        ada.visitor
            .post("/api/dashboard/create")
            .form(&[("name", &long)])
    };
    let page = create().for_page().send();
    assert_eq!(page.status(), 422);
    for expected in [
        &long.replace('<', "&lt;").replace('>', "&gt;"),
        "Use 2 to 64",
        &format!("game-{game}"),
    ] {
        assert!(page.text().contains(expected), "{expected}");
    }
    let answer = create().for_json().send();
    refused(&answer, 422, "invalid");
    assert!(answer.json()["fields"]["name"].is_string());
    refused(&create().live().send(), 422, "invalid");
    let wrong = ada
        .visitor
        .post("/api/dashboard/create")
        .json(r#"{"name":["x"]}"#)
        .send();
    refused(&wrong, 400, "malformed");
}

#[test]
fn the_free_seat_is_taken_once() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    let state = bob.state(&game);
    assert_eq!(
        (text(&state["host_id"]), text(&state["challenger_id"])),
        (ada.id.clone(), bob.id.clone())
    );
    // Who plays already stays as they are, and nothing is written.
    for player in [&ada, &bob] {
        let answer = player.join(&game);
        assert_eq!((answer.status(), answer.json()), (200, state.clone()));
    }
    refused(
        &Player::new(&server, "Eve").join(&game),
        409,
        "game.join.full",
    );
    refused(&bob.join("nothing"), 404, "notfound");
    assert_eq!(bob.state(&game), state);
}

#[test]
fn a_plain_join_goes_to_the_game() {
    let server = arena();
    let (ada, bob) = (Player::new(&server, "Ada"), Player::new(&server, "Bob"));
    let game = ada.create();
    let join = format!("/api/dashboard/{game}/join");
    let answer = bob.visitor.post(&join).for_page().send();
    assert_eq!(
        (answer.status(), answer.location()),
        (303, format!("/game/{game}").as_str())
    );
    let live = bob.visitor.post(&join).live().open().event().redirect();
    assert_eq!(live, Some(format!("/game/{game}")));
}

#[test]
fn only_the_host_deletes_a_game() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    for stranger in [&bob, &Player::new(&server, "Ada")] {
        refused(&stranger.delete(&game), 403, "forbidden");
    }
    assert_eq!(ada.delete(&game).status(), 204);
    refused(&ada.delete(&game), 404, "notfound");
    for path in [
        format!("/api/game/{game}"),
        format!("/game/{game}"),
        format!("/api/game/{game}/updates"),
    ] {
        refused(&bob.get(&path), 404, "notfound");
    }
    refused(&bob.toggle(&game, 0), 404, "notfound");
    refused(&bob.join(&game), 404, "notfound");
}

#[test]
fn a_game_is_deleted_by_delete_by_a_form_and_live() {
    let server = arena();
    let ada = Player::new(&server, "Ada");
    let path = |game: String| format!("/api/dashboard/{game}/delete");
    let form = ada.visitor.post(&path(ada.create())).for_page().send();
    assert_eq!((form.status(), form.location()), (303, "/dashboard"));
    // The page stays where it is: its stream shows that the card is gone.
    assert_eq!(
        ada.visitor
            .delete(&path(ada.create()))
            .live()
            .send()
            .status(),
        204
    );
    assert_eq!(
        ada.visitor
            .post(&path(ada.create()))
            .for_json()
            .send()
            .status(),
        204
    );
    assert!(ada.page("/dashboard").text().contains("No games yet"));
}

#[test]
fn an_admin_by_id_purges_and_an_admin_by_name_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = arena_in(folder.path(), &[]);
    let (ada, bob, game) = duel(&server);
    let purge = |player: &Player| {
        player
            .visitor
            .delete("/api/dashboard/purge")
            .for_json()
            .send()
    };
    refused(&purge(&ada), 403, "forbidden");
    let (status, _) = server.interrupt();
    assert!(status.success());

    let server = arena_in(
        folder.path(),
        &["--admins", &format!("root@example.com, {}", bob.id)],
    );
    let [ada, bob] = [ada, bob].map(|player| Player {
        visitor: player.visitor.at(&server),
        ..player
    });
    let admin = Player::new(&server, &bob.id[..32]);
    let mut table = ada.watch(&game);
    for player in [&ada, &admin] {
        refused(&purge(player), 403, "forbidden");
        assert!(
            !player
                .page("/dashboard")
                .text()
                .contains("/api/dashboard/purge")
        );
    }
    assert!(
        bob.page("/dashboard")
            .text()
            .contains("/api/dashboard/purge")
    );
    let other = ada.create();
    assert_eq!(purge(&bob).status(), 204);
    for game in [&game, &other] {
        refused(&ada.get(&format!("/api/game/{game}")), 404, "notfound");
    }
    assert_eq!(
        table
            .event_where(|event| event.redirect().is_some())
            .redirect()
            .as_deref(),
        Some("/dashboard")
    );
    let form = bob.visitor.post("/api/dashboard/purge").for_page().send();
    assert_eq!((form.status(), form.location()), (303, "/dashboard"));
}

#[test]
fn a_freed_seat_can_be_taken_by_another() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    play(&ada, &bob, &game, &[4, 0]);
    let left = bob.leave(&game);
    assert_eq!(left.status(), 200);
    let state = left.json();
    assert_eq!(
        (text(&state["challenger_id"]), text(&state["turn"])),
        (String::new(), "X".to_owned())
    );
    assert_eq!(state["board"], json!(["", "", "", "", "", "", "", "", ""]));
    let eve = Player::new(&server, "Eve");
    assert_eq!(text(&eve.join(&game).json()["challenger_id"]), eve.id);
    refused(&bob.toggle(&game, 0), 403, "forbidden");
}
