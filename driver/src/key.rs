//! Keys, and how they are spelled in the character set of NATS.
//!
//! A key is any text of up to [`MAX_BYTES`] bytes. It is read as tokens with dots between them,
//! which is what filters match on; tokens may be empty. The embedded store keeps keys as they are.
//! NATS takes `A-Z a-z 0-9 - _ / =` and single dots inside, so [`encode`] leaves these (but for
//! `=`) as they are, writes each other byte as `=` and two upper-case hex digits, and an empty
//! token as a lone `=`:
//!
//! | key | encoded |
//! |---|---|
//! | `g.42.seat` | `g.42.seat` |
//! | `user@example.com` | `user=40example.com` |
//! | `a..b` | `a.=.b` |
//!
//! Tokens are encoded one by one, so that wildcards match the encoded key exactly where they match
//! the key. Every key has one spelling and every spelling one key.

use std::borrow::Cow;

use crate::Error;

/// The longest key that any backend takes, in bytes of UTF-8.
///
/// A NATS client loses its connection over subjects beyond about 4,000 bytes; encoding makes three
/// bytes of one at worst.
pub const MAX_BYTES: usize = 1024;

/// Checks that `key` is short enough.
///
/// # Errors
/// [`Error::is_too_large`] above [`MAX_BYTES`].
pub fn check(key: &str) -> Result<(), Error> {
    if key.len() > MAX_BYTES {
        return Err(Error::too_large("key", MAX_BYTES, key.len()));
    }
    Ok(())
}

/// Returns `key` in the character set of NATS; borrowed when it is already in it.
pub fn encode(key: &str) -> Cow<'_, str> {
    if key.split('.').all(is_plain) {
        return Cow::Borrowed(key);
    }
    let mut encoded = String::with_capacity(key.len() + 16);
    for (index, token) in key.split('.').enumerate() {
        if index > 0 {
            encoded.push('.');
        }
        push_token(&mut encoded, token);
    }
    Cow::Owned(encoded)
}

/// Returns `token` as one token of a key or a subject: dots are escaped too, so that text from
/// outside stays in its place.
pub fn encode_token(token: &str) -> Cow<'_, str> {
    if is_plain(token) {
        return Cow::Borrowed(token);
    }
    let mut encoded = String::with_capacity(token.len() + 16);
    push_token(&mut encoded, token);
    Cow::Owned(encoded)
}

/// Returns the key that [`encode`] spells as `encoded`.
///
/// # Errors
/// [`Error::is_invalid`] for text that [`encode`] never makes; another program wrote it.
pub fn decode(encoded: &str) -> Result<String, Error> {
    let mut key = Vec::with_capacity(encoded.len());
    for (index, token) in encoded.split('.').enumerate() {
        if index > 0 {
            key.push(b'.');
        }
        pull_token(&mut key, token).ok_or_else(|| foreign(encoded))?;
    }
    String::from_utf8(key).map_err(|_| foreign(encoded))
}

fn foreign(encoded: &str) -> Error {
    Error::invalid(
        "encoded key",
        format!("{encoded:?} was not written by this encoding"),
    )
}

fn is_plain(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(is_plain_byte)
}

fn is_plain_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/')
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn push_token(encoded: &mut String, token: &str) {
    if token.is_empty() {
        encoded.push('=');
    }
    for byte in token.bytes() {
        if is_plain_byte(byte) {
            encoded.push(byte as char);
        } else {
            encoded.push('=');
            encoded.push(HEX[usize::from(byte >> 4)] as char);
            encoded.push(HEX[usize::from(byte & 15)] as char);
        }
    }
}

fn pull_token(key: &mut Vec<u8>, token: &str) -> Option<()> {
    if token == "=" {
        return Some(());
    }
    if token.is_empty() {
        return None;
    }
    let mut bytes = token.bytes();
    while let Some(byte) = bytes.next() {
        let plain = match byte {
            b'=' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            byte if is_plain_byte(byte) => {
                key.push(byte);
                continue;
            }
            _ => return None,
        };
        // An escape that was not needed would give one key two spellings, and an escaped dot is no
        // dot between tokens.
        if is_plain_byte(plain) || plain == b'.' {
            return None;
        }
        key.push(plain);
    }
    Some(())
}

fn hex(digit: u8) -> Option<u8> {
    HEX.iter()
        .position(|&known| known == digit)
        .map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check_pair(key: &str, encoded: &str) {
        assert_eq!(encode(key), encoded);
        assert_eq!(decode(encoded).unwrap(), key);
    }

    #[test]
    fn plain_keys_stay_readable() {
        check_pair("g.42.seat", "g.42.seat");
        check_pair("A-b_c/d", "A-b_c/d");
        assert!(matches!(encode("g.42"), Cow::Borrowed(_)));
    }

    #[test]
    fn other_bytes_and_empty_tokens_are_escaped() {
        check_pair("a=b", "a=3Db");
        check_pair("user@example.com", "user=40example.com");
        check_pair("", "=");
        check_pair(".", "=.=");
        check_pair("a..b", "a.=.b");
        check_pair("*.>", "=2A.=3E");
        check_pair("ü", "=C3=BC");
    }

    #[test]
    fn a_token_keeps_its_dots_inside() {
        assert_eq!(encode_token("a.b"), "a=2Eb");
    }

    #[test]
    fn foreign_spellings_are_refused() {
        for foreign in ["d=e", "=41", "a.", "", "a b", "=3d", "=C3", "x=", "=2E"] {
            assert!(decode(foreign).unwrap_err().is_invalid(), "{foreign}");
        }
    }

    proptest! {
        #[test]
        fn every_key_comes_back(key in any::<String>()) {
            let encoded = encode(&key);
            prop_assert_eq!(decode(&encoded).unwrap(), key);
        }

        #[test]
        fn the_encoding_is_in_the_character_set_of_nats(key in any::<String>()) {
            let encoded = encode(&key);
            let legal = |c: char| c.is_ascii_alphanumeric() || "-_/=.".contains(c);
            prop_assert!(encoded.chars().all(legal));
            prop_assert!(encoded.split('.').all(|token| !token.is_empty()));
        }

        #[test]
        fn what_decodes_encodes_back(text in "[A-F0-9a.=_-]{0,12}") {
            if let Ok(key) = decode(&text) {
                prop_assert_eq!(encode(&key), text);
            }
        }
    }
}
