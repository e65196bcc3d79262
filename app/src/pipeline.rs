//! The way of a request: tree, hooks, handler, and whatever comes of it, to a response.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures_util::FutureExt as _;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, StatusCode};
use pleach_router::{Found, RouteId, Vars};

use crate::answer;
use crate::app::BaseApp;
use crate::body::Body;
use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::observe;
use crate::origin::{self, Peer};
use crate::response::Response;
use crate::security;

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the tree said, in owned form.
enum Verdict {
    Handle,
    Answer(Error),
    Options(HeaderValue),
}

impl BaseApp {
    /// Answers a request, through the layers if there are any. `peer` is who sent it, as far as that is known.
    ///
    /// It never fails: errors and panics are answers. The application must have [started](BaseApp::start).
    ///
    /// # Cancel safety
    /// A dropped call drops the handler where it waits; nothing of its session is stored.
    pub async fn handle(&self, mut request: Request<Body>, peer: Peer) -> Response {
        match self.0.layered.get() {
            None => self.answer_one(request, peer).await,
            Some(layered) => {
                request.extensions_mut().insert(peer);
                layered.handle(request).await
            }
        }
    }

    /// Answers a request. Never fails: errors and panics become answers here.
    pub(crate) async fn answer_one(&self, request: Request<Body>, peer: Peer) -> Response {
        let began = Instant::now();
        let (head, body) = request.into_parts();
        let id = self.0.request_ids.next();
        let (found, endpoint, verdict) = self.find(&head, peer);
        let cx = Context::new(self.clone(), head, body, peer, id, found);
        let answer = AssertUnwindSafe(self.answer(&cx, endpoint, verdict)).catch_unwind();
        let mut response = observe::with_request_id(id, async {
            match answer.await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => answer::to_error(&cx, &error),
                Err(panic) => answer::to_error(&cx, &Error::internal(panic_text(&*panic))),
            }
        })
        .await;
        self.finish(&cx, &mut response, began);
        response
    }

    /// Asks the tree. What it lends is copied out, so that the request can move into its context.
    fn find<'a>(
        &'a self,
        head: &Parts,
        peer: Peer,
    ) -> (Option<Vars>, Option<&'a Endpoint>, Verdict) {
        match self
            .0
            .tree
            .find(&origin::head_of(head, peer, self.trusted_proxies()))
        {
            Found::Match(found) => (Some(found.vars), Some(found.handler), Verdict::Handle),
            Found::Options { allow, .. } => (None, None, Verdict::Options(allow.header_value())),
            Found::MethodNotAllowed { allow, .. } => {
                let error = Error::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "method_not_allowed",
                    "This method is not for this address.",
                );
                (
                    None,
                    None,
                    Verdict::Answer(error.header(header::ALLOW, allow.header_value())),
                )
            }
            Found::BadEncoding => (
                None,
                None,
                Verdict::Answer(Error::malformed("The address is not well encoded.")),
            ),
            _ => (None, None, Verdict::Answer(Error::not_found())),
        }
    }

    async fn answer(
        &self,
        cx: &Context,
        endpoint: Option<&Endpoint>,
        verdict: Verdict,
    ) -> Result<Response> {
        if !self.0.phase.is_ready() && !endpoint.is_some_and(Endpoint::is_for_probes) {
            return Err(Error::unavailable());
        }
        match verdict {
            Verdict::Handle => {}
            Verdict::Answer(error) => return Err(error),
            Verdict::Options(allow) => return Ok(options(allow)),
        }
        if !matches!(*cx.method(), Method::GET | Method::HEAD) {
            security::refuse_cross_site(
                cx.head(),
                cx.origin().authority,
                self.0.public_url.as_ref(),
            )?;
        }
        for hook in &self.0.hooks.start {
            if let Some(response) = hook(cx.clone()).await? {
                return Ok(response);
            }
        }
        let endpoint = endpoint.expect("the tree matches routes with handlers only");
        let mut response = endpoint.call(cx.clone()).await?;
        if let Some(session) = cx.session_if_used() {
            session.commit(response.headers_mut()).await?;
            keep_private(response.headers_mut());
        }
        Ok(response)
    }

    fn finish(&self, cx: &Context, response: &mut Response, began: Instant) {
        let headers = response.headers_mut();
        headers.insert(X_REQUEST_ID, self.0.request_ids.header(cx.request_id()));
        self.0.security.add_to(headers);
        let status = response.status();
        for hook in &self.0.hooks.on_finish {
            hook(cx, status);
        }
        self.0.metrics.observe(
            cx.route().map(RouteId::index),
            cx.method(),
            status,
            began.elapsed(),
        );
    }
}

/// What was made from a session is for one visitor, and for now.
fn keep_private(headers: &mut HeaderMap) {
    let private = HeaderValue::from_static("private, no-cache");
    headers.entry(header::CACHE_CONTROL).or_insert(private);
}

fn options(allow: HeaderValue) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::ALLOW, allow);
    response
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("of an unknown kind"))
}
