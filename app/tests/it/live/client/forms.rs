//! Forms, buttons and links that are sent as live requests.

use super::site::{Answer, Site};
use browser::{Browser, Options, Window};
use http::{Method, StatusCode};
use pleach::live::{Encoded, Event, EventId, PatchElements};
use serde_json::json;

fn open(browser: &Browser, site: &Site) -> Window {
    let window = browser.window(Options::default());
    window.goto(&site.url("/"));
    window
}

fn shows(text: &str) -> Answer {
    Answer::Events(vec![
        PatchElements::new(format!("<p id=\"a\">{text}</p>"))
            .id(EventId::new(1, 1))
            .encode()
            .unwrap(),
    ])
}

const FORM: &str = "<form method=\"post\" action=\"/do\" data-on:submit=\"@post('/do', {contentType: 'form'})\">\
    <input name=\"name\" required><button name=\"how\" value=\"well\">Send</button><p data-live-error role=\"alert\"></p></form><p id=\"a\"></p>";

#[test]
fn a_form_is_sent_as_a_form_and_its_answer_is_applied() {
    let browser = Browser::start();
    let site = Site::serve(FORM);
    site.answer(Method::POST, "/do", shows("done"));
    let window = open(&browser, &site);
    window.click("button");
    assert!(
        site.requests("/do").is_empty(),
        "the browser asks for what is required first"
    );
    window.type_into("input", "A & B=ü");
    window.click("button");
    window.wait_text("#a", "done");
    let request = &site.requests("/do")[0];
    assert_eq!(
        request.header("content-type"),
        "application/x-www-form-urlencoded;charset=UTF-8"
    );
    assert_eq!(request.header("datastar-request"), "true");
    assert_eq!(
        request.header("accept"),
        "text/event-stream, text/html, application/json"
    );
    assert_eq!(request.body, "name=A+%26+B%3D%C3%BC&how=well");
    assert_eq!(
        window.property("input", "value"),
        "A & B=ü",
        "the page stayed"
    );
    window.assert_quiet();
}

#[test]
fn the_enter_key_sends_a_form_too() {
    let browser = Browser::start();
    let site = Site::serve(FORM);
    site.answer(
        Method::POST,
        "/do",
        Answer::With(StatusCode::NO_CONTENT, "text/plain", String::new()),
    );
    let window = open(&browser, &site);
    window.type_into("input", "Ada\u{e007}");
    window.wait_until("the form was sent", || site.requests("/do").len() == 1);
    window.wait_gone("[aria-busy]");
    assert_eq!(window.url(), site.url("/"));
    window.assert_quiet();
}

#[test]
fn without_scripts_a_form_is_an_ordinary_one() {
    let browser = Browser::start();
    let site = Site::serve(FORM);
    site.answer(Method::POST, "/do", Answer::SeeOther("/done"));
    let window = browser.window(Options {
        javascript: false,
        ..Options::default()
    });
    window.goto(&site.url("/"));
    window.type_into("input", "Ada");
    window.click("button");
    window.wait_url("/done");
    let request = &site.requests("/do")[0];
    assert_eq!(
        (request.body.as_str(), request.header("datastar-request")),
        ("name=Ada&how=well", "")
    );
    window.assert_quiet();
}

#[test]
fn an_error_is_shown_as_text_and_goes_with_the_next_request() {
    let browser = Browser::start();
    let site = Site::serve(FORM);
    let error = json!({ "code": 409, "id": "game.join.full", "message": "<b>No seat</b> is free.", "path": "/do", "request_id": "1" });
    site.answer(
        Method::POST,
        "/do",
        Answer::With(StatusCode::CONFLICT, "application/json", error.to_string()),
    );
    let window = open(&browser, &site);
    window.type_into("input", "Ada");
    window.click("button");
    window.wait_text("[data-live-error]", "<b>No seat</b> is free.");
    assert_eq!(
        site.requests("/do")[0].header("z-app-json-response-on-error"),
        "true"
    );
    site.answer(
        Method::POST,
        "/do",
        Answer::With(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/html",
            "<h1>oops</h1>".into(),
        ),
    );
    window.click("button");
    window.wait_text("[data-live-error]", "500");
    site.answer(Method::POST, "/do", shows("done"));
    window.click("button");
    window.wait_text("#a", "done");
    assert_eq!(window.text("[data-live-error]"), "");
}

