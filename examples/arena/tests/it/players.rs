//! A server to play on, and those who play.

use std::path::Path;

use serde_json::Value;
use visitor::{Answer, Request, Server, Stream, Visitor};

/// The program under test.
pub(crate) const ARENA: &str = env!("CARGO_BIN_EXE_arena");

/// Starts an arena that forgets everything at its end.
pub(crate) fn arena() -> Server {
    arena_with(&[])
}

/// Starts an arena that forgets everything at its end, with more arguments.
pub(crate) fn arena_with(arguments: &[&str]) -> Server {
    start("memory:", arguments)
}

/// Starts an arena that keeps its state in a folder.
pub(crate) fn arena_in(folder: &Path, arguments: &[&str]) -> Server {
    start(&format!("file:{}", folder.display()), arguments)
}

/// Starts an arena as visitors meet it, in production, unless the arguments say otherwise.
fn start(store: &str, arguments: &[&str]) -> Server {
    let mut all = vec!["--store", store, "--log", "warn"];
    if !arguments.contains(&"--tier") {
        all.extend(["--tier", "production"]);
    }
    all.extend(arguments);
    Server::start(ARENA, all)
}

/// A visitor who is logged in.
#[derive(Debug, Clone)]
pub(crate) struct Player {
    pub(crate) visitor: Visitor,
    pub(crate) id: String,
}

impl Player {
    /// Logs in by this name, with a browser of its own.
    pub(crate) fn new(server: &Server, name: &str) -> Self {
        Self::log_in(Visitor::of(server), name)
    }

    /// Logs in with this browser.
    pub(crate) fn log_in(visitor: Visitor, name: &str) -> Self {
        let answer = visitor
            .post("/api/index/login")
            .form(&[("name", name)])
            .for_json()
            .send();
        assert_eq!(answer.status(), 200, "{answer:?}");
        let id = text(&answer.json()["user"]["id"]);
        Self { visitor, id }
    }

    /// Posts and gets JSON.
    pub(crate) fn post(&self, path: &str) -> Answer {
        self.visitor.post(path).for_json().send()
    }

    /// Gets JSON.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.visitor.get(path).for_json().send()
    }

    /// Gets a page.
    pub(crate) fn page(&self, path: &str) -> Answer {
        self.visitor.get(path).for_page().send()
    }

    /// Makes a game and returns its id.
    pub(crate) fn create(&self) -> String {
        let answer = self.post("/api/dashboard/create");
        assert_eq!(answer.status(), 201, "{answer:?}");
        text(&answer.json()["id"])
    }

    pub(crate) fn join(&self, game: &str) -> Answer {
        self.post(&format!("/api/dashboard/{game}/join"))
    }

    pub(crate) fn delete(&self, game: &str) -> Answer {
        let path = format!("/api/dashboard/{game}/delete");
        self.visitor.delete(&path).for_json().send()
    }

    pub(crate) fn toggle(&self, game: &str, cell: usize) -> Answer {
        self.post(&format!("/api/game/{game}/toggle/{cell}"))
    }

    pub(crate) fn reset(&self, game: &str) -> Answer {
        self.post(&format!("/api/game/{game}/reset"))
    }

    pub(crate) fn leave(&self, game: &str) -> Answer {
        self.post(&format!("/api/game/{game}/leave"))
    }

    /// Returns the answer of `game.state`.
    pub(crate) fn state(&self, game: &str) -> Value {
        let answer = self.get(&format!("/api/game/{game}"));
        assert_eq!(answer.status(), 200, "{answer:?}");
        answer.json()
    }

    /// Begins the request for the lobby's stream.
    pub(crate) fn lobby(&self) -> Request<'_> {
        self.visitor.get("/api/dashboard/updates").live()
    }

    /// Opens the lobby's stream.
    pub(crate) fn watch_lobby(&self) -> Stream {
        self.lobby().open()
    }

    /// Begins the request for a game's stream.
    pub(crate) fn table(&self, game: &str) -> Request<'_> {
        self.visitor
            .get(&format!("/api/game/{game}/updates"))
            .live()
    }

    /// Opens a game's stream.
    pub(crate) fn watch(&self, game: &str) -> Stream {
        self.table(game).open()
    }
}

/// Logs two users in, and makes a game of the first against the second.
pub(crate) fn duel(server: &Server) -> (Player, Player, String) {
    let (ada, bob) = (Player::new(server, "Ada"), Player::new(server, "Bob"));
    let game = ada.create();
    assert_eq!(bob.join(&game).status(), 200);
    (ada, bob, game)
}

/// Plays these cells in turn, the host first.
#[track_caller]
pub(crate) fn play(host: &Player, challenger: &Player, game: &str, cells: &[usize]) {
    for (&cell, player) in cells.iter().zip([host, challenger].into_iter().cycle()) {
        let answer = player.toggle(game, cell);
        assert_eq!(answer.status(), 200, "{cell}: {answer:?}");
    }
}

/// Moves that X wins with.
pub(crate) const X_WINS: &[usize] = &[0, 3, 1, 4, 2];
/// Moves that fill the board without three in a row.
pub(crate) const TIE: &[usize] = &[0, 1, 2, 4, 3, 5, 7, 6, 8];

/// Returns the text of a value of JSON.
pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}

/// Asserts that an answer is this error, in JSON.
#[track_caller]
pub(crate) fn refused(answer: &Answer, status: u16, id: &str) {
    assert_eq!(
        (answer.status(), answer.error_id().as_str()),
        (status, id),
        "{answer:?}"
    );
}
