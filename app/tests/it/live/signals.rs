//! What a live request sends along.

use http::Method;
use pleach::live::{Sent, signals_from};
use proptest::prelude::*;
use serde::Deserialize;

const JSON: Option<&str> = Some("application/json");
const FORM: Option<&str> = Some("application/x-www-form-urlencoded;charset=UTF-8");

#[track_caller]
fn signals(method: Method, query: Option<&str>, content_type: Option<&str>, body: &str) -> String {
    match signals_from(&method, query, content_type, body.as_bytes()) {
        Ok(Sent::Signals(signals)) => signals.json().to_owned(),
        other => panic!("no signals: {other:?}"),
    }
}

#[track_caller]
fn is_malformed(method: Method, query: Option<&str>, content_type: Option<&str>, body: &[u8]) {
    let result = signals_from(&method, query, content_type, body);
    assert!(
        result.as_ref().is_err_and(|error| error.is_malformed()),
        "{result:?}"
    );
}

fn form(fields: &[(&str, &str)]) -> Sent {
    Sent::Form(
        fields
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    )
}

#[test]
fn get_and_delete_carry_signals_in_the_query() {
    for method in [Method::GET, Method::DELETE] {
        let query = Some("x=1&datastar=%7B%22a%22%3A+%22%C3%A9%26%22%7D");
        assert_eq!(signals(method.clone(), query, JSON, ""), r#"{"a": "é&"}"#);
        assert_eq!(
            signals_from(&method, None, JSON, b"{\"a\":1}").unwrap(),
            Sent::Nothing,
            "a body does not count"
        );
    }
}

#[test]
fn other_methods_carry_signals_in_a_json_body() {
    for method in [Method::POST, Method::PUT, Method::PATCH] {
        assert_eq!(
            signals(method.clone(), Some("datastar={}"), JSON, "{\"a\":1}"),
            "{\"a\":1}"
        );
        assert_eq!(
            signals(
                method.clone(),
                None,
                Some("Application/JSON; charset=utf-8"),
                "{}"
            ),
            "{}"
        );
        assert_eq!(signals(method, None, None, "{}"), "{}");
    }
}

#[test]
fn forms_are_forms() {
    let fields = form(&[("name", "a b&c"), ("name", ""), ("ü", "1")]);
    let urlencoded = "name=a+b%26c&name=&%C3%BC=1";
    assert_eq!(
        signals_from(&Method::POST, None, FORM, urlencoded.as_bytes()).unwrap(),
        fields
    );
    assert_eq!(
        signals_from(&Method::GET, Some(urlencoded), FORM, b"").unwrap(),
        fields
    );
    assert_eq!(
        signals_from(&Method::DELETE, Some(urlencoded), None, b"").unwrap(),
        fields
    );
    assert_eq!(
        signals_from(&Method::POST, None, FORM, b"").unwrap(),
        form(&[])
    );
}

#[test]
fn nothing_sent_is_nothing() {
    assert_eq!(
        signals_from(&Method::GET, None, None, b"").unwrap(),
        Sent::Nothing
    );
    assert_eq!(
        signals_from(&Method::GET, Some(""), None, b"").unwrap(),
        Sent::Nothing
    );
    assert_eq!(
        signals_from(&Method::POST, None, None, b"").unwrap(),
        Sent::Nothing
    );
    assert_eq!(
        signals_from(&Method::POST, None, Some("text/plain"), b"").unwrap(),
        Sent::Nothing
    );
}

#[test]
fn broken_json_is_malformed() {
    for json in [
        "", "{", "[]", "1", "null", "\"{}\"", "{}}", "{\"a\":}", "{a:1}",
    ] {
        is_malformed(Method::POST, None, JSON, json.as_bytes());
        if !json.is_empty() {
            is_malformed(Method::POST, None, None, json.as_bytes());
        }
        let query: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("datastar", json)
            .finish();
        is_malformed(Method::GET, Some(&query), None, b"");
    }
    is_malformed(Method::POST, None, JSON, b"{\"a\":\"\xff\"}");
}

#[test]
fn another_media_type_is_unsupported() {
    let result = signals_from(&Method::POST, None, Some("text/plain"), b"{}");
    assert!(result.is_err_and(|error| error.is_unsupported_media_type() && !error.is_malformed()));
}

#[test]
fn signals_read_into_a_type() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Count {
        count: u32,
    }
    let read = |json: &str| match signals_from(&Method::POST, None, JSON, json.as_bytes()) {
        Ok(Sent::Signals(signals)) => signals.read::<Count>(),
        other => panic!("no signals: {other:?}"),
    };
    assert_eq!(
        read(r#"{"count":3,"other":null}"#).unwrap(),
        Count { count: 3 }
    );
    assert!(read("{}").is_err_and(|error| error.is_malformed()));
    assert!(read(r#"{"count":-1}"#).is_err_and(|error| error.is_malformed()));
}

proptest! {
    #[test]
    fn no_request_panics(query in any::<Option<String>>(), kind in any::<Option<String>>(), body: Vec<u8>, get: bool) {
        let method = if get { Method::GET } else { Method::POST };
        let _ = signals_from(&method, query.as_deref(), kind.as_deref(), &body);
    }
}
