//! Percent-encoding, read and written.

/// Stands for `/` between the segments of a decoded path, where a `/` is one that was escaped. No UTF-8 text holds this byte.
pub(crate) const SEPARATOR: u8 = 0xFF;

/// Text that is no percent-encoded UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadEncoding;

/// Decodes a path, segment by segment, with [`SEPARATOR`] in place of the slashes that separate, into the beginning of `out`, which is at
/// least as long as `path`. Returns how many bytes it is.
pub(crate) fn decode_path(path: &str, out: &mut [u8]) -> Result<usize, BadEncoding> {
    let mut len = 0;
    for (i, segment) in path.split('/').enumerate() {
        if i > 0 {
            out[len] = SEPARATOR;
            len += 1;
        }
        let start = len;
        for byte in decode(segment, false) {
            out[len] = byte?;
            len += 1;
        }
        std::str::from_utf8(&out[start..len]).map_err(|_| BadEncoding)?;
    }
    Ok(len)
}

/// Decodes the name or value of a query parameter, in which `+` is a space.
pub(crate) fn decode_query(text: &str) -> Result<String, BadEncoding> {
    let bytes: Result<Vec<u8>, BadEncoding> = decode(text, true).collect();
    String::from_utf8(bytes?).map_err(|_| BadEncoding)
}

/// True if decoding as a query parameter would change `text`.
pub(crate) fn is_escaped_query(text: &str) -> bool {
    text.bytes().any(|b| matches!(b, b'%' | b'+'))
}

fn decode(text: &str, plus_is_space: bool) -> impl Iterator<Item = Result<u8, BadEncoding>> {
    let mut bytes = text.bytes();
    std::iter::from_fn(move || {
        Some(match bytes.next()? {
            b'%' => match (bytes.next().and_then(hex), bytes.next().and_then(hex)) {
                (Some(high), Some(low)) => Ok(high << 4 | low),
                _ => Err(BadEncoding),
            },
            b'+' if plus_is_space => Ok(b' '),
            byte => Ok(byte),
        })
    })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// Escapes one path segment. What stays as it is, is allowed there by RFC 3986 and harmless in HTML attributes.
pub(crate) fn encode_segment(text: &str, out: &mut String) {
    encode(text, b"-._~:@!$,;=+*()", out);
}

/// Escapes the rest of a path, in which slashes separate.
pub(crate) fn encode_rest(text: &str, out: &mut String) {
    encode(text, b"-._~:@!$,;=+*()/", out);
}

/// Escapes the name or value of a query parameter.
pub(crate) fn encode_query(text: &str, out: &mut String) {
    encode(text, b"-._~:@!$,;*()/", out);
}

fn encode(text: &str, keep: &[u8], out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || keep.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend([
                '%',
                char::from(HEX[usize::from(byte >> 4)]),
                char::from(HEX[usize::from(byte & 15)]),
            ]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(path: &str) -> Result<Vec<u8>, BadEncoding> {
        let mut out = vec![0; path.len()];
        let len = decode_path(path, &mut out)?;
        out.truncate(len);
        Ok(out)
    }

    #[test]
    fn escaped_slashes_do_not_separate() {
        assert_eq!(decoded("/a%2Fb/c%c3%a9").unwrap(), b"\xFFa/b\xFFc\xC3\xA9");
    }

    #[test]
    fn broken_escapes_are_refused() {
        for path in ["/%", "/%2", "/%zz", "/%+1", "/%ff", "/%C3/%A9"] {
            assert_eq!(decoded(path), Err(BadEncoding), "{path}");
        }
    }

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        let text = "a b+c/d%&=?#é\\\"'<>\u{0}..";
        let (mut query, mut segment) = (String::new(), String::new());
        encode_query(text, &mut query);
        assert_eq!(decode_query(&query).unwrap(), text);
        encode_segment(text, &mut segment);
        assert_eq!(decoded(&segment).unwrap(), text.as_bytes());
    }
}
