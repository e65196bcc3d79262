//! The rules as a table of facts, and laws over random play.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const HOST: &str = "host";
const CHALLENGER: &str = "challenger";
const STRANGER: &str = "stranger";

fn user(id: &str) -> UserId {
    id.parse().expect("not empty")
}

fn waiting() -> Game {
    Game::new(
        "g1".parse().expect("not empty"),
        GameName::parse("Duel").expect("a name"),
        user(HOST),
    )
}

fn seated() -> Game {
    match waiting().join(&user(CHALLENGER)) {
        Ok(Joined::Seated(game)) => game,
        other => panic!("the seat was free: {other:?}"),
    }
}

/// A game after these cells were played in turn.
#[track_caller]
fn played(cells: &[u8]) -> Game {
    cells
        .iter()
        .zip([HOST, CHALLENGER].into_iter().cycle())
        .fold(seated(), |game, (&cell, player)| {
            game.toggle(&user(player), at(cell)).expect("a legal move")
        })
}

fn at(cell: u8) -> Cell {
    Cell::try_from(cell).expect("0 to 8")
}

const X_WINS: [u8; 5] = [0, 3, 1, 4, 2];
const TIE: [u8; 9] = [0, 1, 2, 4, 3, 5, 7, 6, 8];

#[test]
fn a_new_game_waits_with_an_empty_board() {
    let game = waiting();
    assert_eq!(
        (game.phase(), game.outcome(), game.challenger()),
        (Phase::Waiting, None, None)
    );
    assert_eq!(game.role(&user(HOST)), Role::Host);
    assert_eq!(game.role(&user(STRANGER)), Role::Spectator);
}

#[test]
fn players_who_join_again_change_nothing() {
    assert_eq!(waiting().join(&user(HOST)), Ok(Joined::Already(waiting())));
    for game in [seated(), played(&[4]), played(&X_WINS)] {
        for player in [HOST, CHALLENGER] {
            assert_eq!(
                game.clone().join(&user(player)),
                Ok(Joined::Already(game.clone()))
            );
        }
    }
}

#[test]
fn a_taken_seat_is_refused_to_others() {
    for game in [seated(), played(&[4]), played(&TIE)] {
        assert_eq!(game.join(&user(STRANGER)), Err(Refusal::Full));
    }
}

#[test]
fn a_move_is_refused_for_the_first_reason_that_holds() {
    #[track_caller]
    fn check(game: Game, player: &str, cell: u8, refusal: Refusal) {
        assert_eq!(game.toggle(&user(player), at(cell)), Err(refusal));
    }
    check(waiting(), STRANGER, 0, Refusal::NotAPlayer);
    check(played(&X_WINS), STRANGER, 0, Refusal::NotAPlayer);
    check(waiting(), HOST, 0, Refusal::Waiting);
    check(played(&X_WINS), CHALLENGER, 0, Refusal::Over); // Taken as well, and X is not due either.
    check(played(&X_WINS), HOST, 8, Refusal::Over);
    check(played(&[4]), HOST, 4, Refusal::Taken); // Not the host's turn either.
    check(played(&[4]), CHALLENGER, 4, Refusal::Taken);
    check(played(&[4]), HOST, 0, Refusal::Turn);
    check(seated(), CHALLENGER, 0, Refusal::Turn);
}

#[test]
fn reset_waits_for_the_end_and_gives_x_the_first_move() {
    for player in [HOST, CHALLENGER] {
        for (game, refusal) in [
            (seated(), Refusal::NotOver),
            (played(&[4]), Refusal::NotOver),
        ] {
            assert_eq!(game.reset(&user(player)), Err(refusal));
        }
        for game in [played(&X_WINS), played(&TIE)] {
            assert_eq!(game.reset(&user(player)), Ok(seated()));
        }
    }
    assert_eq!(waiting().reset(&user(HOST)), Err(Refusal::NotOver));
    assert_eq!(
        played(&X_WINS).reset(&user(STRANGER)),
        Err(Refusal::NotAPlayer)
    );
    assert_eq!(seated().board().turn(), Mark::X);
}

#[test]
fn leaving_frees_the_seat_and_clears_the_board() {
    for game in [seated(), played(&[4, 0, 8]), played(&X_WINS)] {
        assert_eq!(game.clone().leave(&user(CHALLENGER)), Ok(waiting()));
        for other in [HOST, STRANGER] {
            assert_eq!(
                game.clone().leave(&user(other)),
                Err(Refusal::NotChallenger)
            );
        }
    }
    assert_eq!(waiting().leave(&user(HOST)), Err(Refusal::NotChallenger));
}

#[test]
fn logging_out_takes_the_hosts_game_and_frees_the_challengers_seat() {
    let game = played(&[4, 0]);
    assert_eq!(game.clone().depart(&user(HOST)), Departure::Gone);
    assert_eq!(
        game.clone().depart(&user(CHALLENGER)),
        Departure::SeatFreed(waiting())
    );
    assert_eq!(game.depart(&user(STRANGER)), Departure::Unchanged);
}

#[test]
fn only_the_host_deletes() {
    assert_eq!(seated().may_delete(&user(HOST)), Ok(()));
    for other in [CHALLENGER, STRANGER] {
        assert_eq!(seated().may_delete(&user(other)), Err(Refusal::NotTheHost));
    }
}

