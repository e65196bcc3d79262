//! Hides secrets in what is shown.

use super::option::Row;

const MASK: &str = "***";

/// Parameters of a URL's query whose value is a secret.
const SECRET_PARAMETERS: [&str; 6] = ["password", "pass", "token", "secret", "key", "nkey"];

/// Returns a value as it may be shown: secrets are masked, and control characters escaped, so that it stays on its line.
pub(super) fn masked(row: &Row, text: &str) -> String {
    let shown = if row.is_secret() && !text.is_empty() {
        MASK.to_owned()
    } else {
        mask_urls(text)
    };
    shown
        .chars()
        .flat_map(|char| {
            if char.is_control() {
                char.escape_default().collect::<Vec<_>>()
            } else {
                vec![char]
            }
        })
        .collect()
}

/// Masks what stands before an `@`, and secret parameters.
///
/// A password may hold anything, also what ends one in a well-formed URL, so everything up to the last `@` counts as secret: that shows
/// too little of odd values, never too much. A name alone may be a token; the name before a password is shown.
fn mask_urls(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let (place, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    let place = match place.rsplit_once('@') {
        Some((secret, place)) => match secret.split_once(':') {
            Some((user, _)) => format!("{user}:{MASK}@{place}"),
            None => format!("{MASK}@{place}"),
        },
        None => place.to_owned(),
    };
    format!("{scheme}://{place}{}", mask_query(query))
}

fn mask_query(query: &str) -> String {
    let Some(query) = query.strip_prefix('?') else {
        return query.to_owned();
    };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if SECRET_PARAMETERS.contains(&name.to_ascii_lowercase().as_str()) => {
            format!("{name}={MASK}")
        }
        _ => pair.to_owned(),
    });
    format!("?{}", pairs.collect::<Vec<_>>().join("&"))
}
