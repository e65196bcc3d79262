//! The way of a request: tree, hooks, handler, and whatever comes of it, to a response.

use std::any::Any;
use std::future::{self, poll_fn};
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::task::{Context as Task, Poll};
use std::time::Instant;

use futures_util::future::{BoxFuture, Either};
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Request, StatusCode};
use pleach_router::{Found, RouteId, Vars};

use crate::answer;
use crate::app::{App, BaseApp};
use crate::body::Body;
use crate::context::Context;
use crate::endpoint::{Endpoint, Work, work};
use crate::error::{Error, Result};
use crate::observe;
use crate::origin::{self, Peer};
use crate::response::Response;
use crate::security;
use crate::session::Session;

impl BaseApp {
    /// Answers a request, through the layers if there are any. `peer` is who sent it, as far as that is known.
    ///
    /// It never fails: errors and panics are answers. The application must have [started](BaseApp::start).
    ///
    /// # Cancel safety
    /// A dropped future drops the handler where it waits; nothing of its session is stored.
    pub fn handle(
        &self,
        request: Request<Body>,
        peer: Peer,
    ) -> impl Future<Output = Response> + Send + use<> {
        let (head, body) = request.into_parts();
        self.answer(head, body, peer)
    }

    /// Answers a request, through the layers if there are any.
    pub(crate) fn answer(
        &self,
        head: Parts,
        body: Body,
        peer: Peer,
    ) -> Either<Answering, BoxFuture<'static, Response>> {
        match self.0.layered.get() {
            None => Either::Left(self.begin(head, body, peer)),
            Some(layered) => {
                let mut request = Request::from_parts(head, body);
                request.extensions_mut().insert(peer);
                Either::Right(layered.handle(request))
            }
        }
    }

    /// Answers a request that came through all layers.
    pub(crate) fn answer_inside(&self, request: Request<Body>) -> Answering {
        let peer = request
            .extensions()
            .get::<Peer>()
            .copied()
            .unwrap_or_default();
        let (head, body) = request.into_parts();
        self.begin(head, body, peer)
    }

    /// Does all that needs no waiting.
    fn begin(&self, head: Parts, body: Body, peer: Peer) -> Answering {
        let began = Instant::now();
        let app = &**self.0;
        let id = app.request_ids.next();
        // Closures of the application are among the matchers of a tree.
        let found = panic::catch_unwind(AssertUnwindSafe(|| app.find(&head, peer)));
        let (vars, endpoint) =
            found.unwrap_or_else(|panic| (None, Err(known(Err(panicked(&*panic))))));
        let cx = Context::new(self.clone(), head, body, peer, id, vars);
        let work = match endpoint.and_then(|endpoint| app.admit(&cx, endpoint)) {
            Ok(endpoint) if app.hooks.start.is_empty() => endpoint.call(cx.clone()),
            Ok(endpoint) => work(after_hooks(cx.clone(), endpoint.call(cx.clone()))),
            Err(known) => known,
        };
        Answering {
            began,
            cx,
            work,
            is_stored: false,
        }
    }
}

impl App {
    /// Asks the tree.
    fn find(&self, head: &Parts, peer: Peer) -> (Option<Vars>, Result<&Endpoint, Work>) {
        match self
            .tree
            .find(&origin::head_of(head, peer, &self.trusted_proxies))
        {
            Found::Match(found) => (Some(found.vars), Ok(found.handler)),
            other => (None, Err(self.without_handler(other))),
        }
    }

    #[cold]
    fn without_handler(&self, found: Found<'_, Endpoint>) -> Work {
        if !self.phase.is_ready() {
            return known(Err(Error::unavailable()));
        }
        match found {
            Found::Options { allow, .. } => known(Ok(options(allow.header_value()))),
            Found::MethodNotAllowed { allow, .. } => {
                let error = Error::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "method_not_allowed",
                    "This method is not for this address.",
                );
                known(Err(error.header(header::ALLOW, allow.header_value())))
            }
            Found::BadEncoding => known(Err(Error::malformed("The address is not well encoded."))),
            _ => known(Err(Error::not_found())),
        }
    }

    /// Lets a request in to its handler, if the application is ready and nobody else's page sent it.
    fn admit<'e>(&self, cx: &Context, endpoint: &'e Endpoint) -> Result<&'e Endpoint, Work> {
        if !self.phase.is_ready() && !endpoint.is_for_probes() {
            return Err(known(Err(Error::unavailable())));
        }
        if !matches!(*cx.method(), Method::GET | Method::HEAD) {
            let authority = cx.origin().authority;
            security::refuse_cross_site(cx.head(), authority, self.public_url.as_ref())
                .map_err(|error| known(Err(error)))?;
        }
        Ok(endpoint)
    }

    fn finish(&self, cx: &Context, response: &mut Response, began: Instant) {
        let request_id = self.request_ids.header(cx.request_id());
        self.security.add_to(response.headers_mut(), request_id);
        let status = response.status();
        for hook in &self.hooks.on_finish {
            hook(cx, status);
        }
        let route = cx.route().map(RouteId::index);
        self.metrics
            .observe(route, cx.method(), status, began.elapsed());
    }
}

/// A request on its way to its answer: errors and panics become answers here.
///
/// The tree has been asked before there is this future. The server stores it and polls it, and every call on the way hands it on by
/// copying it: so it is a few words long, and holds neither the request nor what only few requests need.
pub(crate) struct Answering {
    began: Instant,
    cx: Context,
    /// The hooks and the handler; and then, if the request has used its session, what stores it.
    work: Work,
    is_stored: bool,
}

impl Future for Answering {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Response> {
        let Self {
            began,
            cx,
            work: handler,
            is_stored,
        } = &mut *self;
        let _lent = observe::lend_request_id(cx.request_id());
        let mut response = loop {
            match panic::catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll_answer(cx, task))) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(Ok(response))) => match cx.session_if_used() {
                    Some(session) if !*is_stored => {
                        *is_stored = true;
                        *handler = work(store(session.clone(), response));
                    }
                    _ => break response,
                },
                Ok(Poll::Ready(Err(error))) => break answer::to_error(cx, &error),
                Err(panic) => break answer::to_error(cx, &panicked(&*panic)),
            }
        };
        cx.app().0.finish(cx, &mut response, *began);
        Poll::Ready(response)
    }
}

/// Runs the hooks and, if none of them answers, the handler.
async fn after_hooks(cx: Context, mut handler: Work) -> Result<Response> {
    for hook in &cx.app().0.hooks.start {
        if let Some(response) = hook(cx.clone()).await? {
            return Ok(response);
        }
    }
    poll_fn(|task| handler.as_mut().poll_answer(&cx, task)).await
}

/// Stores what an answered request has changed in its session.
async fn store(session: Session, mut response: Response) -> Result<Response> {
    session.commit(response.headers_mut()).await?;
    keep_private(response.headers_mut());
    Ok(response)
}

fn known(answer: Result<Response>) -> Work {
    work(future::ready(answer))
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

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::internal(format!("panic: {}", text.unwrap_or("of an unknown kind")))
}
#[cfg(test)]
mod tests {
    use super::*;

    /// Hyper copies it for every request. A session's commit alone once made it 3.8 KB.
    #[test]
    fn the_future_of_an_answer_is_a_few_words() {
        let bytes = size_of::<Answering>();
        assert!(bytes <= 64, "{bytes} bytes");
    }
}
