//! Which face of an answer a request wants: a page, JSON, or live events.

use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, header};

/// The header by which a client asks for JSON errors whatever it accepts.
pub(crate) const JSON_ON_ERROR: HeaderName =
    HeaderName::from_static("z-app-json-response-on-error");

/// The header that a Datastar client, and `live.js`, sends with every request of its own.
/// Source: the Datastar SDK specification, "Datastar-Request: true".
pub(crate) const DATASTAR_REQUEST: HeaderName = HeaderName::from_static("datastar-request");

/// The face of a successful answer that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// A page, or for a form `303 See Other` to one.
    Page,
    /// JSON.
    Json,
    /// An event stream, or 204 with nothing to say.
    Live,
}

/// The face of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorFace {
    Page,
    Json,
    Problem,
}

impl Face {
    /// Returns the face that a request asks for.
    #[must_use]
    pub fn of(head: &Parts) -> Self {
        let live = head
            .headers
            .get(DATASTAR_REQUEST)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
        if live {
            return Self::Live;
        }
        match preferred(head, &[HTML, JSON, EVENTS]) {
            Some(EVENTS) => Self::Live,
            Some(JSON) => Self::Json,
            _ => Self::Page,
        }
    }
}

impl ErrorFace {
    pub(crate) fn of(head: &Parts) -> Self {
        if head
            .headers
            .get(JSON_ON_ERROR)
            .is_some_and(|value| is_true(value.as_bytes()))
        {
            return Self::Json;
        }
        match preferred(head, &[HTML, JSON, PROBLEM]) {
            Some(JSON) => Self::Json,
            Some(PROBLEM) => Self::Problem,
            _ => Self::Page,
        }
    }
}

const HTML: &str = "text/html";
const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";
const EVENTS: &str = "text/event-stream";

/// Returns true when a request names HTML in what it accepts, as browsers do for pages and forms.
pub(crate) fn names_html(head: &Parts) -> bool {
    Wish::for_type(&head.headers, HTML).is_some_and(|wish| wish.named == Named::Exactly)
}

/// The usual spellings of true. Source: DESIGN §4.
fn is_true(value: &[u8]) -> bool {
    matches!(value, b"1" | b"t" | b"T" | b"true" | b"True" | b"TRUE")
}