#[test]
fn without_a_place_for_errors_nothing_breaks() {
    let browser = Browser::start();
    let site = Site::serve("<button data-on:click=\"@post('/do')\">Do</button><p id=\"a\"></p>");
    site.answer(
        Method::POST,
        "/do",
        Answer::With(
            StatusCode::CONFLICT,
            "application/json",
            "{\"message\":\"no\"}".into(),
        ),
    );
    let window = open(&browser, &site);
    window.click("button");
    window.wait_until("it was sent", || site.requests("/do").len() == 1);
    window.wait_gone("[aria-busy]");
    site.answer(Method::POST, "/do", shows("done"));
    window.click("button");
    window.wait_text("#a", "done");
}

#[test]
fn a_server_that_is_away_is_told_of_and_nothing_is_sent_twice() {
    let browser = Browser::start();
    let site = Site::serve(FORM);
    let window = open(&browser, &site);
    window.type_into("input", "Ada");
    window.set_offline(true);
    window.click("button");
    window.wait_text("[data-live-error]", "cannot be reached");
    window.set_offline(false);
    assert!(site.requests("/do").is_empty());
    assert_eq!(window.property("input", "value"), "Ada", "nothing is lost");
    site.answer(Method::POST, "/do", shows("done"));
    window.click("button");
    window.wait_text("#a", "done");
    assert_eq!(window.text("[data-live-error]"), "");
}

#[test]
fn what_is_under_way_is_not_sent_again() {
    let browser = Browser::start();
    let site = Site::serve(FORM);
    site.answer(Method::POST, "/do", Answer::Never);
    let window = open(&browser, &site);
    window.type_into("input", "Ada");
    window.click("button");
    window.wait_for("form[aria-busy=true]");
    window.click("button");
    window.type_into("input", "\u{e007}");
    site.answer(Method::POST, "/do", shows("done"));
    window.wait_text("#a", "done");
    window.wait_gone("[aria-busy]");
    assert_eq!(site.requests("/do").len(), 1);
    window.click("button");
    window.wait_until("the next one is sent", || site.requests("/do").len() == 2);
    window.assert_quiet();
}

#[test]
fn buttons_and_links_send_the_signals_of_the_page() {
    let browser = Browser::start();
    let site = Site::serve(
        "<button id=\"get\" data-on:click=\"@get('/get?x=1')\">Get</button>\
         <button id=\"put\" data-on:click='@put(\"/put\")'>Put</button>\
         <button id=\"patch\" data-on:click=\"@patch(`/patch`);\">Patch</button>\
         <button id=\"delete\" data-on:click__debounce.1ms=\"@delete('/delete')\">Delete</button>\
         <a id=\"link\" href=\"/nowhere\" data-on:click__prevent=\"@post('/post')\"><b id=\"inner\">Post</b></a><p id=\"a\"></p>",
    );
    let window = open(&browser, &site);
    window.run("Object.assign(live.signals, { n: 1, _own: 2, group: { m: 'ü', _own: 3 } })");
    let json = r#"{"n":1,"group":{"m":"ü"}}"#;
    let encoded = "datastar=%7B%22n%22%3A1%2C%22group%22%3A%7B%22m%22%3A%22%C3%BC%22%7D%7D";
    for (css, method, path, query, body) in [
        ("#get", Method::GET, "/get", format!("x=1&{encoded}"), ""),
        ("#put", Method::PUT, "/put", String::new(), json),
        ("#patch", Method::PATCH, "/patch", String::new(), json),
        ("#delete", Method::DELETE, "/delete", encoded.to_owned(), ""),
        ("#inner", Method::POST, "/post", String::new(), json),
    ] {
        site.answer(method.clone(), path, shows(path));
        window.click(css);
        window.wait_text("#a", path);
        let request = &site.requests(path)[0];
        assert_eq!(
            (
                &request.method,
                request.query.as_str(),
                request.body.as_str()
            ),
            (&method, query.as_str(), body)
        );
        assert_eq!(
            request.header("content-type"),
            if body.is_empty() {
                ""
            } else {
                "application/json"
            }
        );
    }
    assert_eq!(window.url(), site.url("/"));
    window.assert_quiet();
}

