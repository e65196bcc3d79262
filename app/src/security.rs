//! What every answer carries and every write must pass, unless the application says otherwise.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode, Uri};

use crate::error::{Error, Result};
use crate::request_id::X_REQUEST_ID;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a write that another site makes a browser send.
///
/// A request is another site's when `Sec-Fetch-Site` says so or when its `Origin` is neither the public URL's nor the host that the
/// request addresses. Requests with neither header do not come from a browser's page, and pass.
///
/// # Errors
/// 403 `cross_site`.
pub(crate) fn refuse_cross_site(
    head: &Parts,
    authority: &str,
    public_url: Option<&Uri>,
) -> Result<()> {
    if matches!(
        head.method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    ) {
        return Ok(());
    }
    let foreign_fetch = head
        .headers
        .get(SEC_FETCH_SITE)
        .is_some_and(|site| matches!(site.as_bytes(), b"cross-site" | b"same-site"));
    if foreign_fetch || !is_own_origin(&head.headers, authority, public_url) {
        return Err(Error::new(
            StatusCode::FORBIDDEN,
            "cross_site",
            "This request came from another site.",
        ));
    }
    Ok(())
}

/// Returns true when a request names no origin, or ours. `null`, which sandboxed pages send, is never ours.
pub(crate) fn is_own_origin(
    headers: &HeaderMap,
    authority: &str,
    public_url: Option<&Uri>,
) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    origins.all(|origin| {
        let Some((scheme, host)) = origin.to_str().ok().and_then(|text| text.split_once("://"))
        else {
            return false;
        };
        let names = |own: &str| {
            without_default_port(scheme, host)
                .eq_ignore_ascii_case(without_default_port(scheme, own))
        };
        let is_public = public_url.is_some_and(|url| {
            url.scheme_str() == Some(scheme)
                && url.authority().is_some_and(|own| names(own.as_str()))
        });
        is_public || (!authority.is_empty() && names(authority))
    })
}

fn without_default_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let port = if scheme == "https" { ":443" } else { ":80" };
    authority.strip_suffix(port).unwrap_or(authority)
}

/// Headers that make a browser treat an answer strictly.
#[derive(Clone, Debug)]
pub(crate) struct SecurityHeaders {
    content_security_policy: HeaderValue,
}

/// Everything from this site only, no inline script or style, no frames around us, no plug-ins, forms to this site only.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'";

impl Default for SecurityHeaders {
    fn default() -> Self {
        Self {
            content_security_policy: HeaderValue::from_static(CONTENT_SECURITY_POLICY),
        }
    }
}

impl SecurityHeaders {
    /// Returns the headers with another policy for pages.
    pub(crate) fn with_policy(policy: HeaderValue) -> Self {
        Self {
            content_security_policy: policy,
        }
    }

    /// Adds what is missing of what every answer carries, and the id of the request. What else the handler set itself stays.
    ///
    /// Only documents get the policies for documents: a browser ignores them on JSON, text and events, and each costs bytes and time.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap, request_id: HeaderValue) {
        let mut request_id = Some(request_id);
        let (mut is_document, mut is_strict, mut has_two_ids) = (false, false, false);
        // One look at each costs less than to find three of them by their names.
        for (name, value) in headers.iter_mut() {
            if *name == header::CONTENT_TYPE {
                is_document |= shows_document(value);
            } else if *name == header::X_CONTENT_TYPE_OPTIONS {
                is_strict = true;
            } else if *name == X_REQUEST_ID {
                match request_id.take() {
                    Some(id) => *value = id,
                    None => has_two_ids = true,
                }
            }
        }
        if has_two_ids && request_id.is_none() {
            request_id = headers.remove(X_REQUEST_ID);
        }
        if let Some(id) = request_id {
            headers.insert(X_REQUEST_ID, id);
        }
        if !is_strict {
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        }
        if is_document {
            let policy = &self.content_security_policy;
            add(headers, header::CONTENT_SECURITY_POLICY, policy);
            add(headers, header::X_FRAME_OPTIONS, &DENY);
            add(headers, header::REFERRER_POLICY, &SAME_ORIGIN);
        }
    }
}

/// Makes the headers of an answer that is no document, with a place for the id of its request. A copy of them costs a third of what it
/// costs to add one after the other.
pub(crate) fn prepared(content_type: &'static str) -> HeaderMap {
    HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::X_CONTENT_TYPE_OPTIONS, NOSNIFF),
        (X_REQUEST_ID, HeaderValue::from_static("")),
    ])
}

// As constants they are checked when this is compiled, and not with every answer.
const DENY: HeaderValue = HeaderValue::from_static("DENY");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

fn add(headers: &mut HeaderMap, name: HeaderName, value: &HeaderValue) {
    headers.entry(name).or_insert_with(|| value.clone());
}

