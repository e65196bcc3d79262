//! What a live request sends along: the page's signals, or a form.

use super::error::{Error, Kind};
use http::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What came with a live request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// Neither signals nor a form.
    Nothing,
    /// The signals of the page.
    Signals(Signals),
    /// The fields of a form, decoded, in their order.
    Form(Vec<(String, String)>),
}

/// The signals of a page as it sent them: the text of a JSON object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signals {
    json: String,
}

impl Signals {
    /// Returns the signals as JSON.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Reads the signals into a type of one's own.
    ///
    /// # Errors
    /// [`Error::is_malformed`] when a signal is missing or of the wrong type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.json).map_err(|error| {
            Error::because(
                Kind::Json("a signal is missing or of the wrong type"),
                error,
            )
        })
    }
}

/// Reads what a live request sends along.
///
/// `GET` and `DELETE` carry signals as JSON in the query parameter `datastar`, or a form as the query itself; other methods
/// carry JSON or a form as their body. `query` is the raw query without its `?`; `content_type` the header's value.
///
/// # Errors
/// [`Error::is_malformed`] when the JSON is broken or not an object; [`Error::is_unsupported_media_type`] when a body is
/// there and is neither JSON nor an urlencoded form.
pub fn signals_from(
    method: &Method,
    query: Option<&str>,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Sent, Error> {
    if matches!(*method, Method::GET | Method::HEAD | Method::DELETE) {
        return from_query(query.unwrap_or_default());
    }
    match content_type.map(essence) {
        None if body.is_empty() => Ok(Sent::Nothing),
        // The Datastar client sends its type with everything; a body without one is given the benefit of the doubt.
        None => from_json(body),
        Some(kind) if kind.eq_ignore_ascii_case("application/json") => from_json(body),
        Some(kind) if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") => {
            Ok(Sent::Form(fields(body)))
        }
        Some(_) if body.is_empty() => Ok(Sent::Nothing),
        Some(_) => Err(Error::new(Kind::MediaType)),
    }
}

fn from_query(query: &str) -> Result<Sent, Error> {
    if query.is_empty() {
        return Ok(Sent::Nothing);
    }
    let fields = fields(query.as_bytes());
    match fields.iter().find(|(name, _)| name == "datastar") {
        Some((_, json)) => from_json(json.as_bytes()),
        None => Ok(Sent::Form(fields)),
    }
}

fn from_json(json: &[u8]) -> Result<Sent, Error> {
    let json =
        str::from_utf8(json).map_err(|error| Error::because(Kind::Json("not UTF-8"), error))?;
    match serde_json::from_str(json) {
        Ok(Value::Object(_)) => Ok(Sent::Signals(Signals {
            json: json.to_owned(),
        })),
        Ok(_) => Err(Error::new(Kind::Json("not an object"))),
        Err(error) => Err(Error::because(Kind::Json("not JSON"), error)),
    }
}

fn fields(urlencoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(urlencoded).into_owned().collect()
}

/// The type without its parameters: `application/json; charset=utf-8` is `application/json`.
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}
