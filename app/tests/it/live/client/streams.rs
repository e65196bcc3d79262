//! How streams are opened, kept open and given up.

use super::site::{Answer, Site};
use browser::{Browser, Options, Window};
use http::{Method, StatusCode};
use pleach::live::{EventId, PatchElements};
use std::time::{Duration, Instant};

const STREAM: &str = "<div data-init=\"@get('/updates', {retry: 'always', openWhenHidden: true})\"></div><p id=\"a\"></p>";

fn open(browser: &Browser, site: &Site) -> Window {
    let window = browser.window(Options::default());
    window.goto(&site.url("/"));
    window.wait_for("html[data-live-state=open]");
    window
}

fn show(site: &Site, window: &Window, text: &str, revision: u64) {
    site.send(PatchElements::new(format!("<p id=\"a\">{text}</p>")).id(EventId::new(1, revision)));
    window.wait_text("#a", text);
}

fn wait_requests(site: &Site, window: &Window, count: usize) {
    window.wait_until(&format!("{count} requests for the stream"), || {
        site.requests("/updates").len() >= count
    });
}

#[test]
fn a_stream_is_asked_for_as_the_original_client_asks() {
    let browser = Browser::start();
    let site = Site::serve(STREAM);
    let window = open(&browser, &site);
    show(&site, &window, "one", 1);
    let request = &site.requests("/updates")[0];
    assert_eq!(request.method, Method::GET);
    assert_eq!(request.header("datastar-request"), "true");
    assert_eq!(
        request.header("accept"),
        "text/event-stream, text/html, application/json"
    );
    assert_eq!(request.query, "datastar=%7B%7D");
    assert_eq!(request.header("last-event-id"), "");
    window.assert_quiet();
}

#[test]
fn a_stream_comes_back_after_a_clean_end_and_says_what_it_has() {
    let browser = Browser::start();
    let site = Site::serve(STREAM);
    let window = open(&browser, &site);
    show(&site, &window, "one", 7);
    site.end_streams();
    window.wait_for("html[data-live-state=retrying]");
    window.wait_for("html[data-live-state=open]");
    assert_eq!(site.requests("/updates")[1].header("last-event-id"), "1-7");
    show(&site, &window, "two", 8);
    window.assert_quiet();
}

#[test]
fn a_stream_comes_back_no_sooner_than_it_was_asked_to() {
    let browser = Browser::start();
    let site = Site::serve(STREAM);
    let window = open(&browser, &site);
    show(&site, &window, "one", 1);
    let end = Instant::now();
    site.drain_streams(4_000);
    wait_requests(&site, &window, 2);
    let waited = end.elapsed();
    assert!(waited >= Duration::from_millis(4_000), "{waited:?}");
    // And the next time by its own measure again, which begins at one second.
    window.wait_for("html[data-live-state=open]");
    let end = Instant::now();
    site.end_streams();
    wait_requests(&site, &window, 3);
    assert!(
        end.elapsed() < Duration::from_millis(4_000),
        "{:?}",
        end.elapsed()
    );
}

#[test]
fn a_stream_outlives_broken_connections_and_a_server_in_trouble() {
    let browser = Browser::start();
    let site = Site::serve(STREAM);
    let window = open(&browser, &site);
    show(&site, &window, "one", 3);
    site.answer(Method::GET, "/updates", Answer::HangUp);
    site.end_streams();
    wait_requests(&site, &window, 2);
    window.wait_for("html[data-live-state=retrying]");
    site.answer(
        Method::GET,
        "/updates",
        Answer::With(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "busy".into()),
    );
    window.wait_until("a 503 was tried", || site.requests("/updates").len() >= 4);
    assert_eq!(
        window.attribute("html", "data-live-state").as_deref(),
        Some("retrying")
    );
    site.answer_as_usual(Method::GET, "/updates");
    window.wait_for("html[data-live-state=open]");
    assert_eq!(
        site.requests("/updates")
            .last()
            .unwrap()
            .header("last-event-id"),
        "1-3"
    );
    show(&site, &window, "two", 4);
}

#[test]
fn no_content_ends_a_stream_for_good() {
    let browser = Browser::start();
    let site = Site::serve(&format!("<div id=\"late\"></div>{STREAM}"));
    site.answer(
        Method::GET,
        "/quiet",
        Answer::With(StatusCode::NO_CONTENT, "text/plain", String::new()),
    );
    let window = open(&browser, &site);
    site.send(PatchElements::new(
        "<div id=\"late\" data-init=\"@get('/quiet')\"></div>",
    ));
    window.wait_until("the late stream was asked for", || {
        site.requests("/quiet").len() == 1
    });
    // The other stream ends and comes back in the meantime; this one does not.
    site.end_streams();
    wait_requests(&site, &window, 2);
    show(&site, &window, "on", 1);
    assert_eq!(site.requests("/quiet").len(), 1);
    window.assert_quiet();
}

