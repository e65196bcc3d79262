//! Pages that are open while things happen.

use std::time::{Duration, Instant};

use visitor::{Event, Stream, Visitor};

use crate::players::{Player, X_WINS, arena, arena_with, duel, play, refused};

/// Returns the list of an event of the lobby.
#[track_caller]
fn list(event: &Event) -> String {
    assert_eq!(event.name, "datastar-patch-elements", "{event:?}");
    let html = event.argument("elements");
    assert!(
        html.starts_with(r#"<section id="list-container""#),
        "{html}"
    );
    html
}

/// Waits until the lobby shows a card, or does not.
fn until_shown(lobby: &mut Stream, game: &str, shown: bool) -> Event {
    let card = format!(r#"id="game-{game}""#);
    lobby.event_where(|event| list(event).contains(&card) == shown)
}

/// Returns the nine marks of an event of a table, a dot for none.
fn marks(event: &Event) -> String {
    let html = event.argument("elements");
    let cells = html.split(r#"data-mark=""#).skip(1);
    cells
        .map(|cell| {
            cell.chars()
                .next()
                .map_or('.', |mark| if mark == '"' { '.' } else { mark })
        })
        .collect()
}

#[test]
fn an_event_has_its_lines_in_order_and_an_id() {
    let server = arena();
    let ada = Player::new(&server, "Ada");
    let game = ada.create();
    for mut stream in [ada.watch_lobby(), ada.watch(&game)] {
        assert_eq!(
            stream.head().header("content-type"),
            Some("text/event-stream")
        );
        assert_eq!(stream.head().header("cache-control"), Some("no-cache"));
        let event = stream.event();
        assert_eq!(event.order, ["event", "id", "data"]);
        let (epoch, revision) = event.id.split_once('-').expect("epoch and revision");
        assert!(u64::from_str_radix(epoch, 16).is_ok() && revision.parse::<u64>().is_ok());
    }
}

#[test]
fn an_empty_lobby_is_sent_as_such() {
    let server = arena();
    let ada = Player::new(&server, "Ada");
    let opened = Instant::now();
    let event = ada.watch_lobby().event();
    assert!(
        opened.elapsed().as_millis() < 1000,
        "{:?}",
        opened.elapsed()
    );
    let html = list(&event);
    assert!(
        html.contains("No games yet") && !html.contains("game-"),
        "{html}"
    );
}

#[test]
fn the_lobby_shows_games_as_they_come_change_and_go() {
    let server = arena();
    let (ada, bob) = (Player::new(&server, "Ada"), Player::new(&server, "Bob"));
    let mut lobby = ada.watch_lobby();
    let empty = lobby.event();
    let game = bob.create();
    let event = lobby.event();
    assert_ne!(event.id, empty.id);
    let html = list(&event);
    assert!(
        html.contains("Open seat") && html.contains(&format!("/api/dashboard/{game}/join")),
        "{html}"
    );
    assert_eq!(ada.join(&game).status(), 200);
    let html = list(&lobby.event());
    assert!(
        html.contains("In play") && html.contains(&format!("/api/game/{game}/leave")),
        "{html}"
    );
    play(&bob, &ada, &game, X_WINS);
    lobby.event_where(|event| list(event).contains("<bdi>Bob</bdi> won"));
    assert_eq!(bob.delete(&game).status(), 204);
    let event = lobby.event();
    assert!(list(&event).contains("No games yet"));
}

#[test]
fn each_card_offers_what_its_viewer_may_do() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    let eve = Player::new(&server, "Eve");
    let card = |player: &Player| list(&player.watch_lobby().event());
    let offers = |html: &str, path: &str| {
        html.contains(&format!(r#""{path}""#)) || html.contains(&format!("'{path}'"))
    };
    let (page, delete, leave) = (
        format!("/game/{game}"),
        format!("/api/dashboard/{game}/delete"),
        format!("/api/game/{game}/leave"),
    );
    for (player, deletes, leaves) in [
        (&ada, true, false),
        (&bob, false, true),
        (&eve, false, false),
    ] {
        let html = card(player);
        assert!(offers(&html, &page));
        assert_eq!(
            (offers(&html, &delete), offers(&html, &leave)),
            (deletes, leaves),
            "{html}"
        );
    }
}

#[test]
fn fifty_games_at_once_have_a_card_each() {
    let server = arena();
    let ada = Player::new(&server, "Ada");
    let mut lobby = ada.watch_lobby();
    let games: Vec<String> = std::thread::scope(|scope| {
        let creates: Vec<_> = (0..50).map(|_| scope.spawn(|| ada.create())).collect();
        creates
            .into_iter()
            .map(|create| create.join().expect("a game"))
            .collect()
    });
    let all = |html: &str| {
        games
            .iter()
            .all(|game| html.contains(&format!(r#"id="game-{game}""#)))
    };
    lobby.event_where(|event| all(&list(event)));
    assert!(
        all(&list(&ada.watch_lobby().event())),
        "whoever comes later sees them at once"
    );
    assert!(all(ada.page("/dashboard").text()));
}

#[test]
fn a_table_shows_every_move_to_players_and_spectators() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    let eve = Player::new(&server, "Eve");
    let mut streams = [ada.watch(&game), bob.watch(&game), eve.watch(&game)];
    for stream in &mut streams {
        assert_eq!(marks(&stream.event()), ".........");
    }
    for (player, cell, expected) in [(&ada, 4, "....X...."), (&bob, 0, "O...X....")] {
        assert_eq!(player.toggle(&game, cell).status(), 200);
        for stream in &mut streams {
            let event = stream.event();
            assert_eq!(marks(&event), expected);
            let html = event.argument("elements");
            assert!(
                html.contains(r#"id="gamecontrols""#) && html.contains(r#"id="gameboard""#),
                "both in one event"
            );
        }
    }
    let [mut host, mut challenger, mut spectator] = streams;
    play(&ada, &bob, &game, &[2, 3, 6]);
    for (stream, says) in [
        (&mut host, "You won"),
        (&mut challenger, "<bdi>Ada</bdi> won"),
        (&mut spectator, "<bdi>Ada</bdi> won"),
    ] {
        let end = stream.event_where(|event| marks(event) == "O.XOX.X..");
        assert!(end.argument("elements").contains(says), "{says}");
    }
}

#[test]
fn pages_are_live_in_development_too() {
    let server = arena_with(&["--tier", "development"]);
    let (ada, bob, game) = duel(&server);
    let (mut lobby, mut table) = (ada.watch_lobby(), bob.watch(&game));
    play(&ada, &bob, &game, X_WINS);
    table.event_where(|event| marks(event) == "XXXOO....");
    lobby.event_where(|event| list(event).contains("<bdi>Ada</bdi> won"));
}

#[test]
fn a_stream_that_resumes_is_sent_nothing_until_something_changes() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    let (lobby, table) = (ada.watch_lobby().event(), ada.watch(&game).event());
    let mut lobby = ada.lobby().header("Last-Event-ID", &lobby.id).open();
    let mut table = ada.table(&game).header("Last-Event-ID", &table.id).open();
    // A comment, so that the client knows that it is connected.
    for stream in [&mut lobby, &mut table] {
        assert_eq!(stream.block().expect("a comment").name, "");
    }
    assert_eq!(ada.toggle(&game, 4).status(), 200);
    assert_eq!(
        marks(&table.event()),
        "....X....",
        "the first event is the change"
    );
    assert_eq!(list(&lobby.event()).matches(r#"class="x""#).count(), 1);
    drop(bob);
}

#[test]
fn a_stream_with_an_id_that_is_old_foreign_or_malformed_begins_whole() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    let (lobby, table) = (ada.watch_lobby().event(), ada.watch(&game).event());
    play(&ada, &bob, &game, &[4]);
    let foreign = |id: &str| format!("1{}", &id[1..]);
    for id in [
        lobby.id.clone(),
        foreign(&lobby.id),
        "7".into(),
        "x-y".into(),
        "%00".into(),
        "-".into(),
        "0-0".into(),
    ] {
        let event = ada.lobby().header("Last-Event-ID", &id).open().event();
        assert!(list(&event).contains(&game), "{id}");
    }
    for id in [
        table.id.clone(),
        foreign(&table.id),
        "7".into(),
        "0-99999999999999999999".into(),
    ] {
        let event = ada.table(&game).header("Last-Event-ID", &id).open().event();
        assert_eq!(marks(&event), "....X....", "{id}");
    }
}

#[test]
fn a_page_that_missed_moves_is_brought_up_to_date_in_one_event() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    let before = bob.watch(&game).event();
    play(&ada, &bob, &game, &[4, 0, 8]);
    let event = bob
        .table(&game)
        .header("Last-Event-ID", &before.id)
        .open()
        .event();
    assert_eq!(marks(&event), "O...X...X");
}

#[test]
fn a_deleted_game_sends_its_pages_to_the_lobby_and_ends_them() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    let eve = Player::new(&server, "Eve");
    let mut streams = [&ada, &bob, &eve].map(|player| player.watch(&game));
    let last = streams.each_mut().map(Stream::event);
    assert_eq!(ada.delete(&game).status(), 204);
    for stream in streams {
        let rest = stream.rest();
        assert_eq!(rest.len(), 1, "one redirect, and the end: {rest:?}");
        assert_eq!(rest[0].redirect().as_deref(), Some("/dashboard"));
        assert_eq!(rest[0].id, last[0].id, "it shows no newer state");
    }
    // A page that was away meanwhile learns it when it comes back; whoever never knew the game, that there is none.
    for id in [last[0].id.as_str(), "malformed"] {
        let rest = bob.table(&game).header("Last-Event-ID", id).open().rest();
        assert_eq!(
            rest.iter().map(Event::redirect).collect::<Vec<_>>(),
            [Some("/dashboard".to_owned())]
        );
    }
    refused(&bob.table(&game).send(), 404, "notfound");
}

#[test]
fn a_game_that_expires_goes_like_one_that_is_deleted() {
    let server = arena_with(&["--game-ttl", "1s"]);
    let (ada, bob, game) = duel(&server);
    let (mut lobby, table) = (bob.watch_lobby(), bob.watch(&game));
    until_shown(&mut lobby, &game, true);
    until_shown(&mut lobby, &game, false);
    let end = table.rest().pop().expect("a last event");
    assert_eq!(end.redirect().as_deref(), Some("/dashboard"));
    refused(&ada.get(&format!("/api/game/{game}")), 404, "notfound");
}

#[test]
fn a_game_lives_from_its_last_change() {
    let server = arena_with(&["--game-ttl", "2s"]);
    let (ada, bob, game) = duel(&server);
    let other = ada.create();
    // Changed all the time, it outlives another that was made after it.
    while ada.get(&format!("/api/game/{other}")).status() == 200 {
        play(&ada, &bob, &game, X_WINS);
        assert_eq!(ada.reset(&game).status(), 200);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(ada.get(&format!("/api/game/{game}")).status(), 200);
}

#[test]
fn a_stranger_gets_no_stream() {
    let server = arena();
    let (_, _, game) = duel(&server);
    let stranger = Visitor::of(&server);
    for path in [
        "/api/dashboard/updates".to_owned(),
        format!("/api/game/{game}/updates"),
    ] {
        refused(&stranger.get(&path).live().send(), 401, "unauthorized");
    }
}

#[test]
fn one_failing_page_spoils_no_other() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    let (mut kept, dropped) = (bob.watch(&game), bob.watch(&game));
    kept.event();
    drop(dropped);
    for (player, cell) in [(&ada, 0), (&bob, 1), (&ada, 2)] {
        assert_eq!(player.toggle(&game, cell).status(), 200);
        kept.event();
    }
}

#[test]
fn streams_that_were_left_leave_nothing_behind() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    let gauge = |name: &str| {
        let metrics = Visitor::of(&server).get("/metrics").send();
        let line = metrics
            .text()
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse::<u64>().ok())
            .expect(name)
    };
    let idle = gauge("pleach_watchers");
    let open = || (0..50).flat_map(|_| [ada.watch_lobby(), bob.watch(&game)]);
    let streams: Vec<Stream> = open().collect();
    assert_eq!(gauge("pleach_streams"), 100);
    drop(streams);
    let began = Instant::now();
    while gauge("pleach_streams") > 0 || gauge("pleach_watchers") > idle {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "some are still there"
        );
        // A server notices that a client has gone when it next writes to it.
        let _ = bob.leave(&game);
        let _ = bob.join(&game);
    }
}