/// Returns which of the offered types the request prefers: the greatest weight, then a type that is named before one that only a
/// wildcard covers, then the first named. `None` when it has no wish.
fn preferred(head: &Parts, offers: &[&'static str]) -> Option<&'static str> {
    let mut best: Option<(Wish, &'static str)> = None;
    for &offer in offers {
        let Some(wish) = Wish::for_type(&head.headers, offer) else {
            continue;
        };
        if best.is_none_or(|(other, _)| wish.beats(other)) {
            best = Some((wish, offer));
        }
    }
    match best {
        Some((wish, offer)) if wish.named != Named::NotAtAll => Some(offer),
        _ if has_json_body(head) => Some(JSON),
        _ => None,
    }
}

fn has_json_body(head: &Parts) -> bool {
    head.method != Method::GET
        && head
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|value| is_json(value.as_bytes()))
}

/// Returns true for `application/json` with any parameters.
pub(crate) fn is_json(content_type: &[u8]) -> bool {
    essence(content_type).eq_ignore_ascii_case(JSON.as_bytes())
}

/// Returns a content type without its parameters.
pub(crate) fn essence(content_type: &[u8]) -> &[u8] {
    content_type
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii()
}

#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Named {
    NotAtAll,
    ByKind,
    Exactly,
}

/// How much a request wants one type.
#[derive(Clone, Copy)]
struct Wish {
    /// In thousandths. Source: RFC 9110 §12.4.2 allows three decimals.
    weight: u16,
    named: Named,
    position: usize,
}

impl Wish {
    /// Reads every `Accept` header. The most specific range that covers the type decides its weight (RFC 9110 §12.5.1).
    fn for_type(headers: &HeaderMap, offer: &str) -> Option<Self> {
        let (kind, _) = offer.split_once('/').expect("offers are media types");
        let ranges = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        let mut wish: Option<Self> = None;
        for (position, range) in ranges.enumerate() {
            let mut parts = range.split(';').map(str::trim);
            let essence = parts.next().unwrap_or_default();
            let named = if essence.eq_ignore_ascii_case(offer) {
                Named::Exactly
            } else if essence == "*/*" {
                Named::NotAtAll
            } else if essence
                .strip_suffix("/*")
                .is_some_and(|own| own.eq_ignore_ascii_case(kind))
            {
                Named::ByKind
            } else {
                continue;
            };
            if wish.is_none_or(|other| named > other.named) {
                wish = Some(Self {
                    weight: weight(parts),
                    named,
                    position,
                });
            }
        }
        wish.filter(|wish| wish.weight > 0)
    }

    fn beats(self, other: Self) -> bool {
        (self.weight, self.named, other.position).partial_cmp(&(
            other.weight,
            other.named,
            self.position,
        )) == Some(std::cmp::Ordering::Greater)
    }
}

fn weight<'a>(mut parameters: impl Iterator<Item = &'a str>) -> u16 {
    parameters
        .find_map(|parameter| {
            parameter
                .strip_prefix("q=")
                .or_else(|| parameter.strip_prefix("Q="))
        })
        .and_then(|q| q.trim().parse::<f32>().ok())
        .map_or(1000, |q| (q.clamp(0.0, 1.0) * 1000.0) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(method: Method, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request").into_parts().0
    }

    #[track_caller]
    fn check(accept: &str, success: Face, error: ErrorFace) {
        let head = head(Method::GET, &[("accept", accept)]);
        assert_eq!(
            (Face::of(&head), ErrorFace::of(&head)),
            (success, error),
            "{accept}"
        );
    }

    #[test]
    fn accept_chooses_by_weight_then_by_order() {
        check("*/*", Face::Page, ErrorFace::Page);
        check(
            "text/html,application/xhtml+xml,*/*;q=0.8",
            Face::Page,
            ErrorFace::Page,
        );
        check("application/json", Face::Json, ErrorFace::Json);
        check("application/json, text/html", Face::Json, ErrorFace::Json);
        check("text/html, application/json", Face::Page, ErrorFace::Page);
        check(
            "text/html;q=0.5, application/json",
            Face::Json,
            ErrorFace::Json,
        );
        check(
            "application/json, text/plain, */*",
            Face::Json,
            ErrorFace::Json,
        );
        check(
            "application/json;q=0, text/html",
            Face::Page,
            ErrorFace::Page,
        );
        check("application/problem+json", Face::Page, ErrorFace::Problem);
        check(
            "application/problem+json;q=0.9, application/json;q=0.8",
            Face::Json,
            ErrorFace::Problem,
        );
        check("application/*", Face::Json, ErrorFace::Json);
        check("text/event-stream", Face::Live, ErrorFace::Page);
        check(
            "text/event-stream, application/json",
            Face::Live,
            ErrorFace::Json,
        );
        check("garbage;;q=x, /", Face::Page, ErrorFace::Page);
    }

    #[test]
    fn a_json_body_without_a_wish_prefers_json() {
        let json = ("content-type", "application/json; charset=utf-8");
        assert_eq!(Face::of(&head(Method::POST, &[json])), Face::Json);
        assert_eq!(
            ErrorFace::of(&head(Method::POST, &[json, ("accept", "*/*")])),
            ErrorFace::Json
        );
        assert_eq!(
            ErrorFace::of(&head(Method::POST, &[json, ("accept", "text/html")])),
            ErrorFace::Page
        );
        assert_eq!(Face::of(&head(Method::POST, &[])), Face::Page);
    }

    #[test]
    fn json_on_error_takes_the_usual_spellings_of_true() {
        for value in ["1", "t", "T", "true", "True", "TRUE"] {
            let head = head(
                Method::GET,
                &[
                    ("z-app-json-response-on-error", value),
                    ("accept", "text/html"),
                ],
            );
            assert_eq!(ErrorFace::of(&head), ErrorFace::Json, "{value}");
        }
        for value in ["0", "yes", "tRuE", "", "false"] {
            let head = head(Method::GET, &[("z-app-json-response-on-error", value)]);
            assert_eq!(ErrorFace::of(&head), ErrorFace::Page, "{value}");
        }
    }

    #[test]
    fn a_datastar_request_is_live_whatever_it_accepts() {
        let head = head(
            Method::POST,
            &[
                ("datastar-request", "true"),
                ("accept", "text/html, application/json"),
            ],
        );
        assert_eq!(Face::of(&head), Face::Live);
    }
}
