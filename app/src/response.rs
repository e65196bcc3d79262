//! What a handler may return.

use std::borrow::Cow;
use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::body::Body;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::security;

/// A response on its way to the client.
pub type Response = http::Response<Body>;

/// A value that becomes a response to the request at hand.
///
/// Implemented for text, bytes, JSON, statuses, tuples with a status, [`Response`], `Option` (`None` is 404), and
/// `Result` of any of them, so that a handler may end in any of these.
pub trait IntoResponse {
    /// Makes the response.
    ///
    /// # Errors
    /// Whatever keeps the value from becoming a response; it is answered like any error of a handler.
    fn into_response(self, cx: &Context) -> Result<Response>;
}

static TEXT: LazyLock<HeaderMap> =
    LazyLock::new(|| security::prepared("text/plain; charset=utf-8"));
static JSON: LazyLock<HeaderMap> = LazyLock::new(|| security::prepared("application/json"));
static BYTES: LazyLock<HeaderMap> =
    LazyLock::new(|| security::prepared("application/octet-stream"));

fn prepared(headers: &HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.headers_mut() = headers.clone();
    response
}

impl IntoResponse for Response {
    fn into_response(self, _: &Context) -> Result<Response> {
        Ok(self)
    }
}

impl IntoResponse for () {
    fn into_response(self, _: &Context) -> Result<Response> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        Ok(response)
    }
}

impl IntoResponse for StatusCode {
    fn into_response(self, _: &Context) -> Result<Response> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self;
        Ok(response)
    }
}

impl IntoResponse for Body {
    fn into_response(self, _: &Context) -> Result<Response> {
        Ok(Response::new(self))
    }
}

macro_rules! plain_text {
    ($($text:ty),*) => {$(
        impl IntoResponse for $text {
            fn into_response(self, _: &Context) -> Result<Response> {
                Ok(prepared(&TEXT, Body::from(self)))
            }
        }
    )*};
}
plain_text!(&'static str, String);

impl IntoResponse for Cow<'static, str> {
    fn into_response(self, cx: &Context) -> Result<Response> {
        match self {
            Cow::Borrowed(text) => text.into_response(cx),
            Cow::Owned(text) => text.into_response(cx),
        }
    }
}

macro_rules! plain_bytes {
    ($($bytes:ty),*) => {$(
        impl IntoResponse for $bytes {
            fn into_response(self, _: &Context) -> Result<Response> {
                Ok(prepared(&BYTES, Body::from(self)))
            }
        }
    )*};
}
plain_bytes!(Bytes, Vec<u8>);

impl<T: IntoResponse> IntoResponse for Option<T> {
    fn into_response(self, cx: &Context) -> Result<Response> {
        self.ok_or_else(Error::not_found)?.into_response(cx)
    }
}

impl<T: IntoResponse, E: Into<Error>> IntoResponse for std::result::Result<T, E> {
    fn into_response(self, cx: &Context) -> Result<Response> {
        self.map_err(Into::into)?.into_response(cx)
    }
}

impl<T: IntoResponse> IntoResponse for (StatusCode, T) {
    fn into_response(self, cx: &Context) -> Result<Response> {
        let mut response = self.1.into_response(cx)?;
        *response.status_mut() = self.0;
        Ok(response)
    }
}

impl<T: IntoResponse> IntoResponse for ([(HeaderName, HeaderValue); 1], T) {
    fn into_response(self, cx: &Context) -> Result<Response> {
        let mut response = self.1.into_response(cx)?;
        response
            .headers_mut()
            .extend(self.0.map(|(name, value)| (Some(name), value)));
        Ok(response)
    }
}

/// A page of HTML that is ready to send. Pages from templates are made by [`Context::view`].
#[derive(Clone, Debug)]
pub struct Html<T>(pub T);

impl<T: Into<Body>> IntoResponse for Html<T> {
    fn into_response(self, _: &Context) -> Result<Response> {
        let mut response = Response::new(self.0.into());
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, html);
        Ok(response)
    }
}

/// JSON: as an argument of a handler the request's body, as an answer `application/json`.
///
/// As an argument it refuses another content type with 415, and a body that is not JSON of that shape with 400.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self, _: &Context) -> Result<Response> {
        let bytes = serde_json::to_vec(&self.0).map_err(Error::internal)?;
        Ok(prepared(&JSON, Body::from(bytes)))
    }
}

/// `303 See Other`: the answer to a form that was accepted.
#[derive(Clone, Debug)]
pub struct SeeOther(pub String);

impl IntoResponse for SeeOther {
    fn into_response(self, _: &Context) -> Result<Response> {
        let location = HeaderValue::from_str(&self.0).map_err(Error::internal)?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SEE_OTHER;
        response.headers_mut().insert(header::LOCATION, location);
        Ok(response)
    }
}
