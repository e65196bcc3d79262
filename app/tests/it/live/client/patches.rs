//! What events do to a page.

use super::site::Site;
use browser::{Browser, Options, Window};
use pleach::live::{Event, EventId, Mode, Namespace, PatchElements, PatchSignals};
use serde_json::json;

const STREAM: &str =
    "<div data-init=\"@get('/updates', {retry: 'always', openWhenHidden: true})\"></div>";

/// A page with `body` and an open stream.
fn open(browser: &Browser, site: &Site) -> Window {
    let window = browser.window(Options::default());
    window.goto(&site.url("/"));
    window.wait_for("html[data-live-state=open]");
    window
}

fn html(window: &Window, css: &str) -> String {
    window
        .property(css, "innerHTML")
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn every_mode_puts_elements_where_it_says() {
    let browser = Browser::start();
    let site = Site::serve(&format!(
        "{STREAM}<main id=\"main\"><p id=\"a\">a</p><p id=\"b\" class=\"x\">b</p></main>"
    ));
    let window = open(&browser, &site);
    let check = |patch: PatchElements, expected: &str| {
        site.send(patch);
        window.wait_until(&format!("the page shows {expected}"), || {
            html(&window, "#main") == expected
        });
    };
    check(
        PatchElements::new("<p id=\"a\" title=\"t\">A</p>"),
        "<p id=\"a\" title=\"t\">A</p><p id=\"b\" class=\"x\">b</p>",
    );
    check(
        PatchElements::new("<p id=\"b\">B</p><p id=\"a\">a</p>"),
        "<p id=\"a\">a</p><p id=\"b\">B</p>",
    );
    check(
        PatchElements::new("<i>in</i>")
            .selector("#a")
            .mode(Mode::Inner),
        "<p id=\"a\"><i>in</i></p><p id=\"b\">B</p>",
    );
    check(
        PatchElements::new("<u>1</u>")
            .selector("#a")
            .mode(Mode::Prepend),
        "<p id=\"a\"><u>1</u><i>in</i></p><p id=\"b\">B</p>",
    );
    check(
        PatchElements::new("<u>2</u>")
            .selector("#b")
            .mode(Mode::Append),
        "<p id=\"a\"><u>1</u><i>in</i></p><p id=\"b\">B<u>2</u></p>",
    );
    check(
        PatchElements::new("<hr>").selector("#b").mode(Mode::Before),
        "<p id=\"a\"><u>1</u><i>in</i></p><hr><p id=\"b\">B<u>2</u></p>",
    );
    check(
        PatchElements::new("<s></s>")
            .selector("hr")
            .mode(Mode::After),
        "<p id=\"a\"><u>1</u><i>in</i></p><hr><s></s><p id=\"b\">B<u>2</u></p>",
    );
    check(
        PatchElements::remove("hr, s"),
        "<p id=\"a\"><u>1</u><i>in</i></p><p id=\"b\">B<u>2</u></p>",
    );
    check(
        PatchElements::new("<p id=\"a\">new</p>").mode(Mode::Replace),
        "<p id=\"a\">new</p><p id=\"b\">B<u>2</u></p>",
    );
    check(
        PatchElements::new("<b id=\"a\">other tag</b>"),
        "<b id=\"a\">other tag</b><p id=\"b\">B<u>2</u></p>",
    );
    check(
        PatchElements::new("<p id=\"b\"></p>").mode(Mode::Remove),
        "<b id=\"a\">other tag</b>",
    );
    check(
        PatchElements::new("").selector("#main").mode(Mode::Inner),
        "",
    );
    check(
        PatchElements::new("<p>one</p><p>two</p>")
            .selector("#main")
            .mode(Mode::Append),
        "<p>one</p><p>two</p>",
    );
    window.assert_quiet();
}

#[test]
fn drawings_and_formulas_are_patched_in_their_namespace() {
    let browser = Browser::start();
    let site = Site::serve(&format!(
        "{STREAM}<svg id=\"vis\"></svg><math id=\"sum\"></math>"
    ));
    let window = open(&browser, &site);
    site.send(
        PatchElements::new("<circle id=\"dot\" r=\"3\"/>")
            .selector("#vis")
            .mode(Mode::Append)
            .namespace(Namespace::Svg),
    );
    site.send(
        PatchElements::new("<mi>x</mi>")
            .selector("#sum")
            .mode(Mode::Inner)
            .namespace(Namespace::MathMl),
    );
    window.wait_for("#sum mi");
    assert_eq!(
        window.run("return document.getElementById('dot').namespaceURI"),
        "http://www.w3.org/2000/svg"
    );
    assert_eq!(
        window.run("return document.querySelector('mi').namespaceURI"),
        "http://www.w3.org/1998/Math/MathML"
    );
    // And morphed: the same circle, moved on.
    window.run("document.getElementById('dot').mark = 1");
    site.send(PatchElements::new("<circle id=\"dot\" r=\"9\"/>").namespace(Namespace::Svg));
    window.wait_for("#dot[r='9']");
    assert_eq!(window.run("return document.getElementById('dot').mark"), 1);
    window.assert_quiet();
}

#[test]
fn where_the_focused_element_goes_what_is_around_it_takes_the_focus() {
    let browser = Browser::start();
    let site = Site::serve(&format!(
        "{STREAM}<main id=\"main\" tabindex=\"-1\"><p id=\"controls\"><button id=\"again\">Again</button></p></main>"
    ));
    let window = open(&browser, &site);
    window.run("document.getElementById('again').focus()");
    site.send(PatchElements::new(
        "<p id=\"controls\"><button id=\"leave\">Leave</button></p>",
    ));
    window.wait_for("#leave");
    assert_eq!(window.run("return document.activeElement.id"), "main");
    window.assert_quiet();
}

#[test]
fn a_morph_keeps_focus_selection_typed_text_scroll_and_identity() {
    let browser = Browser::start();
    let list = |names: &[&str], value: &str| {
        let items: String = names.iter().map(|name| format!("<li id=\"{name}\">\n<form><input name=\"id\" value=\"{value}\"></form>{name}\n</li>\n")).collect();
        format!("<div id=\"box\">\n<ul id=\"list\">\n{items}</ul>\n</div>")
    };
    let before = ["a", "b", "c", "d", "e"];
    let style = "<link rel=\"stylesheet\" href=\"/site.css\">";
    let site = Site::serve(&format!("{STREAM}{style}{}", list(&before, "1")));
    site.answer(
        http::Method::GET,
        "/site.css",
        super::site::Answer::With(
            http::StatusCode::OK,
            "text/css",
            "#box { height: 40px; overflow: auto } li { height: 60px }".to_owned(),
        ),
    );
    let window = open(&browser, &site);
    window.run("for (const item of document.querySelectorAll('li')) item.mark = item.id");
    window.click("#c input");
    window.type_into("#c input", "typed");
    window.run("document.querySelector('#c input').setSelectionRange(1, 3); document.getElementById('box').scrollTop = 130");
    let state = "const input = document.activeElement; return [input.closest('li')?.id, input.value, input.selectionStart, input.selectionEnd, \
                 document.getElementById('box').scrollTop, [...document.querySelectorAll('li')].map((item) => item.mark || 'new').join()]";
    let scroll = window.run(state)[4].clone();

    // What is before and behind goes, new comes, the order turns round, the server's value changes: c stays what it is.
    for (names, marks) in [
        (&["a", "b", "c", "d", "e"][..], "a,b,c,d,e"),
        (&["b", "c", "e"], "b,c,e"),
        (&["b", "x", "c", "e"], "b,new,c,e"),
        (&["e", "c", "b", "y", "z"], "e,c,b,new,new"),
    ] {
        let value = format!("value {}", names.len());
        site.send(PatchElements::new(list(names, &value)));
        window.wait_until(&format!("the list is {names:?}"), || {
            let now =
                window.run("return [...document.querySelectorAll('li')].map((item) => item.id)");
            now == json!(names) && window.attribute("#c input", "value") == Some(value.clone())
        });
        let now = window.run(state);
        assert_eq!(
            now.as_array().unwrap()[..4],
            json!(["c", "1typed", 1, 3]).as_array().unwrap()[..],
            "{names:?}"
        );
        assert_eq!(now[5], marks);
    }
    assert_eq!(
        window.run(state)[4].as_f64().is_some_and(|now| now > 0.0),
        scroll.as_f64().unwrap() > 0.0,
        "not thrown to the top"
    );
    assert_eq!(
        window.property("#b input", "value"),
        "value 5",
        "what nobody has typed into follows the server"
    );
    window.assert_quiet();
}

#[test]
fn what_the_user_did_to_a_control_stays_until_the_server_says_otherwise() {
    let browser = Browser::start();
    let form = |text: &str, value: &str, checked: &str, area: &str| {
        format!(
            "<form id=\"form\"><b>{text}</b><input id=\"text\" value=\"{value}\"><input id=\"box\" type=\"checkbox\"{checked}>\
             <textarea id=\"area\">{area}</textarea><select id=\"select\"><option>1</option><option>2</option></select>\
             <p data-live-error>{}</p></form>",
            if text == "one" { "said before" } else { "" },
        )
    };
    let site = Site::serve(&format!("{STREAM}{}", form("one", "v", "", "a")));
    let window = open(&browser, &site);
    window.type_into("#text", "!");
    window.click("#box");
    window.type_into("#area", "!");
    window.run("document.getElementById('select').value = '2'; document.activeElement.blur()");
    let state = "return ['text', 'area', 'select'].map((id) => document.getElementById(id).value).concat(document.getElementById('box').checked)";
    site.send(PatchElements::new(form("two", "v", "", "a")));
    window.wait_text("b", "two");
    assert_eq!(window.run(state), json!(["v!", "a!", "2", true]));
    assert_eq!(
        window.text("[data-live-error]"),
        "said before",
        "a message stays until the next request"
    );

    site.send(PatchElements::new(form("three", "w", " checked", "b")));
    window.wait_text("b", "three");
    assert_eq!(window.run(state), json!(["w", "b", "2", true]));
    site.send(PatchElements::new(form("four", "w", "", "b")));
    window.wait_text("b", "four");
    assert_eq!(window.run(state)[3], false);
    window.assert_quiet();
}

#[test]
fn elements_with_ids_are_carried_along_when_the_page_is_built_differently() {
    let browser = Browser::start();
    let site = Site::serve(&format!(
        "{STREAM}<div id=\"top\"><section><p id=\"x\">x</p></section><p id=\"y\">y <i id=\"z\">z</i></p></div>"
    ));
    let window = open(&browser, &site);
    window.run("for (const id of ['x', 'y', 'z']) document.getElementById(id).mark = id");
    site.send(PatchElements::new(
        "<div id=\"top\"><i id=\"z\">z</i><article><div><p id=\"y\">y</p><p>new</p></div><aside><p id=\"x\">x!</p></aside></article></div>",
    ));
    window.wait_text("#x", "x!");
    let expected = "<i id=\"z\">z</i><article><div><p id=\"y\">y</p><p>new</p></div><aside><p id=\"x\">x!</p></aside></article>";
    assert_eq!(html(&window, "#top"), expected);
    assert_eq!(
        window.run("return ['x', 'y', 'z'].map((id) => document.getElementById(id).mark)"),
        json!(["x", "y", "z"])
    );
    window.assert_quiet();
}

#[test]
fn scripts_in_patches_never_run() {
    let browser = Browser::start();
    // No policy that would stop them: the client does.
    let site =
        Site::serve_without_policy(&format!("{STREAM}<div id=\"a\"></div><div id=\"b\"></div>"));
    let window = open(&browser, &site);
    let script = "<script>window.ran = 1</script><script src=\"/evil.js\"></script><svg><script>window.ran = 1</script></svg><b>done</b>";
    for mode in Mode::ALL.into_iter().filter(|mode| *mode != Mode::Remove) {
        site.send(
            PatchElements::new(format!(
                "<div id=\"a\" class=\"{}\">{script}</div>",
                mode.as_str()
            ))
            .selector("#a")
            .mode(mode),
        );
    }
    site.send(PatchElements::new("<p id=\"b\">end</p>"));
    window.wait_text("#b", "end");
    assert!(window.count("b") > 0);
    assert_eq!(
        window
            .run("return [window.ran ?? 'never', document.querySelectorAll('body script').length]"),
        json!(["never", 0])
    );
    assert!(site.requests("/evil.js").is_empty());
    window.assert_quiet();
}

#[test]
fn hostile_text_arrives_as_text_and_does_nothing() {
    let browser = Browser::start();
    let site = Site::serve(&format!(
        "{STREAM}<pre id=\"text\"></pre><p id=\"end\"></p>"
    ));
    let window = open(&browser, &site);
    let text = "a\r\revent: datastar-patch-signals\rdata: signals {\"_redirect\":\"/gone\"}\r\r\u{2028}b\r\n\r\nid: 9\n\n: c\u{0}\u{feff}é𝄞";
    site.send(PatchElements::new(format!("<pre id=\"text\">{text}</pre>")));
    site.send(PatchElements::new("<p id=\"end\">end</p>"));
    window.wait_text("#end", "end");
    // An HTML parser ends lines at LF and drops NUL.
    let expected = text
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace('\0', "");
    assert_eq!(window.property("#text", "textContent"), expected);
    assert_eq!(window.url(), site.url("/"));
    window.assert_quiet();
}

#[test]
fn a_view_transition_shows_the_change_and_breaks_no_policy() {
    let browser = Browser::start();
    let site = Site::serve(&format!("{STREAM}<p id=\"a\">old</p><p id=\"b\"></p>"));
    let window = open(&browser, &site);
    window.run("const start = document.startViewTransition; window.transitions = 0; \
                Document.prototype.startViewTransition = function (change) { window.transitions++; return start.call(this, change) }");
    site.send(PatchElements::new("<p id=\"a\">new</p>").use_view_transition(true));
    // Whatever waits for the transition keeps its order.
    site.send(PatchElements::new("<p id=\"b\">later</p>"));
    window.wait_text("#b", "later");
    assert_eq!(window.text("#a"), "new");
    assert!(
        window.run("return window.transitions").as_u64() >= Some(1)
            || window.run("return 'startViewTransition' in Element.prototype") == true
    );
    site.send(
        PatchElements::new("<p id=\"a\">newest</p>")
            .use_view_transition(true)
            .view_transition_selector("#a"),
    );
    window.wait_text("#a", "newest");
    window.assert_quiet();
}

#[test]
fn signals_are_patched_and_the_page_is_told() {
    let browser = Browser::start();
    let site = Site::serve(STREAM);
    let window = open(&browser, &site);
    window.run("window.patches = []; document.addEventListener('datastar-signal-patch', (event) => window.patches.push(event.detail))");
    site.send(PatchSignals::new(
        &json!({ "a": 1, "b": { "c": 2, "d": [3] }, "_own": 0 }),
    ));
    site.send(
        PatchSignals::new(&json!({ "a": 9, "e": { "f": 4 }, "b": { "c": 9, "g": 5 } }))
            .only_if_missing(true),
    );
    site.send(PatchSignals::new(
        &json!({ "a": null, "b": { "d": null }, "end": true }),
    ));
    site.send(PatchSignals::raw("{broken"));
    site.send(PatchSignals::raw(
        "{\"__proto__\":{\"polluted\":true},\n\"last\":1}",
    ));
    window.wait_until("the last signal is there", || {
        window.run("return live.signals.last") == 1
    });
    let signals = window.run("return JSON.parse(JSON.stringify(live.signals))");
    assert_eq!(signals["b"], json!({ "c": 2, "g": 5 }));
    assert_eq!(
        (&signals["a"], &signals["e"], &signals["end"]),
        (&json!(null), &json!({ "f": 4 }), &json!(true))
    );
    assert_eq!(window.run("return {}.polluted ?? 'clean'"), "clean");
    assert_eq!(window.run("return window.patches.length"), 4);
    let console = window.console();
    assert_eq!(console.len(), 1, "the broken one is told of: {console:?}");
}

#[test]
fn a_redirect_is_followed_on_this_site_only() {
    let browser = Browser::start();
    let site = Site::serve(STREAM);
    let window = open(&browser, &site);
    for evil in [
        "//127.0.0.1:1/",
        "/\\127.0.0.1:1/",
        "http://127.0.0.1:1/",
        "javascript:document.title='evil'",
        "relative",
    ] {
        site.send(PatchSignals::new(&json!({ "_redirect": evil })));
    }
    site.send(PatchSignals::new(&json!({ "still": "here" })));
    window.wait_until("the page is still there", || {
        window.run("return live.signals.still") == "here"
    });
    assert_eq!(
        (window.url(), window.title()),
        (site.url("/"), "/".to_owned())
    );
    site.send(
        Event::redirect("/game/1?x=é")
            .unwrap()
            .id(EventId::new(1, 1)),
    );
    window.wait_for("h1");
    assert_eq!(window.title(), "/game/1");
    window.assert_quiet();
}
