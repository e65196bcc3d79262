//! What outlasts the program, and how the program ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use visitor::Server;

use crate::players::{Player, X_WINS, arena, arena_in, duel, play, text};

/// The same player before a server that was started anew.
fn back(player: &Player, server: &Server) -> Player {
    Player {
        visitor: player.visitor.at(server),
        id: player.id.clone(),
    }
}

#[test]
fn games_and_sessions_survive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = arena_in(folder.path(), &[]);
    let (ada, bob, game) = duel(&server);
    play(&ada, &bob, &game, &[4, 0, 8]);
    let (state, seen) = (ada.state(&game), bob.watch(&game).event());
    assert!(server.interrupt().0.success());

    let server = arena_in(folder.path(), &[]);
    let (ada, bob) = (back(&ada, &server), back(&bob, &server));
    assert_eq!(ada.state(&game), state);
    assert!(
        ada.page("/dashboard").text().contains("<bdi>Ada</bdi>"),
        "the name is still known"
    );
    // A page that was open all the time goes on where it was.
    let mut table = bob.table(&game).header("Last-Event-ID", &seen.id).open();
    assert_eq!(table.block().expect("a comment").name, "");
    play(&bob, &ada, &game, &[1]);
    assert!(table.event().id > seen.id);
}

#[test]
fn what_was_logged_out_or_deleted_stays_so_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = arena_in(folder.path(), &[]);
    let (ada, bob, game) = duel(&server);
    let thief = ada.visitor.at(&server);
    let other = bob.create();
    assert_eq!(ada.post("/api/dashboard/logout").status(), 204);
    assert_eq!(bob.delete(&other).status(), 204);
    server.kill();

    let server = arena_in(folder.path(), &[]);
    assert_eq!(
        thief
            .at(&server)
            .get("/dashboard")
            .for_json()
            .send()
            .status(),
        401
    );
    let bob = back(&bob, &server);
    for gone in [game, other] {
        assert_eq!(bob.get(&format!("/api/game/{gone}")).status(), 404);
    }
}

#[test]
fn a_kill_in_the_middle_of_play_loses_no_move_that_was_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = arena_in(folder.path(), &[]);
    let (mut ada, mut bob, game) = duel(&server);
    for round in 0..4_u64 {
        let killed = AtomicBool::new(false);
        let last = thread::scope(|scope| {
            let play = scope.spawn(|| {
                let mut last = ada.state(&game);
                let moves = (0..).map(|n| if n % 2 == 0 { &ada } else { &bob });
                for (n, player) in moves.enumerate() {
                    // The connection breaks in the middle of one of them.
                    let answer = std::panic::catch_unwind(|| match n % 6 {
                        5 => player.reset(&game),
                        n => player.toggle(&game, X_WINS[n]),
                    });
                    match answer {
                        Ok(answer) if answer.status() == 200 => last = answer.json(),
                        Ok(answer) => panic!("{answer:?}"),
                        Err(_) => break,
                    }
                }
                assert!(killed.load(Ordering::SeqCst), "it broke before the kill");
                last
            });
            thread::sleep(Duration::from_millis(150 + 70 * round));
            killed.store(true, Ordering::SeqCst);
            server.kill();
            play.join().expect("a player")
        });
        server = arena_in(folder.path(), &[]);
        (ada, bob) = (back(&ada, &server), back(&bob, &server));
        let state = ada.state(&game);
        let revision = |state: &serde_json::Value| state["revision"].as_u64().expect("a number");
        match revision(&state) - revision(&last) {
            0 => assert_eq!(state, last),
            // The move under way may have been made; only its answer did not arrive.
            1 => {}
            more => panic!("{more} moves that nobody made"),
        }
        // Brings the game to the beginning of a round again.
        while ada.reset(&game).status() != 200 {
            for cell in X_WINS {
                let _ = ada.toggle(&game, *cell);
                let _ = bob.toggle(&game, *cell);
            }
        }
        assert_eq!(text(&ada.state(&game)["turn"]), "X");
    }
}

#[test]
fn ctrl_c_with_pages_open_ends_them_and_exits_0() {
    for signal in ["-INT", "-TERM"] {
        let server = arena();
        let (ada, bob, game) = duel(&server);
        let mut streams = vec![
            ada.watch_lobby(),
            bob.watch_lobby(),
            ada.watch(&game),
            bob.watch(&game),
        ];
        for stream in &mut streams {
            stream.event();
        }
        server.signal(signal);
        let (status, time) = server.ended();
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(time < Duration::from_secs(2), "{signal}: {time:?}");
        for mut stream in streams {
            let last = std::iter::from_fn(|| stream.block())
                .last()
                .expect("last words");
            let retry = last.retry.expect("when to come back");
            assert!((1000..=5000).contains(&retry), "{retry}");
            assert_eq!(last.redirect(), None);
        }
    }
}
