//! When a call is tried again, and how long after.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, Method, StatusCode, header};

use crate::Error;

/// The wait before the second try; it doubles with each further one.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(2);
/// How long a server may make us wait by `Retry-After`.
const PATIENCE: Duration = Duration::from_secs(30);

/// Methods whose repeat does what the first did. Source: RFC 9110, section 9.2.2.
pub(super) fn is_idempotent(method: &Method) -> bool {
    [
        Method::GET,
        Method::HEAD,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
    ]
    .contains(method)
}

/// What to do about an answer or failure.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is what the caller gets.
    Final,
    /// Once more, after this time at least.
    After(Duration),
}

/// Judges an answer. Only statuses that say "later" are tried again.
pub(super) fn answered(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Verdict {
    let later = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ];
    if !later.contains(&status) {
        return Verdict::Final;
    }
    match headers.get(header::RETRY_AFTER) {
        None => Verdict::After(Duration::ZERO),
        Some(value) => match value.to_str().ok().and_then(|text| retry_after(text, now)) {
            Some(wait) if wait <= PATIENCE => Verdict::After(wait),
            Some(_) => Verdict::Final,
            None => Verdict::After(Duration::ZERO),
        },
    }
}

/// Judges a failure.
pub(super) fn failed(error: &Error) -> Verdict {
    if error.is_unavailable() || error.is_timeout() {
        Verdict::After(Duration::ZERO)
    } else {
        Verdict::Final
    }
}

/// Reads `Retry-After`: seconds, or a date. Source: RFC 9110, section 10.2.3.
fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// Returns the wait after try number `tried` (from 1): doubled each time, and spread by `dice` over its upper half, so that callers
/// which failed together do not come back together.
pub(super) fn backoff(tried: u32, dice: u32) -> Duration {
    let whole = FIRST
        .saturating_mul(
            1_u32
                .checked_shl(tried.saturating_sub(1))
                .unwrap_or(u32::MAX),
        )
        .min(LONGEST);
    let half = whole / 2;
    half + half.mul_f64(f64::from(dice) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, retry_after: Option<&str>, expected: Verdict) {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
        }
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777 - 5);
        assert_eq!(
            answered(StatusCode::from_u16(status).unwrap(), &headers, now),
            expected,
            "{status} {retry_after:?}"
        );
    }

    #[test]
    fn only_later_is_tried_again() {
        for status in [200, 204, 301, 400, 404, 408, 409, 500, 501] {
            check(status, Some("1"), Verdict::Final);
        }
        for status in [429, 502, 503, 504] {
            check(status, None, Verdict::After(Duration::ZERO));
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_bounded() {
        check(503, Some("7"), Verdict::After(Duration::from_secs(7)));
        check(
            503,
            Some("Sun, 06 Nov 1994 08:49:37 GMT"),
            Verdict::After(Duration::from_secs(5)),
        );
        check(
            503,
            Some("Sun, 06 Nov 1994 08:49:30 GMT"),
            Verdict::After(Duration::ZERO),
        );
        check(503, Some("soon"), Verdict::After(Duration::ZERO));
        check(503, Some("-1"), Verdict::After(Duration::ZERO));
        check(503, Some("31"), Verdict::Final);
        check(503, Some("18446744073709551615"), Verdict::Final);
    }

    #[test]
    fn waits_double_up_to_a_limit_and_are_spread() {
        let millis = |tried, dice| backoff(tried, dice).as_millis();
        assert_eq!((millis(1, 0), millis(1, u32::MAX)), (50, 100));
        assert_eq!((millis(3, 0), millis(3, u32::MAX)), (200, 400));
        assert_eq!((millis(50, 0), millis(50, u32::MAX)), (1000, 2000));
    }
}
