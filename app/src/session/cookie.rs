//! The cookie that carries a token.

use http::{HeaderMap, HeaderValue, header};

use super::token::Token;
use crate::error::{Error, Result};

/// How the cookie of sessions is named and protected.
pub(super) struct CookieFormat {
    name: String,
    attributes: &'static str,
}

impl CookieFormat {
    /// Names the cookie. Where it is secure it gets the prefix `__Host-`, so that no other host, not even a
    /// subdomain, can plant one (RFC 6265bis §4.1.3.2).
    ///
    /// # Errors
    /// 500 for a name that is not a token (RFC 9110 §5.6.2): browsers would not send it back.
    pub(super) fn new(base_name: &str, is_secure: bool) -> Result<Self> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if base_name.is_empty() || !base_name.bytes().all(is_name) {
            return Err(Error::internal(format!(
                "{base_name:?} can't be the name of a cookie"
            )));
        }
        Ok(if is_secure {
            Self {
                name: format!("__Host-{base_name}"),
                attributes: "; HttpOnly; SameSite=Lax; Path=/; Secure",
            }
        } else {
            Self {
                name: base_name.to_owned(),
                attributes: "; HttpOnly; SameSite=Lax; Path=/",
            }
        })
    }

    /// Returns the first well-formed token among all cookies of that name. Everything else in the headers is
    /// skipped over: browsers send what other applications on the host have left there.
    pub(super) fn find(&self, request: &HeaderMap) -> Option<Token> {
        request
            .get_all(header::COOKIE)
            .iter()
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
            .find_map(|pair| {
                let (name, value) = pair.split_at(pair.iter().position(|byte| *byte == b'=')?);
                if name.trim_ascii() != self.name.as_bytes() {
                    return None;
                }
                Token::parse(unquoted(value[1..].trim_ascii()))
            })
    }

    /// Has the browser keep a token until it closes; how long it is worth anything, the store decides.
    pub(super) fn set(&self, response: &mut HeaderMap, token: &Token) -> Result<()> {
        self.append(response, token.secret(), "")
    }

    /// Has the browser forget its token.
    pub(super) fn clear(&self, response: &mut HeaderMap) -> Result<()> {
        self.append(response, "", "; Max-Age=0")
    }

    fn append(&self, response: &mut HeaderMap, value: &str, age: &str) -> Result<()> {
        let mut value =
            HeaderValue::try_from(format!("{}={value}{}{age}", self.name, self.attributes))?;
        value.set_sensitive(true);
        response.append(header::SET_COOKIE, value);
        Ok(())
    }
}

fn unquoted(value: &[u8]) -> &[u8] {
    value
        .strip_prefix(b"\"")
        .and_then(|value| value.strip_suffix(b"\""))
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> CookieFormat {
        CookieFormat::new("session", false).expect("a name")
    }

    fn secure() -> CookieFormat {
        CookieFormat::new("session", true).expect("a name")
    }

    fn headers(lines: &[Vec<u8>]) -> HeaderMap {
        lines
            .iter()
            .map(|line| {
                (
                    header::COOKIE,
                    HeaderValue::from_bytes(line).expect("a header"),
                )
            })
            .collect()
    }

    #[test]
    fn the_token_is_found_among_anything() {
        let token = Token::random().expect("randomness");
        let own = format!("session={}", token.secret()).into_bytes();
        let other =
            format!("session={}", Token::random().expect("randomness").secret()).into_bytes();
        let (before, after) = (b"a=b; c; ;=; \t".to_vec(), b" ; b=\"x;y\"".to_vec());
        let cases = [
            vec![own.clone()],
            vec![format!("session=\"{}\"", token.secret()).into_bytes()],
            vec![format!("session = {}", token.secret()).into_bytes()],
            vec![[before, own.clone(), after].concat()],
            vec![b"a=b; c".to_vec(), own.clone()],
            vec![
                b"session=; session=garbage; Session=x".to_vec(),
                own.clone(),
            ],
            vec![b"session".to_vec(), b"\xff\xfe=\xff".to_vec(), own.clone()],
            vec![own, other],
        ];
        for case in cases {
            assert!(plain().find(&headers(&case)) == Some(token), "{case:?}");
        }
    }

    #[test]
    fn what_no_token_can_be_is_not_found() {
        let token = Token::random().expect("randomness");
        let token = token.secret();
        let cases = [
            "session=%00",
            &format!("xsession={token}"),
            &format!("session={token}x"),
            &format!("__Host-session={token}"),
        ];
        for case in cases {
            assert!(plain().find(&headers(&[case.into()])).is_none(), "{case}");
        }
        assert!(plain().find(&HeaderMap::new()).is_none());
    }

    #[test]
    fn a_secure_site_takes_the_prefixed_cookie_only() {
        let token = Token::random().expect("randomness");
        let secure = secure();
        assert!(
            secure
                .find(&headers(&[format!("session={}", token.secret()).into()]))
                .is_none()
        );
        assert!(
            secure.find(&headers(&[
                format!("__Host-session={}", token.secret()).into()
            ])) == Some(token)
        );
    }

    #[test]
    fn attributes_are_those_of_the_contract() {
        let token = Token::random().expect("randomness");
        let mut response = HeaderMap::new();
        secure().set(&mut response, &token).expect("a header");
        plain().set(&mut response, &token).expect("a header");
        plain().clear(&mut response).expect("a header");
        let sent: Vec<_> = response
            .get_all(header::SET_COOKIE)
            .iter()
            .map(|value| value.to_str().expect("text").to_owned())
            .collect();
        assert_eq!(
            sent,
            [
                format!(
                    "__Host-session={}; HttpOnly; SameSite=Lax; Path=/; Secure",
                    token.secret()
                ),
                format!("session={}; HttpOnly; SameSite=Lax; Path=/", token.secret()),
                "session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0".to_owned(),
            ]
        );
        assert!(!format!("{response:?}").contains(token.secret()));
    }

    #[test]
    fn a_name_that_browsers_would_not_take_is_refused() {
        for name in ["", "a b", "a=b", "a;b", "sitzung\u{e4}"] {
            assert!(CookieFormat::new(name, false).is_err(), "{name}");
        }
    }
}
