//! A game: moves, ends, and who may do what.

use serde_json::json;

use crate::players::{Player, TIE, X_WINS, arena, duel, play, refused, text};

#[test]
fn a_game_is_won() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    play(&ada, &bob, &game, X_WINS);
    let state = bob.state(&game);
    assert_eq!(
        state["board"],
        json!(["X", "X", "X", "O", "O", "", "", "", ""])
    );
    assert_eq!(text(&state["winner"]), "X");
    for player in [&ada, &bob] {
        refused(&player.toggle(&game, 8), 409, "game.toggle.over");
    }
}

#[test]
fn a_game_is_tied() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    play(&ada, &bob, &game, TIE);
    let state = ada.state(&game);
    assert_eq!(
        state["board"],
        json!(["X", "O", "X", "X", "O", "O", "O", "X", "X"])
    );
    assert_eq!(text(&state["winner"]), "TIE");
}

#[test]
fn a_move_is_refused_for_the_first_reason_in_order() {
    let server = arena();
    let (ada, bob, eve) = (
        Player::new(&server, "Ada"),
        Player::new(&server, "Bob"),
        Player::new(&server, "Eve"),
    );
    let game = ada.create();
    // No such cell comes before who asks; who asks before how the game stands.
    for cell in ["9", "-1", "00", "+1", "x", "1e0", "%31x"] {
        let path = format!("/api/game/{game}/toggle/{cell}");
        refused(&eve.post(&path), 404, "notfound");
    }
    refused(&eve.toggle("nothing", 0), 404, "notfound");
    refused(&eve.toggle(&game, 0), 403, "forbidden");
    refused(&ada.toggle(&game, 0), 409, "game.toggle.waiting");
    assert_eq!(bob.join(&game).status(), 200);
    refused(&bob.toggle(&game, 0), 409, "game.toggle.turn");
    play(&ada, &bob, &game, &[0]);
    refused(&ada.toggle(&game, 0), 409, "game.toggle.taken");
    refused(&bob.toggle(&game, 0), 409, "game.toggle.taken");
    refused(&ada.toggle(&game, 1), 409, "game.toggle.turn");
    play(&bob, &ada, &game, &[3, 1, 4, 2]);
    // Over, taken and not their turn all at once: over is said.
    refused(&ada.toggle(&game, 0), 409, "game.toggle.over");
    refused(&eve.toggle(&game, 0), 403, "forbidden");
}

#[test]
fn a_refused_move_changes_nothing() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    play(&ada, &bob, &game, &[4]);
    let state = ada.state(&game);
    for answer in [
        ada.toggle(&game, 0),
        bob.toggle(&game, 4),
        bob.reset(&game),
        ada.leave(&game),
    ] {
        assert!(answer.status() >= 400, "{answer:?}");
    }
    assert_eq!(ada.state(&game), state);
}

#[test]
fn the_revision_grows_with_every_change() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    let revision = || ada.state(&game)["revision"].as_u64().expect("a number");
    let before = revision();
    assert_eq!(ada.toggle(&game, 0).json()["revision"], revision());
    assert!(revision() > before);
    let (before, _) = (revision(), bob.toggle(&game, 1));
    assert!(revision() > before);
}

#[test]
fn a_game_that_is_over_begins_again_with_x() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    refused(&ada.reset(&game), 409, "game.reset.not_over");
    play(&ada, &bob, &game, X_WINS);
    refused(&Player::new(&server, "Eve").reset(&game), 403, "forbidden");
    let state = bob.reset(&game);
    assert_eq!(state.status(), 200);
    let state = state.json();
    assert_eq!(
        (text(&state["turn"]), text(&state["winner"])),
        ("X".to_owned(), String::new())
    );
    refused(&bob.toggle(&game, 0), 409, "game.toggle.turn");
    play(&ada, &bob, &game, TIE);
    assert_eq!(ada.reset(&game).status(), 200);
    refused(&ada.reset("nothing"), 404, "notfound");
}

#[test]
fn only_the_challenger_leaves() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    for player in [&ada, &Player::new(&server, "Eve")] {
        refused(&player.leave(&game), 403, "game.leave.not_challenger");
    }
    assert_eq!(bob.leave(&game).status(), 200);
    refused(&bob.leave(&game), 403, "game.leave.not_challenger");
    refused(&bob.leave("nothing"), 404, "notfound");
}

#[test]
fn plain_forms_go_back_to_the_page_and_live_ones_stay_on_it() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    let page = format!("/game/{game}");
    let form = |player: &Player, action: &str| {
        let answer = player
            .visitor
            .post(&format!("/api/game/{game}/{action}"))
            .for_page()
            .send();
        (answer.status(), answer.location().to_owned())
    };
    let live = |player: &Player, action: &str| {
        let answer = player
            .visitor
            .post(&format!("/api/game/{game}/{action}"))
            .live()
            .send();
        (answer.status(), answer.text().to_owned())
    };
    assert_eq!(form(&ada, "toggle/0"), (303, page.clone()));
    assert_eq!(live(&bob, "toggle/3"), (204, String::new()));
    play(&ada, &bob, &game, &[1, 4, 2]);
    assert_eq!(live(&ada, "reset"), (204, String::new()));
    play(&ada, &bob, &game, X_WINS);
    assert_eq!(form(&ada, "reset"), (303, page));
    assert_eq!(form(&bob, "leave"), (303, "/dashboard".to_owned()));
    assert_eq!(bob.join(&game).status(), 200);
    let mut left = bob
        .visitor
        .post(&format!("/api/game/{game}/leave"))
        .live()
        .open();
    assert_eq!(left.event().redirect().as_deref(), Some("/dashboard"));
}

#[test]
fn the_page_shows_players_and_spectators_what_they_may_do() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    play(&ada, &bob, &game, &[4]);
    let eve = Player::new(&server, "Eve");
    let page = |player: &Player| player.page(&format!("/game/{game}")).text().to_owned();
    for (player, open) in [(&ada, 0), (&bob, 8), (&eve, 0)] {
        let html = page(player);
        assert_eq!(html.matches("data-cell=").count(), 9);
        assert!(html.contains(r#"data-cell="4" data-mark="X""#));
        let cells = html.matches(r#"aria-label="Row "#).count()
            - html.matches(r#"aria-disabled="true""#).count();
        let forms = html.contains("/toggle/");
        assert_eq!(if forms { cells } else { 0 }, open, "{html}");
    }
    assert!(page(&ada).contains("/delete") && !page(&ada).contains("/leave"));
    assert!(page(&bob).contains("/leave") && !page(&bob).contains("/delete"));
    assert!(
        !page(&eve).contains("/leave")
            && !page(&eve).contains("/delete")
            && !page(&eve).contains("/join")
    );
}

#[test]
fn an_id_may_be_any_text_and_finds_nothing() {
    let server = arena();
    let ada = Player::new(&server, "Ada");
    for id in [
        "*",
        "%3E",
        "a%2Fb",
        "..%2F",
        "%00",
        "%0D%0A",
        &"x".repeat(3000),
        "%F0%9F%91%8B",
    ] {
        refused(&ada.get(&format!("/api/game/{id}")), 404, "notfound");
        refused(
            &ada.get(&format!("/api/game/{id}/updates")),
            404,
            "notfound",
        );
        refused(&ada.toggle(id, 0), 404, "notfound");
        refused(&ada.delete(id), 404, "notfound");
    }
    refused(&ada.get("/api/game/%zz"), 400, "malformed");
}
