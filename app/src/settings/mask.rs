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

/// Masks what stands before an `@` in the authority of a URL (of each host, where there are several), and secret parameters.
fn mask_urls(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let hosts: Vec<String> = authority.split(',').map(mask_host).collect();
    let (path, query) = tail.split_at(tail.find('?').unwrap_or(tail.len()));
    format!("{scheme}://{}{path}{}", hosts.join(","), mask_query(query))
}

/// A user alone may be a token, so it is masked too; the user of a user with a password is shown.
fn mask_host(host: &str) -> String {
    match host.rsplit_once('@') {
        Some((secret, host)) => match secret.split_once(':') {
            Some((user, _)) => format!("{user}:{MASK}@{host}"),
            None => format!("{MASK}@{host}"),
        },
        None => host.to_owned(),
    }
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
