//! Many clients at once: the rules hold, and nobody is told otherwise.

use std::sync::Barrier;
use std::thread;

use visitor::Answer;

use crate::players::{Player, arena, duel, play, text};

/// How many clients race.
const CLIENTS: usize = 50;

/// Runs `act` for each client number, all at the same moment.
fn race<T: Send>(act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(CLIENTS);
    thread::scope(|scope| {
        let racer = |client| {
            let (start, act) = (&start, &act);
            move || {
                start.wait();
                act(client)
            }
        };
        let racers: Vec<_> = (0..CLIENTS)
            .map(|client| scope.spawn(racer(client)))
            .collect();
        racers
            .into_iter()
            .map(|racer| racer.join().expect("an answer"))
            .collect()
    })
}

fn succeeded(answers: &[Answer]) -> Vec<&Answer> {
    answers
        .iter()
        .filter(|answer| answer.status() == 200)
        .collect()
}

#[test]
fn of_fifty_who_join_exactly_one_gets_the_seat() {
    let server = arena();
    let ada = Player::new(&server, "Ada");
    let players: Vec<_> = (0..CLIENTS)
        .map(|n| Player::new(&server, &format!("Player {n}")))
        .collect();
    for _ in 0..5 {
        let game = ada.create();
        let answers = race(|client| players[client].join(&game));
        let winners = succeeded(&answers);
        let [winner] = winners[..] else {
            panic!("{} winners", winners.len())
        };
        for loser in answers.iter().filter(|answer| answer.status() != 200) {
            assert_eq!(
                (loser.status(), loser.error_id().as_str()),
                (409, "game.join.full"),
                "{loser:?}"
            );
        }
        assert_eq!(
            ada.state(&game),
            winner.json(),
            "what the winner was told is what is stored"
        );
    }
}

#[test]
fn of_fifty_moves_for_one_turn_exactly_one_is_made() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    play(&ada, &bob, &game, &[0]);
    let answers = race(|client| bob.toggle(&game, 1 + client % 8));
    let winners = succeeded(&answers);
    let [winner] = winners[..] else {
        panic!("{} winners", winners.len())
    };
    for loser in answers.iter().filter(|answer| answer.status() != 200) {
        let id = loser.error_id();
        assert_eq!(loser.status(), 409, "{loser:?}");
        assert!(
            ["game.toggle.turn", "game.toggle.taken"].contains(&id.as_str()),
            "{id}"
        );
    }
    assert_eq!(ada.state(&game), winner.json());
    assert_eq!(marks(&ada, &game), 2);
}

#[test]
fn every_move_that_was_acknowledged_is_on_the_board_and_no_other() {
    let server = arena();
    let (ada, bob, game) = duel(&server);
    let answers = race(|client| {
        let player = if client % 2 == 0 { &ada } else { &bob };
        (0..9)
            .map(|cell| player.toggle(&game, (cell + client) % 9))
            .collect::<Vec<_>>()
    });
    let answers: Vec<Answer> = answers.into_iter().flatten().collect();
    assert_eq!(succeeded(&answers).len(), marks(&ada, &game));
    let mut revisions: Vec<u64> = succeeded(&answers)
        .iter()
        .map(|answer| revision(answer))
        .collect();
    revisions.sort_unstable();
    revisions.dedup();
    assert_eq!(
        revisions.len(),
        marks(&ada, &game),
        "each has a revision of its own"
    );
    assert!(
        answers
            .iter()
            .all(|answer| [200, 409].contains(&answer.status()))
    );
    assert!(marks(&ada, &game) >= 5, "the game was played to its end");
}

#[test]
fn fifty_repeats_of_a_delete_delete_once() {
    let server = arena();
    let ada = Player::new(&server, "Ada");
    let game = ada.create();
    let answers = race(|_| ada.delete(&game).status());
    assert_eq!(answers.iter().filter(|&&status| status == 204).count(), 1);
    assert_eq!(
        answers.iter().filter(|&&status| status == 404).count(),
        CLIENTS - 1
    );
}

#[test]
fn whatever_a_user_begins_while_logging_out_does_not_stay_behind() {
    let server = arena();
    let eve = Player::new(&server, "Eve");
    let seats: Vec<String> = (0..CLIENTS).map(|_| eve.create()).collect();
    for round in 0..5 {
        let ada = Player::new(&server, &format!("Ada {round}"));
        let last = race(|client| match client {
            0 => ada.post("/api/dashboard/logout").status(),
            // The others go on until they are told that nobody is logged in.
            _ => loop {
                let answer = match client % 2 {
                    0 => ada.join(&seats[client]),
                    _ => ada.post("/api/dashboard/create"),
                };
                if !(200..300).contains(&answer.status()) {
                    return answer.status();
                }
            },
        });
        assert_eq!((last[0], &last[1..]), (204, &[401; CLIENTS - 1][..]));
        let lobby = eve.page("/dashboard").text().to_owned();
        assert_eq!(
            lobby.matches(r#"<li class="card""#).count(),
            CLIENTS,
            "only Eve's: {lobby}"
        );
        assert!(!lobby.contains("In play"), "every seat is free: {lobby}");
    }
}

fn revision(answer: &Answer) -> u64 {
    answer.json()["revision"].as_u64().expect("a number")
}

fn marks(player: &Player, game: &str) -> usize {
    let state = player.state(game);
    let board = state["board"].as_array().expect("a board");
    board.iter().filter(|mark| !text(mark).is_empty()).count()
}
