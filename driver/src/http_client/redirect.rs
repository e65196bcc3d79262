//! What a redirect makes of a request.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};

use super::target::Target;
use crate::Error;

/// A request on its way, as redirects change it.
#[derive(Clone, Debug)]
pub(super) struct Hop {
    pub(super) method: Method,
    pub(super) target: Target,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Returns where an answer sends the caller, if it does. Source: RFC 9110, section 15.4.
pub(super) fn location(status: StatusCode, headers: &HeaderMap) -> Option<&str> {
    match status.as_u16() {
        301 | 302 | 303 | 307 | 308 => headers.get(header::LOCATION)?.to_str().ok(),
        _ => None,
    }
}

impl Hop {
    /// Returns the request that follows a redirect.
    ///
    /// What only the first server may know stays behind when the next is another: `Authorization`, cookies, and headers marked
    /// sensitive. From `https` no redirect leads to `http`.
    pub(super) fn follow(mut self, status: StatusCode, location: &str) -> Result<Self, Error> {
        let next = self.target.join(location)?;
        if self.target.is_https() && !next.is_https() {
            return Err(Error::refused(format!(
                "the redirect from {} leads out of TLS",
                self.target
            )));
        }
        let becomes_get = match status {
            StatusCode::SEE_OTHER => self.method != Method::HEAD,
            // As every browser does.
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = Bytes::new();
            for name in [
                header::CONTENT_TYPE,
                header::CONTENT_ENCODING,
                header::CONTENT_LANGUAGE,
                header::CONTENT_LENGTH,
            ] {
                self.headers.remove(name);
            }
        }
        if !next.is_same_origin(&self.target) {
            let secret: Vec<_> = self
                .headers
                .iter()
                .filter(|(name, value)| is_secret(name) || value.is_sensitive())
                .map(|(name, _)| name.clone())
                .collect();
            for name in secret {
                self.headers.remove(name);
            }
            // It named the server that was left.
            self.headers.remove(header::HOST);
        }
        self.target = next;
        Ok(self)
    }
}

fn is_secret(name: &header::HeaderName) -> bool {
    [
        header::AUTHORIZATION,
        header::COOKIE,
        header::PROXY_AUTHORIZATION,
    ]
    .contains(name)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn hop(method: Method) -> Hop {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        headers.insert("x-plain", HeaderValue::from_static("1"));
        let mut key = HeaderValue::from_static("key");
        key.set_sensitive(true);
        headers.insert("x-key", key);
        Hop {
            method,
            target: Target::parse("https://a.example.com/one/two?q").unwrap(),
            headers,
            body: Bytes::from_static(b"body"),
        }
    }

    #[track_caller]
    fn check(method: Method, status: u16, to: &str, expected: &str) {
        let hop = hop(method)
            .follow(StatusCode::from_u16(status).unwrap(), to)
            .unwrap();
        let mut names: Vec<_> = hop.headers.keys().map(header::HeaderName::as_str).collect();
        names.sort_unstable();
        let shown = format!(
            "{} {} {} {}",
            hop.method,
            hop.target.as_str(),
            names.join(","),
            hop.body.len()
        );
        assert_eq!(shown, expected);
    }

    #[test]
    fn methods_bodies_and_secrets_follow_the_rules() {
        let all = "authorization,content-type,cookie,x-key,x-plain";
        check(
            Method::POST,
            307,
            "/x",
            &format!("POST https://a.example.com/x {all} 4"),
        );
        check(
            Method::PUT,
            302,
            "three",
            &format!("PUT https://a.example.com/one/three {all} 4"),
        );
        check(
            Method::POST,
            302,
            "/x",
            "GET https://a.example.com/x authorization,cookie,x-key,x-plain 0",
        );
        check(
            Method::PUT,
            303,
            "/x",
            "GET https://a.example.com/x authorization,cookie,x-key,x-plain 0",
        );
        check(
            Method::HEAD,
            303,
            "/x",
            &format!("HEAD https://a.example.com/x {all} 4"),
        );
        for other in [
            "https://b.example.com/",
            "https://a.example.com:444/",
            "//b.example.com",
        ] {
            let hop = hop(Method::GET).follow(StatusCode::FOUND, other).unwrap();
            let names: Vec<_> = hop.headers.keys().map(header::HeaderName::as_str).collect();
            assert_eq!(names, ["content-type", "x-plain"], "{other}");
        }
    }

    #[test]
    fn redirects_out_of_tls_or_http_are_refused() {
        for to in ["http://a.example.com/", "file:///etc/passwd", "ftp://h/"] {
            let error = hop(Method::GET).follow(StatusCode::FOUND, to).unwrap_err();
            assert!(error.is_refused(), "{error}");
        }
        let error = hop(Method::GET)
            .follow(StatusCode::FOUND, "https://u:p@h/")
            .unwrap_err();
        assert!(error.is_invalid(), "{error}");
    }
}
