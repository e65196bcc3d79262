//! What is encoded decodes to what was sent, whatever the text.

use super::decoder::{Decoded, decode};
use pleach::live::{
    Encoded, Error, Event, EventId, ExecuteScript, Mode, Namespace, PatchElements, PatchSignals,
};
use proptest::prelude::*;
use serde_json::json;
use std::time::Duration;

/// Text made of what could hurt: every way to end a line, field names, colons, spaces and odd separators.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        4 => prop::sample::select(vec![
            "\n", "\r", "\r\n", "\n\n", "\r\r", "\0", "\u{2028}", "\u{85}", "\u{feff}", ":", " ", "data:", "data: ", "event: ",
            "event: datastar-patch-elements", "id: 9", "retry: 1", ": comment", "elements ", "selector body", "mode remove",
            "signals {}", "</script>", "<p>", "\u{b}", "\u{c}", "é", "𝄞",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat())
}

fn mode() -> impl Strategy<Value = Mode> {
    prop::sample::select(Mode::ALL.to_vec())
}

/// Line ends become LF on the way, as in any text that a browser reads.
fn normalised(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn is_one_line(text: &str) -> bool {
    !text.contains(['\r', '\n', '\0'])
}

fn one(encoded: &Encoded) -> Decoded {
    let mut stream = decode(encoded.bytes());
    assert_eq!(stream.events.len(), 1, "exactly one event");
    assert!(stream.comments.is_empty(), "no comment");
    stream.events.remove(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn elements_decode_to_what_was_sent(
        elements in hostile(), mode in mode(), transition: bool,
        namespace in prop::sample::select(Namespace::ALL.to_vec()),
    ) {
        let patch = PatchElements::new(&*elements)
            .selector("#main > p").mode(mode).namespace(namespace)
            .use_view_transition(transition).view_transition_selector("#main");
        let event = one(&patch.id(EventId::new(1, 2)).encode().unwrap());
        prop_assert_eq!(&*event.event, "datastar-patch-elements");
        prop_assert_eq!(&*event.last_event_id, "1-2");
        prop_assert_eq!(event.argument("elements").unwrap_or_default(), normalised(&elements));
        prop_assert_eq!(event.argument("selector"), Some("#main > p".to_owned()));
        prop_assert_eq!(event.argument("mode").unwrap_or("outer".into()), mode.as_str());
        prop_assert_eq!(event.argument("namespace").unwrap_or("html".into()), namespace.as_str());
        prop_assert_eq!(event.argument("useViewTransition").is_some(), transition);
        prop_assert_eq!(event.argument("viewTransitionSelector").is_some(), transition);
    }

    #[test]
    fn signals_decode_to_what_was_sent(name in hostile(), text in hostile(), only_if_missing: bool) {
        let signals = json!({ name: { "text": text } });
        let event = one(&Event::from(PatchSignals::new(&signals).only_if_missing(only_if_missing)).encode().unwrap());
        prop_assert_eq!(&*event.event, "datastar-patch-signals");
        let sent: serde_json::Value = serde_json::from_str(&event.argument("signals").unwrap()).unwrap();
        prop_assert_eq!(sent, signals);
        prop_assert_eq!(event.argument("onlyIfMissing").is_some(), only_if_missing);
    }

    #[test]
    fn raw_signals_decode_line_by_line(text in hostile()) {
        let event = one(&Event::from(PatchSignals::raw(&*text)).encode().unwrap());
        prop_assert_eq!(event.argument("signals").unwrap(), normalised(&text));
    }

    #[test]
    fn one_line_fields_are_kept_or_refused(text in hostile()) {
        let check = |event: Event, read: &dyn Fn(&Decoded) -> String| match event.encode() {
            Ok(encoded) => is_one_line(&text) && read(&one(&encoded)) == text,
            Err(error) => !is_one_line(&text) && error.is_invalid_event(),
        };
        let patch = || PatchElements::new("<p>").use_view_transition(true);
        prop_assert!(check(patch().id(&text), &|event| event.last_event_id.clone()));
        prop_assert!(check(patch().selector(&*text).into(), &|event| event.argument("selector").unwrap()));
        prop_assert!(check(
            patch().view_transition_selector(&*text).into(),
            &|event| event.argument("viewTransitionSelector").unwrap(),
        ));
    }

    #[test]
    fn a_script_stays_inside_its_element(script in hostile(), value in hostile()) {
        let event = ExecuteScript::new(&*script).attribute("data-x", &*value).nonce("abc").auto_remove(false);
        match Event::from(event).encode() {
            Ok(encoded) => {
                let element = one(&encoded).argument("elements").unwrap();
                let value = normalised(&value).replace('&', "&amp;").replace('"', "&quot;");
                prop_assert_eq!(
                    element, format!("<script data-x=\"{value}\" nonce=\"abc\">{}</script>", normalised(&script)),
                );
            }
            Err(error) => prop_assert!(error.is_invalid_event() && script.contains("</script>")),
        }
    }

    #[test]
    fn a_redirect_stays_on_this_site(path in hostile(), prefix in prop::sample::select(vec!["", "/", "//", "/\\", "/a"])) {
        let path = format!("{prefix}{path}");
        if let Ok(event) = Event::redirect(&path) {
            prop_assert!(path.starts_with('/') && !path.starts_with("//") && !path.contains('\\'));
            let signals = one(&event.encode().unwrap()).argument("signals").unwrap();
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&signals).unwrap(), json!({ "_redirect": path }));
        }
    }

    #[test]
    fn the_official_sdk_writes_the_same_bytes(
        lines in prop::collection::vec("[^\r\n]{1,12}", 1..5), selector in "[#.a-z >]{1,10}", mode in mode(), retry in 2u64..100_000,
    ) {
        let elements = lines.join("\n");
        let ours = PatchElements::new(&*elements).selector(&*selector).mode(mode).use_view_transition(true)
            .id("7").retry(Duration::from_millis(retry * 1000));
        let theirs = datastar::patch_elements::PatchElements::new(&*elements)
            .selector(&*selector).mode(official(mode)).use_view_transition(true)
            .id("7").retry(Duration::from_millis(retry * 1000)).into_datastar_event();
        let theirs = theirs.to_string();
        prop_assert_eq!(ours.encode().unwrap().bytes().to_vec(), theirs.into_bytes());

        let ours = Event::from(PatchSignals::raw(&*elements).only_if_missing(true));
        let theirs = datastar::patch_signals::PatchSignals::new(&*elements).only_if_missing(true).into_datastar_event();
        let theirs = theirs.to_string();
        prop_assert_eq!(ours.encode().unwrap().bytes().to_vec(), theirs.into_bytes());
    }
}

