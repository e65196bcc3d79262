//! A real browser at play: headless Chromium, with scripts and without.

use std::path::PathBuf;

use browser::{Browser, Options, Window};

use crate::players::{Player, X_WINS, arena, play};

const ENTER: &str = "\u{e007}";
const TAB: &str = "\u{e004}";

/// A window, and how it gets to see what others did.
struct Seat {
    window: Window,
    is_live: bool,
}

impl Seat {
    fn open(browser: &Browser, is_live: bool) -> Self {
        let options = Options {
            javascript: is_live,
            ..Options::default()
        };
        let window = browser.window(options);
        Self { window, is_live }
    }

    /// Logs in by name.
    fn log_in(&self, url: &str, name: &str) {
        self.window.goto(url);
        self.window.type_into("#name", name);
        self.window.press(ENTER);
        self.window.wait_for("#list-container");
        assert_eq!(self.window.text(".me-name bdi"), name);
    }

    /// Waits until something matches: a live page comes to show it, any other has to be loaded again.
    #[track_caller]
    fn comes_to_show(&self, css: &str) {
        let shows = || {
            if !self.is_live {
                self.window.reload();
            }
            self.window.count(css) > 0
        };
        self.window.wait_until(css, shows);
    }

    fn status(&self, text: &str) {
        self.window.wait_text("#status", text);
    }

    /// Puts a mark where the other comes to see it.
    fn plays(&self, cell: usize, mark: &str, other: &Self) {
        let marked = format!("[data-cell='{cell}'][data-mark='{mark}']");
        self.window.click(&format!("#cell-{cell}"));
        self.window.wait_for(&marked);
        other.comes_to_show(&marked);
    }
}

/// Plays the cells in turn, X first.
fn alternate(x: &Seat, o: &Seat, cells: &[usize]) {
    for (n, &cell) in cells.iter().enumerate() {
        match n % 2 {
            0 => x.plays(cell, "X", o),
            _ => o.plays(cell, "O", x),
        }
    }
}

/// Where the picture of the README goes: into the tree only if it is asked for, so that an ordinary run leaves no trace.
fn screenshot() -> PathBuf {
    match std::env::var_os("ARENA_SCREENSHOT") {
        Some(_) => concat!(env!("CARGO_MANIFEST_DIR"), "/screenshot.png").into(),
        None => concat!(env!("CARGO_TARGET_TMPDIR"), "/screenshot.png").into(),
    }
}

/// Two people meet in the lobby, play to a win and a tie, leave, delete and log out.
fn an_evening(is_live: bool) {
    let (server, browser) = (arena(), Browser::start());
    let [ada, bob] = [(); 2].map(|()| Seat::open(&browser, is_live));
    let (a, b) = (&ada.window, &bob.window);
    ada.log_in(&server.url("/"), "Ada");
    bob.log_in(&server.url("/"), "Bob");
    assert_eq!(b.text("#list-container h2"), "No games yet");

    a.type_into("#game-name", "Sunday duel");
    a.click("form.create button");
    a.wait_for("#gameboard");
    ada.status("Waiting for a challenger");
    let address = a.url();
    let game = address.rsplit('/').next().expect("an id");
    bob.comes_to_show(&format!("#game-{game}"));
    assert_eq!(b.text(&format!("#game-{game} h2")), "Sunday duel");
    b.click(&format!("#game-{game} form button"));
    b.wait_url(&format!("/game/{game}"));
    ada.comes_to_show("#gameboard.mine");
    if is_live {
        for window in [a, b] {
            window.run("window.stays = true");
        }
    }

    ada.status("Your turn");
    bob.status("Waiting for Ada");
    alternate(&ada, &bob, &[4, 0, 2, 8, 6]);
    ada.status("You won");
    bob.status("Ada won");
    assert_eq!((a.count(".strike"), b.count(".cell.in-line")), (1, 3));
    if is_live {
        let still = || a.run("return document.getAnimations().length === 0") == true;
        a.resize(1280, 860);
        a.wait_until("the stroke is drawn", still);
        a.screenshot(screenshot());
    }

    b.click("#gamecontrols .primary");
    bob.status("Waiting for Ada");
    ada.comes_to_show("#gameboard.mine");
    alternate(&ada, &bob, &[0, 1, 2, 4, 3, 5, 7, 6, 8]);
    for seat in [&ada, &bob] {
        seat.status("It’s a tie");
    }
    if is_live {
        for window in [a, b] {
            assert_eq!(
                window.run("return window.stays"),
                true,
                "no page was loaded again"
            );
        }
    }

    b.click("form[action$='/leave'] button");
    b.wait_url("/dashboard");
    ada.comes_to_show("#gameboard[data-phase=waiting]");
    assert_eq!(a.count("#gameboard [data-mark='']"), 9);
    bob.comes_to_show(&format!("#game-{game}[data-phase=waiting]"));
    a.click("form[action$='/delete'] button");
    a.wait_url("/dashboard");
    bob.comes_to_show("#list-container .empty");
    for window in [a, b] {
        window.click("form[action$='/logout'] button");
        window.wait_url("/");
        window.wait_for("#name");
        window.assert_quiet();
    }
}

