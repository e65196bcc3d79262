//! What a client proves its session with, and what the store keeps in its place.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Random bytes of the part that stays the same as long as the session lives: 120 bits, so that no two ever meet.
const NAME_BYTES: usize = 15;
/// Random bytes of the secret part: 264 bits, three quarters of a whole number of characters.
const SECRET_BYTES: usize = 33;
/// Characters of the name; both parts fill their characters, so a token splits without a separator.
const NAME_CHARS: usize = NAME_BYTES / 3 * 4;
const TOKEN_CHARS: usize = (NAME_BYTES + SECRET_BYTES) / 3 * 4;
/// Characters of a SHA-256 in base64url without padding.
const DIGEST_CHARS: usize = 43;

/// The value of a session's cookie: 48 random bytes in base64url.
///
/// Its first characters name the session; the rest is a secret that [`Token::renewed`] replaces. The store holds a
/// hash of the name as key and a hash of the whole token inside, so nothing of a token can be read from it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Token([u8; TOKEN_CHARS]);

impl Token {
    /// Makes the token of a new session.
    pub(super) fn random() -> Result<Self> {
        Ok(Self(encode(&random::<{ NAME_BYTES + SECRET_BYTES }>()?)))
    }

    /// Returns a token of the same session with another secret.
    pub(super) fn renewed(mut self) -> Result<Self> {
        let secret: [u8; TOKEN_CHARS - NAME_CHARS] = encode(&random::<SECRET_BYTES>()?);
        self.0[NAME_CHARS..].copy_from_slice(&secret);
        Ok(self)
    }

    /// Reads what a client sent; anything that [`Token::random`] can't have made is none.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let token: [u8; TOKEN_CHARS] = bytes.try_into().ok()?;
        is_base64url(&token).then_some(Self(token))
    }

    /// Returns the id of the session.
    pub(super) fn id(&self) -> SessionId {
        SessionId(Digest::of(&self.0[..NAME_CHARS]))
    }

    /// Returns what the store keeps to recognise the token.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }

    /// Returns the text for the cookie: the only way by which a token leaves the process.
    pub(super) fn secret(&self) -> &str {
        std::str::from_utf8(&self.0).expect("base64url is ASCII")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// A SHA-256 in base64url.
///
/// Two are compared in plain: how long that takes tells something about a hash, and a hash leads back to no token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Digest([u8; DIGEST_CHARS]);

impl Digest {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(encode(&Sha256::digest(bytes)))
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("base64url is ASCII")
    }

    fn parse(text: &str) -> Option<Self> {
        let digest: [u8; DIGEST_CHARS] = text.as_bytes().try_into().ok()?;
        is_base64url(&digest).then_some(Self(digest))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a hash in base64url"))
    }
}

/// The public id of a session, the same from its first answer to its end.
///
/// It is a hash and no secret: it may stand in a page, a path and a log. Nobody gets into a session by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct SessionId(Digest);

impl SessionId {
    /// Returns the id as text of letters, digits, `-` and `_`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for SessionId {
    type Err = Error;

    /// Reads an id back, as from the path of a request that revokes a session.
    ///
    /// # Errors
    /// 404: no session ever had such an id.
    fn from_str(text: &str) -> Result<Self> {
        Digest::parse(text).map(Self).ok_or_else(Error::not_found)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Returns bytes from the system's source of randomness.
pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

fn is_base64url(text: &[u8]) -> bool {
    text.iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Writes bytes as base64url without padding (RFC 4648 §5); `N` is the number of characters that they fill.
fn encode<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut text = [0; N];
    for (bytes, text) in bytes.chunks(3).zip(text.chunks_mut(4)) {
        let group = bytes
            .iter()
            .fold(0, |group, byte| group << 8 | u32::from(*byte))
            << (8 * (3 - bytes.len()));
        for (character, shift) in text.iter_mut().zip([18, 12, 6, 0]) {
            *character = ALPHABET[(group >> shift) as usize & 63];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_is_base64url_without_padding() {
        // The test vectors of RFC 4648 §10, and one that needs the two characters in which base64url differs.
        assert_eq!(&encode::<2>(b"f"), b"Zg");
        assert_eq!(&encode::<3>(b"fo"), b"Zm8");
        assert_eq!(&encode::<4>(b"foo"), b"Zm9v");
        assert_eq!(&encode::<8>(b"foobar"), b"Zm9vYmFy");
        assert_eq!(&encode::<4>(&[0xfb, 0xff, 0xbf]), b"-_-_");
    }

    #[test]
    fn digest_is_sha_256() {
        // The digest of the empty string, FIPS 180-4.
        assert_eq!(
            Digest::of(b"").as_str(),
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
        );
    }

    #[test]
    fn renewed_token_keeps_the_id_and_nothing_else() {
        let old = Token::random().expect("randomness");
        let new = old.renewed().expect("randomness");
        assert_eq!(new.id(), old.id());
        assert_ne!(new.digest(), old.digest());
        let same = old
            .0
            .iter()
            .zip(&new.0)
            .skip(NAME_CHARS)
            .filter(|(a, b)| a == b)
            .count();
        assert!(same < 16, "{same} of 44 characters are the same");
    }

    #[test]
    fn token_reads_back_and_garbage_is_none() {
        let token = Token::random().expect("randomness");
        assert!(Token::parse(token.secret().as_bytes()) == Some(token));
        let secret = token.secret();
        for garbage in [
            "",
            "x",
            &secret[1..],
            &format!("{secret}="),
            &format!("{}+", &secret[1..]),
            &format!("{}é", &secret[2..]),
        ] {
            assert!(Token::parse(garbage.as_bytes()).is_none(), "{garbage}");
        }
    }

    #[test]
    fn nothing_of_a_token_shows_in_its_id_or_its_debug_form() {
        let token = Token::random().expect("randomness");
        assert_eq!(format!("{token:?}"), "Token(..)");
        let id = token.id().to_string();
        assert!(!id.contains(&token.secret()[..NAME_CHARS]));
        assert_eq!(id.parse::<SessionId>().expect("an id"), token.id());
        assert_eq!(
            "../x".parse::<SessionId>().expect_err("no id").status(),
            404
        );
    }
}