fn official(mode: Mode) -> datastar::consts::ElementPatchMode {
    use datastar::consts::ElementPatchMode as Official;
    match mode {
        Mode::Outer => Official::Outer,
        Mode::Inner => Official::Inner,
        Mode::Replace => Official::Replace,
        Mode::Prepend => Official::Prepend,
        Mode::Append => Official::Append,
        Mode::Before => Official::Before,
        Mode::After => Official::After,
        Mode::Remove => Official::Remove,
    }
}

/// The `datastar` crate 0.4.1 lets a bare CR through, at which clients end a line.
#[test]
fn a_bare_carriage_return_opens_no_event() {
    let text = "<p>hello\r\revent: datastar-patch-signals\rdata: signals {\"_redirect\":\"//evil\"}\r\r</p>";
    let event = one(&Event::from(PatchElements::new(text)).encode().unwrap());
    assert_eq!(event.event, "datastar-patch-elements");
    assert_eq!(
        event.argument("elements").unwrap(),
        text.replace('\r', "\n")
    );
    assert_eq!(event.argument("signals"), None);
}

#[test]
fn the_fields_stand_in_the_order_of_the_protocol() {
    let event = PatchElements::new("<b>\n</b>")
        .selector("#a")
        .mode(Mode::Append)
        .use_view_transition(true)
        .view_transition_selector("#v")
        .namespace(Namespace::Svg)
        .id("e1")
        .retry(Duration::from_secs(2));
    let expected = "event: datastar-patch-elements\nid: e1\nretry: 2000\ndata: selector #a\ndata: mode append\n\
                    data: useViewTransition true\ndata: viewTransitionSelector #v\ndata: namespace svg\n\
                    data: elements <b>\ndata: elements </b>\n\n";
    assert_eq!(event.encode().unwrap().bytes(), expected.as_bytes());
}

#[test]
fn a_redirect_to_another_site_is_refused() {
    for path in [
        "",
        "game",
        "//evil",
        "/\\evil",
        "\\\\evil",
        "https://evil/",
        "javascript:alert(1)",
        "/\t/evil",
        "/a\nb",
        "/\0",
    ] {
        assert!(
            Event::redirect(path).is_err_and(|error| error.is_invalid_event()),
            "{path:?}"
        );
    }
    for path in ["/", "/game/42?x=1#top", "/a//b", "/%2F/evil"] {
        assert!(Event::redirect(path).is_ok(), "{path:?}");
    }
}

#[test]
fn a_script_that_would_end_its_element_is_refused() {
    for script in ["'</script>'", "'</SCRIPT '", "<!-- <script>"] {
        assert!(
            Event::from(ExecuteScript::new(script))
                .encode()
                .is_err_and(|error| error.is_invalid_event()),
            "{script}"
        );
    }
    for name in ["", "a b", "a=\"", "a>", "a\n"] {
        let script = ExecuteScript::new("1").attribute(name, "x");
        assert!(
            Event::from(script)
                .encode()
                .is_err_and(|error| error.is_invalid_event()),
            "{name:?}"
        );
    }
}

#[test]
fn joined_events_decode_one_by_one_and_keep_the_last_id() {
    let part = |text: &str, id: Option<EventId>| {
        let event = Event::from(PatchElements::new(text));
        id.into_iter()
            .fold(event, |event, id| event.id(id))
            .encode()
            .unwrap()
    };
    let joined = Encoded::join([
        part("<a>", Some(EventId::new(1, 1))),
        part("<b>", Some(EventId::new(1, 2))),
        part("<c>", None),
    ]);
    let events = decode(joined.bytes()).events;
    assert_eq!(
        events
            .iter()
            .filter_map(|event| event.argument("elements"))
            .collect::<Vec<_>>(),
        ["<a>", "<b>", "<c>"]
    );
    assert_eq!(joined.id(), Some(EventId::new(1, 2)));
}

#[test]
fn an_error_says_what_is_wrong_without_the_text() {
    let error: Error = PatchElements::new("x")
        .selector("a\nsecret")
        .id(1)
        .encode()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the selector of an event must be one line without NUL"
    );
}
