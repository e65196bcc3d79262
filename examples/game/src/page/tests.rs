//! Facts of what the pages show.

use super::*;
use crate::board::Cell;
use crate::name::GameName;
use crate::record::{Joined, Phase, Role};

fn user(id: &str) -> UserId {
    id.parse().expect("not empty")
}

/// A game of `host` against `challenger`, after these cells were played in turn; nobody joins an empty challenger.
fn game(id: &str, host: &str, challenger: &str, cells: &[u8]) -> Game {
    let name = GameName::parse("Duel").expect("a name");
    let mut game = Game::new(id.parse().expect("not empty"), name, user(host));
    if !challenger.is_empty() {
        game = match game.join(&user(challenger)) {
            Ok(Joined::Seated(game)) => game,
            other => panic!("the seat was free: {other:?}"),
        };
    }
    for (&cell, player) in cells.iter().zip([host, challenger].into_iter().cycle()) {
        let cell = Cell::try_from(cell).expect("0 to 8");
        game = game.toggle(&user(player), cell).expect("a legal move");
    }
    game
}

fn names() -> Names {
    ["Ada", "Bob"]
        .map(|name| {
            (
                user(&name.to_lowercase()),
                UserName::parse(name).expect("a name"),
            )
        })
        .into_iter()
        .collect()
}

#[test]
fn a_user_whose_name_has_expired_still_has_a_card() {
    let (game, names) = (game("g3", "bob", "cid", &[]), names());
    let card = Card::new(&game, &names, Role::Spectator);
    let players = Players {
        host: "Bob",
        challenger: "Somebody",
    };
    assert_eq!(card.players, players);
}

#[test]
fn only_the_player_to_move_has_open_cells() {
    let names = names();
    let open = |game: &Game, role| {
        let table = Table::new(game, &names, role);
        assert_eq!(
            table.my_turn,
            table.squares.iter().any(|square| square.open)
        );
        table.squares.iter().filter(|square| square.open).count()
    };
    let playing = game("g", "ada", "bob", &[4]);
    assert_eq!(open(&playing, Role::Challenger), 8);
    assert_eq!(open(&playing, Role::Host), 0);
    assert_eq!(open(&playing, Role::Spectator), 0);
    let over = game("g", "ada", "bob", &[0, 3, 1, 4, 2]);
    for role in [Role::Host, Role::Challenger, Role::Spectator] {
        assert_eq!(open(&over, role), 0);
        assert_eq!(open(&game("g", "ada", "", &[]), role), 0);
    }
}

#[test]
fn three_in_a_row_are_marked_and_struck_through() {
    let (names, won) = (names(), game("g", "ada", "bob", &[2, 0, 4, 1, 6]));
    let table = Table::new(&won, &names, Role::Spectator);
    assert_eq!((table.phase, table.winner), (Phase::Over, "X"));
    let in_line: Vec<_> = table
        .squares
        .iter()
        .filter(|square| square.won)
        .map(|square| square.cell)
        .collect();
    assert_eq!(in_line, [2, 4, 6]);
    assert_eq!(
        table.strikes,
        [Strike {
            x1: 284,
            y1: 16,
            x2: 16,
            y2: 284
        }]
    );
}