#[test]
fn two_windows_play_an_evening_live() {
    an_evening(true);
}

#[test]
fn two_windows_play_an_evening_without_scripts() {
    an_evening(false);
}

#[test]
fn a_game_is_played_by_keyboard_alone() {
    let (server, browser) = (arena(), Browser::start());
    let window = browser.window(Options::default());
    let focused = |css: &str| {
        let script = format!("return document.activeElement.matches({css:?})");
        window.run(&script) == true
    };
    let tab_to = |css: &str| {
        for _ in 0..60 {
            if focused(css) {
                return;
            }
            window.press(TAB);
        }
        panic!("no tab leads to {css}");
    };
    window.goto(&server.url("/"));
    window.wait_until("the name is waited for", || focused("#name"));
    window.press("Ada");
    window.press(ENTER);
    window.wait_url("/dashboard");
    tab_to("#game-name");
    window.press("Keys");
    window.press(ENTER);
    window.wait_for("#gameboard");

    let bob = Player::new(&server, "Bob");
    let address = window.url();
    let game = address.rsplit('/').next().expect("an id");
    assert_eq!(bob.join(game).status(), 200);
    for (mine, theirs) in [(4, Some(0)), (2, Some(8)), (6, None)] {
        window.wait_for("#gameboard.mine");
        tab_to(&format!("#cell-{mine}"));
        window.press(ENTER);
        window.wait_for(&format!("[data-cell='{mine}'][data-mark=X]"));
        assert!(
            focused(&format!("#cell-{mine}")),
            "the focus stays where it was"
        );
        if let Some(cell) = theirs {
            assert_eq!(bob.toggle(game, cell).status(), 200);
            window.wait_for(&format!("[data-cell='{cell}'][data-mark=O]"));
            assert!(
                focused(&format!("#cell-{mine}")),
                "the other's move does not take it away"
            );
        }
    }
    window.wait_text("#status", "You won");
    let last = window.attribute("#cell-4", "aria-label");
    assert_eq!(
        last.as_deref(),
        Some("Row 2, column 2, X, in the winning line")
    );
    window.assert_quiet();
}

#[test]
fn an_open_lobby_follows_whatever_others_do() {
    let (server, browser) = (arena(), Browser::start());
    let lobby = Seat::open(&browser, true);
    lobby.log_in(&server.url("/"), "Eve");
    let window = &lobby.window;
    window.type_into("#game-name", "half a na");
    window.run("window.stays = true");
    let (ada, bob) = (Player::new(&server, "Ada"), Player::new(&server, "Bob"));
    let game = ada.create();
    window.wait_text(&format!("#game-{game} .badge"), "Open seat");
    assert_eq!(bob.join(&game).status(), 200);
    window.wait_text(&format!("#game-{game} .badge"), "In play");
    play(&ada, &bob, &game, X_WINS);
    window.wait_text(&format!("#game-{game} .badge"), "Ada won");
    assert_eq!(bob.leave(&game).status(), 200);
    window.wait_text(&format!("#game-{game} .badge"), "Open seat");
    assert_eq!(ada.post("/api/dashboard/logout").status(), 204);
    window.wait_gone(&format!("#game-{game}"));
    window.wait_text("#list-container", "No games yet");
    // What Eve is typing meanwhile is left alone, and so is her place in it.
    window.press("me");
    assert_eq!(window.property("#game-name", "value"), "half a name");
    assert_eq!(window.run("return window.stays"), true);
    window.assert_quiet();
}

#[test]
fn an_open_page_leaves_when_its_game_or_its_session_ends() {
    let (server, browser) = (arena(), Browser::start());
    let seat = Seat::open(&browser, true);
    seat.log_in(&server.url("/"), "Eve");
    let window = &seat.window;
    let ada = Player::new(&server, "Ada");
    let game = ada.create();
    window.goto(&server.url(&format!("/game/{game}")));
    seat.status("The second seat is free");
    assert_eq!(ada.delete(&game).status(), 204);
    window.wait_url("/dashboard");

    // Another tab of the same browser logs out.
    window.run("void fetch('/api/dashboard/logout', { method: 'POST' })");
    window.wait_url("/");
    window.wait_for("#name");
    window.assert_quiet();
}

#[test]
fn a_refused_action_is_told_beside_what_was_pressed() {
    let (server, browser) = (arena(), Browser::start());
    let seat = Seat::open(&browser, true);
    seat.log_in(&server.url("/"), "Eve");
    let window = &seat.window;
    // Past the checks that the browser makes itself.
    window.run("document.querySelector('.create').noValidate = true");
    window.type_into("#game-name", "x");
    window.press(ENTER);
    window.wait_text("#create-error", "Use 2 to 64 characters.");
    assert!(window.url().ends_with("/dashboard"));
}
