//! Typed arguments of handlers.

use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

use http::{StatusCode, header};
use pleach_router::TypedRoute;
use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::endpoint::Need;
use crate::error::{Error, Result};
use crate::face;
use crate::response::Json;

/// A value that is taken from a request, as an argument of a handler after the [`Context`].
///
/// A typed route ([`route!`](crate::route)) is one too: it holds the route's variables.
pub trait FromContext: Sized {
    /// Takes the value.
    ///
    /// # Errors
    /// A 4xx that says what is wrong with the request.
    fn from_context(cx: &Context) -> impl Future<Output = Result<Self>> + Send;

    /// Adds the states that must be there, for the check at start-up.
    fn needs(needs: &mut Vec<Need>) {
        let _ = needs;
    }
}

/// A variable that is not of the field's type names nothing: 404, as if the template itself had refused it.
impl<R: TypedRoute + Send> FromContext for R {
    async fn from_context(cx: &Context) -> Result<Self> {
        R::from_vars(&|name| cx.var(name)).map_err(|error| Error::not_found().because(error))
    }
}

/// State of the application: what [`Builder::state`](crate::Builder::state) gave it, shared by all requests.
///
/// ```
/// # use pleach::{Context, State};
/// struct Scores { best: u32 }
///
/// async fn best(cx: Context, scores: State<Scores>) -> String {
///     scores.best.to_string()
/// }
/// ```
#[derive(Debug)]
pub struct State<T>(pub Arc<T>);

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Send + Sync + 'static> FromContext for State<T> {
    async fn from_context(cx: &Context) -> Result<Self> {
        cx.app()
            .state::<T>()
            .map(State)
            .ok_or_else(Error::unavailable)
    }

    fn needs(needs: &mut Vec<Need>) {
        needs.push(Need::state::<T>());
    }
}

/// The query of the URL.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send> FromContext for Query<T> {
    async fn from_context(cx: &Context) -> Result<Self> {
        let query = cx.uri().query().unwrap_or_default();
        serde_html_form::from_str(query)
            .map(Query)
            .map_err(|error| malformed("query", error))
    }
}

/// The fields of a form that the body holds as `application/x-www-form-urlencoded`.
#[derive(Clone, Copy, Debug)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned + Send> FromContext for Form<T> {
    async fn from_context(cx: &Context) -> Result<Self> {
        let body = cx.body().await?;
        if !body.is_empty() && !has_form(cx) {
            return Err(unsupported());
        }
        from_form(&body).map(Form)
    }
}

impl<T: DeserializeOwned + Send> FromContext for Json<T> {
    async fn from_context(cx: &Context) -> Result<Self> {
        let body = cx.body().await?;
        if !has_json(cx) {
            return Err(unsupported());
        }
        from_json(&body).map(Json)
    }
}

/// The fields of the request, whichever way it carries them: a form, JSON, or the signals of a live request.
///
/// A body without bytes has no fields. Any other content type is refused with 415, what can't be parsed with 400.
#[derive(Clone, Copy, Debug)]
pub struct Input<T>(pub T);

impl<T: DeserializeOwned + Send> FromContext for Input<T> {
    async fn from_context(cx: &Context) -> Result<Self> {
        let body = cx.body().await?;
        if body.is_empty() {
            from_json(b"{}").map(Input)
        } else if has_json(cx) {
            from_json(&body).map(Input)
        } else if has_form(cx) {
            from_form(&body).map(Input)
        } else {
            Err(unsupported())
        }
    }
}

fn has_json(cx: &Context) -> bool {
    cx.headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| face::is_json(value.as_bytes()))
}

fn has_form(cx: &Context) -> bool {
    let form = b"application/x-www-form-urlencoded";
    cx.headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| face::essence(value.as_bytes()).eq_ignore_ascii_case(form))
}

fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| malformed("body", error))
}

fn from_form<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_html_form::from_bytes(body).map_err(|error| malformed("form", error))
}

fn malformed(what: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::malformed(format!("The {what} can't be read: {error}.")).because(error)
}

fn unsupported() -> Error {
    Error::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "malformed",
        "This takes JSON or a form, with the content type to match.",
    )
}
