//! The cases of the official SDK tests, in our own words: what is asked for, and the bytes that answer it.

use pleach::live::events_from_test_request;

#[track_caller]
fn check(events: &str, expected: &str) {
    let request = format!("{{\n  \"events\": [{events}]\n}}");
    let events = events_from_test_request(&request).expect("a request of the test suite");
    let sent: Vec<u8> = events
        .iter()
        .flat_map(|event| event.encode().unwrap().bytes().to_vec())
        .collect();
    assert_eq!(String::from_utf8(sent).unwrap(), expected);
}

#[test]
fn elements() {
    check(
        r#"{"type":"patchElements","elements":"<div>One</div>"}"#,
        "event: datastar-patch-elements\ndata: elements <div>One</div>\n\n",
    );
    check(
        r#"{"type":"patchElements","elements":"<div>\n  <i>One</i>\n</div>","mode":"outer","useViewTransition":false}"#,
        "event: datastar-patch-elements\ndata: elements <div>\ndata: elements   <i>One</i>\ndata: elements </div>\n\n",
    );
    check(
        r##"{"type":"patchElements","elements":"<circle/>","eventId":"event1","retryDuration":2000,"selector":"#vis","mode":"append",
            "useViewTransition":true,"viewTransitionSelector":"#main","namespace":"svg"}"##,
        "event: datastar-patch-elements\nid: event1\nretry: 2000\ndata: selector #vis\ndata: mode append\n\
         data: useViewTransition true\ndata: viewTransitionSelector #main\ndata: namespace svg\ndata: elements <circle/>\n\n",
    );
    check(
        r##"{"type":"patchElements","selector":"#target","mode":"remove","retryDuration":1000}"##,
        "event: datastar-patch-elements\ndata: selector #target\ndata: mode remove\n\n",
    );
}

#[test]
fn signals() {
    check(
        r#"{"type":"patchSignals","signals":{ "one": 1, "two": null },"eventId":"event1","retryDuration":2000,"onlyIfMissing":true}"#,
        "event: datastar-patch-signals\nid: event1\nretry: 2000\ndata: onlyIfMissing true\ndata: signals {\"one\":1,\"two\":null}\n\n",
    );
    check(
        r#"{"type":"patchSignals","signals":{"one":"first\n signal"},"onlyIfMissing":false}"#,
        "event: datastar-patch-signals\ndata: signals {\"one\":\"first\\n signal\"}\n\n",
    );
    check(
        r#"{"type":"patchSignals","signals-raw":"{\n\"one\":  \n1}"}"#,
        "event: datastar-patch-signals\ndata: signals {\ndata: signals \"one\":  \ndata: signals 1}\n\n",
    );
}

#[test]
fn scripts() {
    let head = "event: datastar-patch-elements\ndata: selector body\ndata: mode append\n";
    check(
        r#"{"type":"executeScript","script":"if (a) {\n  b();\n}"}"#,
        &format!(
            "{head}data: elements <script data-effect=\"el.remove()\">if (a) {{\ndata: elements   b();\n\
             data: elements }}</script>\n\n"
        ),
    );
    check(
        r#"{"type":"executeScript","script":"b();","attributes":{"type":"text/javascript","blocking":false},"autoRemove":false}"#,
        &format!(
            "{head}data: elements <script type=\"text/javascript\" blocking=\"false\">b();</script>\n\n"
        ),
    );
}

#[test]
fn several_events_follow_each_other() {
    check(
        r#"{"type":"patchElements","elements":"<p>1</p>"},{"type":"patchElements","elements":"<p>2</p>"}"#,
        "event: datastar-patch-elements\ndata: elements <p>1</p>\n\nevent: datastar-patch-elements\ndata: elements <p>2</p>\n\n",
    );
}

#[test]
fn other_requests_are_refused() {
    for request in [
        "",
        "{}",
        "[]",
        r#"{"events":[{"type":"unknown"}]}"#,
        r#"{"events":[{"type":"executeScript"}]}"#,
    ] {
        assert!(events_from_test_request(request).is_err(), "{request}");
    }
}