#[test]
fn a_stream_that_is_gone_reloads_the_page_once() {
    for status in [
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::NOT_FOUND,
    ] {
        let browser = Browser::start();
        let site = Site::serve(STREAM);
        let window = open(&browser, &site);
        window.run("window.old = true");
        site.answer(
            Method::GET,
            "/updates",
            Answer::With(status, "application/json", "{}".into()),
        );
        site.end_streams();
        // The page is loaded again, asks again, is refused again, and leaves it at that.
        window.wait_until("the page was loaded again", || {
            site.requests("/").len() == 2
        });
        wait_requests(&site, &window, 3);
        window.wait_for("html[data-live-state=retrying]");
        assert_eq!(
            (site.requests("/").len(), site.requests("/updates").len()),
            (2, 3),
            "{status}"
        );
    }
}

#[test]
fn a_session_that_is_gone_leads_to_where_the_server_sends_the_page() {
    let browser = Browser::start();
    let site = Site::serve(STREAM);
    let window = open(&browser, &site);
    // A stream that answers with a page, as after a redirect to the login.
    site.answer(Method::GET, "/updates", Answer::SeeOther("/login"));
    site.answer(Method::GET, "/", Answer::SeeOther("/login"));
    site.end_streams();
    window.wait_for("h1");
    assert_eq!(window.title(), "/login");
    window.assert_quiet();
}

#[test]
fn streams_follow_the_markup_as_patches_change_it() {
    let browser = Browser::start();
    let site = Site::serve(&format!("{STREAM}<div id=\"b\"></div>"));
    let window = open(&browser, &site);
    let other = |text: &str| {
        let event = PatchElements::new(format!("<p id=\"a\">{text}</p>"))
            .id(EventId::new(2, 1))
            .encode()
            .unwrap();
        Answer::Events(vec![event])
    };
    site.answer(Method::GET, "/other", other("other"));
    site.send(PatchElements::new(
        "<div id=\"b\" data-init=\"@get('/other')\"></div>",
    ));
    window.wait_text("#a", "other");
    window.wait_until("it comes back", || site.requests("/other").len() >= 2);
    assert_eq!(
        site.requests("/other")[1].header("last-event-id"),
        "2-1",
        "each stream has its own id"
    );
    // Taken out of the page, it does not come back any more.
    site.send(PatchElements::new("<div id=\"b\"></div>"));
    window.wait_gone("#b[data-init]");
    let asked = site.requests("/other").len();
    site.end_streams();
    window.wait_for("html[data-live-state=retrying]");
    window.wait_for("html[data-live-state=open]");
    assert!(
        site.requests("/other").len() <= asked + 1,
        "at most the request that was under way"
    );
    window.assert_quiet();
}

#[test]
fn markup_that_is_no_action_is_left_alone() {
    let browser = Browser::start();
    let site = Site::serve(&format!(
        "{STREAM}<i data-init=\"alert(1)\"></i><i data-init=\"@get(path)\"></i><i data-init=\"@peek('/x')\"></i>\
         <i data-init=\"$x = 1; @get('/x')\"></i><i data-init=\"@get('/x') && evil()\"></i>"
    ));
    let window = open(&browser, &site);
    show(&site, &window, "one", 1);
    assert!(site.requests("/x").is_empty());
    window.assert_quiet();
}

#[test]
fn a_page_that_is_not_seen_closes_its_streams_unless_they_are_to_stay_open() {
    let browser = Browser::start();
    let site = Site::serve(
        "<div data-init=\"@get('/updates')\"></div><div data-init=\"@get('/stays', {openWhenHidden: true})\"></div>\
         <p id=\"a\"></p>",
    );
    site.answer(Method::GET, "/stays", Answer::Never);
    let window = open(&browser, &site);
    show(&site, &window, "one", 5);
    window.minimize();
    window.wait_until("the page is hidden", || {
        window.run("return document.hidden") == true
    });
    // Nobody is told of this one; it is made up for by the state that the stream begins with.
    site.send(PatchElements::new("<p id=\"a\">unseen</p>").id(EventId::new(1, 6)));
    window.resize(800, 600);
    wait_requests(&site, &window, 2);
    assert_eq!(site.requests("/updates")[1].header("last-event-id"), "1-5");
    assert_eq!(window.text("#a"), "one");
    show(&site, &window, "two", 7);
    assert_eq!(site.requests("/stays").len(), 1);
    window.assert_quiet();
}

#[test]
fn a_stream_that_falls_silent_is_opened_anew() {
    let browser = Browser::start();
    let site = Site::serve(STREAM);
    let window = open(&browser, &site);
    // The client waits for three heartbeats; here that is a moment.
    window.run(
        "const wait = window.setTimeout; \
         window.setTimeout = (act, ms) => wait(act, ms === 45000 ? 100 : ms)",
    );
    show(&site, &window, "one", 9);
    wait_requests(&site, &window, 2);
    assert_eq!(site.requests("/updates")[1].header("last-event-id"), "1-9");
    window.assert_quiet();
}