/// Returns true for what a browser shows as a page of its own: HTML, and XML of any kind, SVG among them.
fn shows_document(content_type: &HeaderValue) -> bool {
    let bytes = content_type.as_bytes();
    let end = bytes
        .iter()
        .position(|byte| matches!(byte, b';' | b' '))
        .unwrap_or(bytes.len());
    let is_kind =
        |kind: &[u8]| end >= kind.len() && bytes[end - kind.len()..end].eq_ignore_ascii_case(kind);
    is_kind(b"html") || is_kind(b"xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: Method, headers: &[(&str, &str)], allowed: bool) {
        let mut request = http::Request::builder().method(method).uri("/api");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let head = request.body(()).expect("a request").into_parts().0;
        let public = Uri::from_static("https://play.example.com");
        let answer = refuse_cross_site(&head, "127.0.0.1:8080", Some(&public));
        assert_eq!(answer.is_ok(), allowed, "{headers:?}");
        if let Err(error) = answer {
            assert_eq!((error.status().as_u16(), error.id()), (403, "cross_site"));
        }
    }

    #[test]
    fn writes_from_another_site_are_refused() {
        check(Method::POST, &[("sec-fetch-site", "cross-site")], false);
        check(Method::POST, &[("sec-fetch-site", "same-site")], false);
        check(Method::POST, &[("origin", "https://evil.example")], false);
        check(Method::POST, &[("origin", "null")], false);
        check(
            Method::DELETE,
            &[("origin", "https://play.example.com.evil.example")],
            false,
        );
        check(
            Method::POST,
            &[("origin", "http://play.example.com")],
            false,
        );
        check(Method::POST, &[("origin", "http://127.0.0.1:9090")], false);
        check(
            Method::POST,
            &[
                ("sec-fetch-site", "same-origin"),
                ("origin", "https://evil.example"),
            ],
            false,
        );
    }

    /// Returns the headers of an answer, sorted, as `name: value`.
    fn dressed(mut headers: HeaderMap) -> Vec<String> {
        SecurityHeaders::default().add_to(&mut headers, HeaderValue::from_static("own-1"));
        let lines = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")));
        let mut lines: Vec<String> = lines.collect();
        lines.sort();
        lines
    }

    #[test]
    fn every_answer_is_strict_and_carries_the_id_of_its_request_once() {
        let json = [
            "content-type: application/json",
            "x-content-type-options: nosniff",
            "x-request-id: own-1",
        ];
        assert_eq!(dressed(HeaderMap::new()), json[1..]);
        assert_eq!(dressed(prepared("application/json")), json);
        let mut foreign = prepared("application/json");
        foreign.append(X_REQUEST_ID, HeaderValue::from_static("theirs-1"));
        foreign.append(X_REQUEST_ID, HeaderValue::from_static("theirs-2"));
        assert_eq!(dressed(foreign), json);
    }

    #[test]
    fn what_becomes_a_document_gets_its_policies() {
        let mut page = prepared("application/json");
        page.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
        page.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        );
        let lines = dressed(page);
        assert_eq!(
            lines[0],
            format!("content-security-policy: {CONTENT_SECURITY_POLICY}")
        );
        let rest = [
            "content-type: text/html",
            "referrer-policy: no-referrer",
            "x-content-type-options: nosniff",
            "x-frame-options: DENY",
            "x-request-id: own-1",
        ];
        assert_eq!(lines[1..], rest);
    }

    #[test]
    fn documents_are_html_and_every_kind_of_xml() {
        for (content_type, expected) in [
            ("text/html; charset=utf-8", true),
            ("Text/HTML", true),
            ("application/xhtml+xml", true),
            ("image/svg+xml;charset=utf-8", true),
            ("text/xml", true),
            ("text/plain; charset=utf-8", false),
            ("application/json", false),
            ("application/json; of=xml", false),
            ("ml", false),
            ("", false),
        ] {
            assert_eq!(
                shows_document(&HeaderValue::from_static(content_type)),
                expected,
                "{content_type}"
            );
        }
    }

    #[test]
    fn our_own_pages_and_clients_that_are_no_browsers_pass() {
        check(Method::POST, &[], true);
        check(Method::POST, &[("sec-fetch-site", "same-origin")], true);
        check(Method::POST, &[("sec-fetch-site", "none")], true);
        check(
            Method::POST,
            &[("origin", "https://play.example.com")],
            true,
        );
        check(
            Method::POST,
            &[("origin", "https://play.example.com:443")],
            true,
        );
        check(Method::POST, &[("origin", "http://127.0.0.1:8080")], true);
        check(
            Method::GET,
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://evil.example"),
            ],
            true,
        );
    }
}
