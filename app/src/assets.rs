//! Static files, in the binary, under URLs that name their content.

use std::collections::HashMap;
use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderValue, header};
use sha2::{Digest as _, Sha256};

use crate::body::Body;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::response::Response;

/// Where assets are served. A dash keeps them out of the way of an application's own words.
pub(crate) const PREFIX: &str = "/-/";

/// A file that pages load: a style sheet, a script, an icon.
///
/// ```
/// use pleach::Asset;
/// let style = Asset::new("game.css", b"body { margin: 0 }");
/// ```
#[derive(Clone, Debug)]
pub struct Asset {
    path: &'static str,
    content: &'static [u8],
}

impl Asset {
    /// Names a file that is in the binary, as by [`include_bytes!`].
    #[must_use]
    pub const fn new(path: &'static str, content: &'static [u8]) -> Self {
        Self { path, content }
    }
}

/// All assets of an application. Later ones replace earlier ones of the same path.
#[derive(Default)]
pub(crate) struct Assets {
    by_path: HashMap<&'static str, Served>,
}

struct Served {
    url: String,
    tag: HeaderValue,
    content: Bytes,
    content_type: &'static str,
}

impl Assets {
    pub(crate) fn new(assets: impl IntoIterator<Item = Asset>) -> Self {
        let served = |asset: Asset| {
            let tag = fingerprint(asset.content);
            let served = Served {
                url: format!("{PREFIX}{}?v={tag}", asset.path),
                tag: HeaderValue::from_str(&format!("\"{tag}\""))
                    .expect("hexadecimal digits are a header value"),
                content: Bytes::from_static(asset.content),
                content_type: content_type(asset.path),
            };
            (asset.path, served)
        };
        Self {
            by_path: assets.into_iter().map(served).collect(),
        }
    }

    /// Returns the URL of an asset, with the fingerprint of its content.
    pub(crate) fn url(&self, path: &str) -> Option<&str> {
        self.by_path.get(path).map(|asset| asset.url.as_str())
    }

    /// Answers a request for an asset.
    ///
    /// A URL with the fingerprint may be kept for ever; one without, or with that of an older build, is asked for again each time.
    pub(crate) fn serve(&self, cx: &Context, path: &str) -> Result<Response> {
        let asset = self.by_path.get(path).ok_or_else(Error::not_found)?;
        let is_exact = cx
            .uri()
            .query()
            .is_some_and(|query| asset.url.ends_with(&format!("?{query}")));
        let caching = if is_exact {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        let is_known = cx
            .headers()
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .any(|tag| names(tag, &asset.tag));
        let mut response = Response::new(if is_known {
            Body::empty()
        } else {
            Body::full(asset.content.clone())
        });
        if is_known {
            *response.status_mut() = http::StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(asset.content_type),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
        headers.insert(header::ETAG, asset.tag.clone());
        Ok(response)
    }
}

fn names(given: &HeaderValue, tag: &HeaderValue) -> bool {
    let tag = tag.to_str().expect("made of hexadecimal digits");
    given.to_str().is_ok_and(|given| {
        given
            .split(',')
            .map(str::trim)
            .any(|given| given == "*" || given.trim_start_matches("W/") == tag)
    })
}

/// Returns enough of the content's SHA-256 that two builds never share it: 64 bits, in hexadecimal.
fn fingerprint(content: &[u8]) -> String {
    Sha256::digest(content)[..8]
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        _ => "application/octet-stream",
    }
}
