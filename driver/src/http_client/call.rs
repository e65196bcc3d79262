//! A call on its way: tries, waits and redirects, within one deadline.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::debug;

use super::backend::Exchange;
use super::redirect::{self, Hop};
use super::retry::{self, Verdict};
use super::{HttpResponse, Inner};
use crate::Error;

pub(super) struct Call<'a> {
    pub(super) http: &'a Inner,
    pub(super) deadline: Duration,
    pub(super) max_body_bytes: usize,
    pub(super) redirects: u32,
    pub(super) retries: u32,
    pub(super) guarded: bool,
}

impl Call<'_> {
    pub(super) async fn run(&self, hop: Hop) -> Result<HttpResponse, Error> {
        let end = Instant::now() + self.deadline;
        match timeout_at(end, self.follow(hop, end)).await {
            Ok(result) => result,
            Err(_) => Err(Error::timeout("an HTTP call", self.deadline)),
        }
    }

    /// Follows redirects to the answer.
    async fn follow(&self, mut hop: Hop, end: Instant) -> Result<HttpResponse, Error> {
        let mut followed = 0;
        loop {
            let response = self.insist(&hop, end).await?;
            match redirect::location(response.status(), response.headers()) {
                Some(location) if self.redirects > 0 => {
                    if followed == self.redirects {
                        return Err(Error::refused(format!(
                            "more than {followed} redirects, the last one from {}",
                            hop.target
                        )));
                    }
                    followed += 1;
                    hop = hop.follow(response.status(), location)?;
                }
                _ => return Ok(HttpResponse::new(hop.method, hop.target, response)),
            }
        }
    }

    /// Tries one hop until there is an answer to go by.
    async fn insist(&self, hop: &Hop, end: Instant) -> Result<http::Response<Bytes>, Error> {
        let mut tried = 0;
        loop {
            let result = self.once(hop).await;
            tried += 1;
            let verdict = match &result {
                Ok(response) => {
                    retry::answered(response.status(), response.headers(), SystemTime::now())
                }
                Err(error) => retry::failed(error),
            };
            let Verdict::After(least) = verdict else {
                return result;
            };
            let wait = least.max(retry::backoff(tried, dice()));
            if tried > self.retries || Instant::now() + wait >= end {
                return result;
            }
            debug!(method = %hop.method, to = %hop.target, ?wait, tried, "an HTTP call is tried again");
            sleep(wait).await;
        }
    }

    async fn once(&self, hop: &Hop) -> Result<http::Response<Bytes>, Error> {
        if self.guarded {
            self.http.guard.check(&hop.target)?;
        }
        let mut request = http::Request::new(hop.body.clone());
        *request.method_mut() = hop.method.clone();
        *request.uri_mut() = hop.target.uri()?;
        *request.headers_mut() = hop.headers.clone();
        self.http
            .backend
            .exchange(Exchange {
                request,
                max_body_bytes: self.max_body_bytes,
                guarded: self.guarded,
            })
            .await
    }
}

/// A random number; without randomness waits are merely not spread.
fn dice() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX)
}

/// Encodes as Base64 (RFC 4648, section 4), with padding.
pub(super) fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::with_capacity(text.len().div_ceil(3) * 4);
    for chunk in text.as_bytes().chunks(3) {
        let bytes = [
            chunk[0],
            chunk.get(1).copied().unwrap_or(0),
            chunk.get(2).copied().unwrap_or(0),
        ];
        let bits = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
        for place in 0..4 {
            if place <= chunk.len() {
                let index = (bits >> (18 - 6 * place)) & 63;
                encoded.push(char::from(ALPHABET[index as usize]));
            } else {
                encoded.push('=');
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_its_rfc() {
        // Source: RFC 4648, section 10.
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
            ("a:\u{ff}?", "YTrDvz8="),
        ] {
            assert_eq!(base64(plain), encoded);
        }
    }
}