#[test]
fn forms_of_get_and_delete_are_sent_in_the_query() {
    let browser = Browser::start();
    let site = Site::serve(
        "<form data-on:submit=\"@delete('/item?keep=1', {contentType: 'form'})\"><input name=\"why\" value=\"a b\">\
         <button>Delete</button></form><p id=\"a\"></p>",
    );
    site.answer(Method::DELETE, "/item", shows("gone"));
    let window = open(&browser, &site);
    window.click("button");
    window.wait_text("#a", "gone");
    assert_eq!(site.requests("/item")[0].query, "keep=1&why=a+b");
    window.assert_quiet();
}

#[test]
fn files_are_sent_as_multipart() {
    let browser = Browser::start();
    let site = Site::serve(
        "<form enctype=\"multipart/form-data\" data-on:submit=\"@post('/do', {contentType: 'form'})\"><input name=\"name\" value=\"x\">\
         <button>Send</button></form><p id=\"a\"></p>",
    );
    site.answer(Method::POST, "/do", shows("done"));
    let window = open(&browser, &site);
    window.click("button");
    window.wait_text("#a", "done");
    let request = &site.requests("/do")[0];
    assert!(
        request
            .header("content-type")
            .starts_with("multipart/form-data; boundary=")
    );
    assert!(request.body.contains("name=\"name\"\r\n\r\nx\r\n"));
}

#[test]
fn an_answer_may_lead_to_another_page() {
    let browser = Browser::start();
    let site = Site::serve(FORM);
    let redirect = Event::redirect("/game/1")
        .unwrap()
        .id(EventId::new(0, 0))
        .encode()
        .unwrap();
    site.answer(
        Method::POST,
        "/do",
        Answer::Events(vec![Encoded::join([redirect])]),
    );
    let window = open(&browser, &site);
    window.type_into("input", "Ada");
    window.click("button");
    window.wait_url("/game/1");
    // An action that answers with a page after all: the browser goes where it was sent.
    window.goto(&site.url("/"));
    site.answer(Method::POST, "/do", Answer::SeeOther("/game/2"));
    window.type_into("input", "Ada");
    window.click("button");
    window.wait_url("/game/2");
    // A session that is gone: the page is loaded again and shows what there is.
    window.goto(&site.url("/"));
    site.answer(
        Method::POST,
        "/do",
        Answer::With(StatusCode::UNAUTHORIZED, "application/json", "{}".into()),
    );
    site.answer(Method::GET, "/", Answer::SeeOther("/login"));
    window.type_into("input", "Ada");
    window.click("button");
    window.wait_url("/login");
}

#[test]
fn forms_that_a_patch_brought_are_live_as_well() {
    let browser = Browser::start();
    let site =
        Site::serve("<button data-on:click=\"@post('/more')\">More</button><div id=\"a\"></div>");
    let form = "<div id=\"a\"><form data-on:submit=\"@post('/do', {contentType: 'form'})\"><input type=\"hidden\" name=\"n\" value=\"1\">\
                <button id=\"new\">New</button></form></div>";
    let patch = PatchElements::new(form)
        .id(EventId::new(1, 1))
        .encode()
        .unwrap();
    site.answer(Method::POST, "/more", Answer::Events(vec![patch]));
    site.answer(Method::POST, "/do", shows("done"));
    let window = open(&browser, &site);
    window.click("button");
    window.click("#new");
    window.wait_text("#a", "done");
    assert_eq!(site.requests("/do")[0].body, "n=1");
    window.assert_quiet();
}
