//! What messages are addressed to.
//!
//! A subject is tokens with dots between them, as in NATS: `game.42.moves`. Unlike a key it is not
//! escaped: it is short, made by the program, and must look the same to every client of the broker.
//! Text from outside becomes a token of a subject through
//! [`key::encode_token`](crate::key::encode_token).

use crate::{Error, Filter};

/// The longest subject, in bytes.
pub(crate) const MAX_BYTES: usize = 1024;

/// Checks a subject that is published to: no wildcards.
pub(crate) fn check(subject: &str) -> Result<(), Error> {
    check_form(subject)?;
    if subject.split('.').any(|token| matches!(token, "*" | ">")) {
        return Err(Error::invalid(
            "subject",
            format!("{subject:?} has a wildcard, which only a subscription may have"),
        ));
    }
    Ok(())
}

/// Parses a subject that is subscribed to.
pub(crate) fn pattern(subject: &str) -> Result<Filter, Error> {
    check_form(subject)?;
    Filter::new(subject)
}

/// Returns true when a subject can match both patterns.
pub(crate) fn overlap(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.split('.'), other.split('.'));
    loop {
        match (one.next(), other.next()) {
            (Some(">"), Some(_)) | (Some(_), Some(">")) | (None, None) => return true,
            (Some(a), Some(b)) if a == b || a == "*" || b == "*" => {}
            _ => return false,
        }
    }
}

fn check_form(subject: &str) -> Result<(), Error> {
    if subject.len() > MAX_BYTES {
        return Err(Error::too_large("subject", MAX_BYTES, subject.len()));
    }
    if subject.split('.').any(str::is_empty) {
        return Err(Error::invalid(
            "subject",
            format!("{subject:?} has an empty token"),
        ));
    }
    if subject.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Error::invalid(
            "subject",
            format!("{subject:?} has a space or control character"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_subjects_are_refused() {
        for bad in ["", ".a", "a.", "a..b", "a b", "a\r\nPUB x 0", "a\u{0}"] {
            assert!(check(bad).unwrap_err().is_invalid(), "{bad:?}");
            assert!(pattern(bad).unwrap_err().is_invalid(), "{bad:?}");
        }
        assert!(
            check(&"x".repeat(MAX_BYTES + 1))
                .unwrap_err()
                .is_too_large()
        );
    }

    #[test]
    fn patterns_overlap_where_one_subject_matches_both() {
        for (one, other, expected) in [
            ("a.b", "a.b", true),
            ("a.b", "a.c", false),
            ("a.*", "*.b", true),
            ("a.*", "a.b.c", false),
            ("a.>", "a", false),
            ("a.>", "a.b.c", true),
            (">", "x", true),
            ("*.x", "a.y", false),
        ] {
            assert_eq!(overlap(one, other), expected, "{one} {other}");
            assert_eq!(overlap(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn only_subscriptions_have_wildcards() {
        assert!(check("a.*").unwrap_err().is_invalid());
        assert!(check("a.>").unwrap_err().is_invalid());
        assert!(pattern("a.*").unwrap().matches("a.b"));
    }
}