#[test]
fn the_json_is_the_one_that_clients_are_promised() {
    let text = serde_json::to_string(&played(&[1])).expect("serializes");
    assert_eq!(
        text,
        r#"{"id":"g1","name":"Duel","host_id":"host","challenger_id":"challenger","board":["","X","","","","","","",""],"turn":"O","winner":""}"#
    );
    let text = serde_json::to_string(&Snapshot {
        game: &waiting(),
        revision: 7,
    })
    .expect("serializes");
    assert_eq!(
        text,
        r#"{"id":"g1","name":"Duel","host_id":"host","challenger_id":"","board":["","","","","","","","",""],"turn":"X","winner":"","revision":7}"#
    );
    let winner = |game: Game| serde_json::to_value(game).expect("serializes")["winner"].clone();
    assert_eq!(winner(played(&X_WINS)), "X");
    assert_eq!(winner(played(&[0, 3, 1, 4, 8, 5])), "O");
    assert_eq!(winner(played(&TIE)), "TIE");
}

#[test]
fn a_corrupt_record_is_an_error() {
    #[track_caller]
    fn check(field: &str, value: Value, reason: &str) {
        let mut record = serde_json::to_value(played(&[4])).expect("serializes");
        record[field] = value;
        let error = serde_json::from_value::<Game>(record)
            .expect_err("corrupt")
            .to_string();
        assert!(error.contains(reason), "{field}: {error}");
    }
    check(
        "board",
        json!(["X", "X", "", "", "", "", "", "", ""]),
        "no game leads to the board",
    );
    check(
        "board",
        json!(["O", "", "", "", "", "", "", "", ""]),
        "no game leads to the board",
    );
    check(
        "board",
        json!(["X", "X", "X", "O", "O", "O", "", "", ""]),
        "no game leads to the board",
    );
    check("board", json!(["X"]), "length");
    check(
        "board",
        json!(["Z", "", "", "", "", "", "", "", ""]),
        "unknown variant",
    );
    check("turn", json!("X"), "turn contradicts");
    check("turn", json!(""), "turn contradicts");
    check("winner", json!("TIE"), "winner contradicts");
    check("challenger_id", json!(""), "no challenger");
    check("challenger_id", json!(HOST), "same user");
    check("host_id", json!(""), "an id has 1 to 128 bytes");
    check("id", json!(""), "an id has 1 to 128 bytes");
    check("name", json!("x"), "characters");
    check("name", Value::Null, "invalid type");
}

/// Anything that anybody may try.
#[derive(Debug, Clone, Copy)]
enum Action {
    Join,
    Toggle(u8),
    Reset,
    Leave,
}

fn actions() -> impl Strategy<Value = Vec<(&'static str, Action)>> {
    let who = prop::sample::select(vec![HOST, CHALLENGER, STRANGER]);
    let what = prop_oneof![
        2 => Just(Action::Join),
        12 => (0_u8..9).prop_map(Action::Toggle),
        2 => Just(Action::Reset),
        1 => Just(Action::Leave),
    ];
    prop::collection::vec((who, what), 0..120)
}

fn apply(game: Game, who: &UserId, action: Action) -> Result<Game, Refusal> {
    match action {
        Action::Join => match game.join(who)? {
            Joined::Already(game) | Joined::Seated(game) => Ok(game),
        },
        Action::Toggle(cell) => game.toggle(who, at(cell)),
        Action::Reset => game.reset(who),
        Action::Leave => game.leave(who),
    }
}

proptest! {
    /// Whatever is tried in whatever order, every record that is reached is one that can be stored and read back; nobody
    /// moves out of turn, alone, or after the end; and nobody loses a seat but by leaving it.
    #[test]
    fn any_actions_lead_from_sound_records_to_sound_records(actions in actions()) {
        let mut game = waiting();
        for (who, action) in actions {
            let who = user(who);
            let before = game.clone();
            let Ok(after) = apply(before.clone(), &who, action) else { continue };
            match action {
                Action::Toggle(cell) => {
                    prop_assert_eq!(before.phase(), Phase::Playing);
                    prop_assert_eq!(before.role(&who).mark(), Some(before.board().turn()));
                    prop_assert_eq!(after.board().mark(at(cell)), before.role(&who).mark());
                }
                Action::Join => prop_assert_eq!(after.board(), before.board()),
                Action::Reset => prop_assert_eq!(before.phase(), Phase::Over),
                Action::Leave => prop_assert_eq!(before.challenger(), Some(&who)),
            }
            if !matches!(action, Action::Leave) && before.challenger().is_some() {
                prop_assert_eq!(after.challenger(), before.challenger());
            }
            let json = serde_json::to_vec(&after).expect("serializes");
            prop_assert_eq!(&serde_json::from_slice::<Game>(&json).expect("reads back"), &after);
            game = after;
        }
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = serde_json::from_slice::<Game>(&bytes);
    }
}

#[test]
fn every_refusal_says_something_and_names_an_id() {
    for refusal in Refusal::ALL {
        assert!(
            refusal.to_string().ends_with('.'),
            "{refusal:?} is a sentence"
        );
        assert!(
            refusal.id() == "forbidden" || refusal.id().starts_with("game."),
            "{refusal:?}"
        );
    }
}
