//! Percent-encoding, read and written.

/// Stands for `/` between the segments of a decoded path, where a `/` is one that was escaped. No UTF-8 text holds this byte.
pub(crate) const SEPARATOR: u8 = 0xFF;

/// Text that is no percent-encoded UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadEncoding;

/// Decodes a path, segment by segment, with [`SEPARATOR`] in place of the slashes that separate.
pub(crate) fn decode_path(path: &str, out: &mut Vec<u8>) -> Result<(), BadEncoding> {
    for (i, segment) in path.split('/').enumerate() {
        if i > 0 {
            out.push(SEPARATOR);
        }
        let start = out.len();
        decode(segment, false, out)?;
        std::str::from_utf8(&out[start..]).map_err(|_| BadEncoding)?;
    }
    Ok(())
}

/// Decodes the name or value of a query parameter, in which `+` is a space.
pub(crate) fn decode_query(text: &str) -> Result<String, BadEncoding> {
    let mut out = Vec::with_capacity(text.len());
    decode(text, true, &mut out)?;
    String::from_utf8(out).map_err(|_| BadEncoding)
}

/// True if decoding as a query parameter would change `text`.
pub(crate) fn is_escaped_query(text: &str) -> bool {
    text.bytes().any(|b| matches!(b, b'%' | b'+'))
}

fn decode(text: &str, plus_is_space: bool, out: &mut Vec<u8>) -> Result<(), BadEncoding> {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => match (bytes.next().and_then(hex), bytes.next().and_then(hex)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(BadEncoding),
            },
            b'+' if plus_is_space => b' ',
            _ => byte,
        });
    }
    Ok(())
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

    #[test]
    fn escaped_slashes_do_not_separate() {
        let mut out = Vec::new();
        decode_path("/a%2Fb/c%c3%a9", &mut out).unwrap();
        assert_eq!(out, b"\xFFa/b\xFFc\xC3\xA9");
    }

    #[test]
    fn broken_escapes_are_refused() {
        for path in ["/%", "/%2", "/%zz", "/%+1", "/%ff", "/%C3/%A9"] {
            assert_eq!(
                decode_path(path, &mut Vec::new()),
                Err(BadEncoding),
                "{path}"
            );
        }
    }

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        let text = "a b+c/d%&=?#é\\\"'<>\u{0}..";
        let (mut query, mut segment, mut path) = (String::new(), String::new(), Vec::new());
        encode_query(text, &mut query);
        assert_eq!(decode_query(&query).unwrap(), text);
        encode_segment(text, &mut segment);
        decode_path(&segment, &mut path).unwrap();
        assert_eq!(path, text.as_bytes());
    }
}
