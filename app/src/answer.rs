//! The one place that turns errors into answers.

use std::collections::BTreeMap;

use http::header::{self, HeaderValue};
use http::{HeaderMap, StatusCode};
use pleach_views::{Data, data};
use serde::Serialize;
use tracing::{debug, error};

use crate::body::Body;
use crate::context::Context;
use crate::error::Error;
use crate::face::{self, ErrorFace};
use crate::request_id::RequestId;
use crate::response::{Html, IntoResponse as _, Response, SeeOther};
use crate::tier::Tier;

/// Logs an error, shows it to the hooks, and answers it in the face that the request asks for.
pub(crate) fn to_error(cx: &Context, error: &Error) -> Response {
    log(cx, error);
    for hook in &cx.app().0.hooks.on_error {
        hook(cx, error);
    }
    let face = ErrorFace::of(cx.head());
    let mut response = match landing(cx, error, face) {
        Some(response) => response,
        None => {
            let mut response = match face {
                ErrorFace::Json => typed(
                    "application/json",
                    object(error, cx.path(), cx.request_id()),
                ),
                ErrorFace::Problem => typed("application/problem+json", problem(cx, error)),
                ErrorFace::Page => page(cx, error),
            };
            *response.status_mut() = error.status();
            response
        }
    };
    let headers = response.headers_mut();
    headers.extend(error.headers().iter().cloned());
    no_store(headers);
    response
}

/// Errors of the server are errors in the log, with the whole chain; those of clients matter only to whoever looks for them.
fn log(cx: &Context, error: &Error) {
    let (status, id, path) = (error.status().as_u16(), error.id(), cx.path());
    if error.status().is_server_error() {
        error!(status, id, method = %cx.method(), path, chain = error.chain(), "request failed");
    } else {
        debug!(status, id, method = %cx.method(), path, chain = error.chain(), "request refused");
    }
}

/// An error may say tomorrow that there is something here after all.
fn no_store(headers: &mut HeaderMap) {
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

/// Sends the visitor of a page that wants a session to the landing page.
fn landing(cx: &Context, error: &Error, face: ErrorFace) -> Option<Response> {
    let wanted = error.is_for_page()
        || (error.status() == StatusCode::UNAUTHORIZED && face::names_html(cx.head()));
    if !wanted || face != ErrorFace::Page || cx.face() == face::Face::Live {
        return None;
    }
    let url = cx.url_to("landing").relative().ok()?;
    SeeOther(url).into_response(cx).ok()
}

/// The error object. Source: CONTRACT §2.
#[derive(Serialize)]
struct ErrorObject<'a> {
    code: u16,
    id: &'a str,
    path: &'a str,
    message: &'a str,
    request_id: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<&'a str, &'a str>,
}

/// Writes the error object of a request.
pub(crate) fn object(error: &Error, path: &str, request_id: RequestId) -> Vec<u8> {
    to_json(&ErrorObject {
        code: error.status().as_u16(),
        id: error.id(),
        path,
        message: error.message(),
        request_id: request_id.to_string(),
        fields: error.fields().collect(),
    })
}

/// Source: RFC 9457 §3.1, with `id`, `request_id` and `fields` as extension members.
#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    id: &'a str,
    request_id: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<&'a str, &'a str>,
}

fn problem(cx: &Context, error: &Error) -> Vec<u8> {
    to_json(&Problem {
        r#type: "about:blank",
        title: title(error),
        status: error.status().as_u16(),
        detail: error.message(),
        instance: cx.path(),
        id: error.id(),
        request_id: cx.request_id().to_string(),
        fields: error.fields().collect(),
    })
}

fn title(error: &Error) -> &'static str {
    error.status().canonical_reason().unwrap_or("Error")
}

fn to_json<T: Serialize>(object: &T) -> Vec<u8> {
    serde_json::to_vec(object).expect("text and numbers have a form in JSON")
}

fn typed(content_type: &'static str, json: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(json));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Renders `notfound` or `error` in the site's layout; if that fails `apperror`, which depends on nothing; if that fails plain text.
fn page(cx: &Context, error: &Error) -> Response {
    let view = if error.status() == StatusCode::NOT_FOUND {
        "notfound"
    } else {
        "error"
    };
    let html = cx
        .app()
        .render(cx, view, describe(cx, error))
        .or_else(|cause| {
            error!(view, chain = cause.chain(), "the view of an error failed");
            cx.app().render_alone("apperror", &describe(cx, error))
        });
    match html {
        Ok(html) if cx.tier() == Tier::Development => {
            finish(Html(with_details(html, cx, error)).into_response(cx))
        }
        Ok(html) => finish(Html(html).into_response(cx)),
        Err(cause) => {
            error!(chain = cause.chain(), "the view `apperror` failed");
            let text = format!(
                "{} {}\nrequest {}\n",
                error.status().as_u16(),
                error.message(),
                cx.request_id()
            );
            finish(text.into_response(cx))
        }
    }
}

fn finish(response: crate::error::Result<Response>) -> Response {
    response.unwrap_or_else(|_| Response::new(Body::empty()))
}

fn describe(cx: &Context, error: &Error) -> Data {
    let fields: Vec<_> = error.fields().collect();
    data! {
        code => error.status().as_u16(),
        id => error.id(),
        title => title(error),
        message => error.message(),
        path => cx.path(),
        request_id => cx.request_id().to_string(),
        fields,
    }
}

/// Adds what only a developer may see: causes, the walk through the tree, the request.
fn with_details(mut html: String, cx: &Context, error: &Error) -> String {
    let walk = cx.app().tree().explain(&cx.tree_head()).to_string();
    let mut request = format!("{} {}\n", cx.method(), cx.uri());
    for (name, value) in cx.headers() {
        let is_secret = matches!(*name, header::COOKIE | header::AUTHORIZATION);
        let value = if is_secret {
            "…".into()
        } else {
            String::from_utf8_lossy(value.as_bytes())
        };
        request.push_str(&format!("{name}: {value}\n"));
    }
    let details = format!(
        "<section class=\"z-dev\"><h2>Only in development</h2><h3>Error</h3><pre>{}</pre><h3>Walk</h3><pre>{}</pre><h3>Request</h3><pre>{}</pre></section>",
        escape(&error.chain()),
        escape(&walk),
        escape(&request)
    );
    let at = html.rfind("</body>").unwrap_or(html.len());
    html.insert_str(at, &details);
    html
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
