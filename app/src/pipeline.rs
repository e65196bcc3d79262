//! The way of a request: tree, hooks, handler, and whatever comes of it, to a response.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, StatusCode};
use pleach_router::{Found, RouteId, Vars};

use crate::answer;
use crate::app::{App, BaseApp};
use crate::body::Body;
use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::observe;
use crate::origin::{self, Peer};
use crate::response::Response;
use crate::security;

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request on its way: the tree has been asked, and what is left is to wait.
///
/// All that needs no waiting is done before there is a future. The server stores the future and polls it, and every call on the way hands it
/// on by copying it: so it holds a few words, and not a request with all that may become of it.
struct Begun {
    began: Instant,
    cx: Context,
    task: Task,
}

/// What is left to do for an answer.
enum Task {
    /// To run the hooks and, if none of them answers, the handler.
    Handle(BoxFuture<'static, Result<Response>>),
    /// Nothing: the answer is known.
    Known(Known),
}

/// An answer without a handler. Boxed, because it is seldom and large.
type Known = Box<Result<Response>>;

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
        self.0.answer(request, peer)
    }
}

impl App {
    /// Answers a request, through the layers if there are any.
    pub(crate) fn answer(
        self: &Arc<Self>,
        mut request: Request<Body>,
        peer: Peer,
    ) -> impl Future<Output = Response> + Send + use<> {
        enum Way {
            Straight(Begun),
            Layered(BoxFuture<'static, Response>),
        }
        let way = match self.layered.get() {
            None => Way::Straight(self.begin(request, peer)),
            Some(layered) => {
                request.extensions_mut().insert(peer);
                Way::Layered(layered.handle(request))
            }
        };
        async move {
            match way {
                Way::Straight(begun) => begun.answer().await,
                Way::Layered(answer) => answer.await,
            }
        }
    }

    /// Answers a request that came through all layers.
    pub(crate) fn answer_inside(
        self: &Arc<Self>,
        request: Request<Body>,
    ) -> impl Future<Output = Response> + Send + use<> {
        let peer = request
            .extensions()
            .get::<Peer>()
            .copied()
            .unwrap_or_default();
        self.begin(request, peer).answer()
    }

    fn begin(self: &Arc<Self>, request: Request<Body>, peer: Peer) -> Begun {
        let began = Instant::now();
        let (head, body) = request.into_parts();
        let id = self.request_ids.next();
        // Closures of the application are among the matchers of a tree.
        let found = panic::catch_unwind(AssertUnwindSafe(|| self.find(&head, peer)));
        let (vars, endpoint) =
            found.unwrap_or_else(|panic| (None, Err(refusal(panicked(&*panic)))));
        let cx = Context::new(BaseApp(Arc::clone(self)), head, body, peer, id, vars);
        let task = match endpoint.and_then(|endpoint| self.admit(&cx, endpoint)) {
            Ok(endpoint) => Task::Handle(endpoint.call(cx.clone())),
            Err(known) => Task::Known(known),
        };
        Begun { began, cx, task }
    }

    /// Asks the tree.
    fn find(&self, head: &Parts, peer: Peer) -> (Option<Vars>, Result<&Endpoint, Known>) {
        match self
            .tree
            .find(&origin::head_of(head, peer, &self.trusted_proxies))
        {
            Found::Match(found) => (Some(found.vars), Ok(found.handler)),
            other => (None, Err(self.without_handler(other))),
        }
    }

    #[cold]
    fn without_handler(&self, found: Found<'_, Endpoint>) -> Known {
        if !self.phase.is_ready() {
            return refusal(Error::unavailable());
        }
        match found {
            Found::Options { allow, .. } => Box::new(Ok(options(allow.header_value()))),
            Found::MethodNotAllowed { allow, .. } => {
                let error = Error::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "method_not_allowed",
                    "This method is not for this address.",
                );
                refusal(error.header(header::ALLOW, allow.header_value()))
            }
            Found::BadEncoding => refusal(Error::malformed("The address is not well encoded.")),
            _ => refusal(Error::not_found()),
        }
    }

    /// Lets a request in to its handler, if the application is ready and nobody else's page sent it.
    fn admit<'e>(&self, cx: &Context, endpoint: &'e Endpoint) -> Result<&'e Endpoint, Known> {
        if !self.phase.is_ready() && !endpoint.is_for_probes() {
            return Err(refusal(Error::unavailable()));
        }
        if !matches!(*cx.method(), Method::GET | Method::HEAD) {
            let authority = cx.origin().authority;
            security::refuse_cross_site(cx.head(), authority, self.public_url.as_ref())
                .map_err(refusal)?;
        }
        Ok(endpoint)
    }

    fn finish(&self, cx: &Context, response: &mut Response, began: Instant) {
        let headers = response.headers_mut();
        headers.insert(X_REQUEST_ID, cx.request_id().header());
        self.security.add_to(headers);
        let status = response.status();
        for hook in &self.hooks.on_finish {
            hook(cx, status);
        }
        let route = cx.route().map(RouteId::index);
        self.metrics
            .observe(route, cx.method(), status, began.elapsed());
    }
}

impl Begun {
    /// Waits for the answer. Errors and panics become answers here.
    async fn answer(self) -> Response {
        let Self { began, cx, task } = self;
        let answer = AssertUnwindSafe(task.run(&cx)).catch_unwind();
        let mut response = observe::with_request_id(cx.request_id(), async {
            match answer.await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => answer::to_error(&cx, &error),
                Err(panic) => answer::to_error(&cx, &panicked(&*panic)),
            }
        })
        .await;
        cx.app().0.finish(&cx, &mut response, began);
        response
    }
}

impl Task {
    async fn run(self, cx: &Context) -> Result<Response> {
        let handler = match self {
            Self::Handle(handler) => handler,
            Self::Known(answer) => return *answer,
        };
        for hook in &cx.app().0.hooks.start {
            if let Some(response) = hook(cx.clone()).await? {
                return Ok(response);
            }
        }
        let mut response = handler.await?;
        if let Some(session) = cx.session_if_used() {
            // Boxed, because it is ten times what all other requests need to wait: 3.8 KB, which would be copied for every request.
            Box::pin(session.commit(response.headers_mut())).await?;
            keep_private(response.headers_mut());
        }
        Ok(response)
    }
}

fn refusal(error: Error) -> Known {
    Box::new(Err(error))
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

    fn size_of_future<F>(_: impl FnOnce(&Arc<App>, Request<Body>) -> F) -> usize {
        size_of::<F>()
    }

    /// Hyper copies it for every request. A session's commit alone once made it 3.8 KB.
    #[test]
    fn the_future_of_an_answer_holds_neither_the_request_nor_what_few_requests_need() {
        let bytes = size_of_future(|app, request| app.answer(request, Peer::default()));
        assert!(bytes <= 640, "{bytes} bytes");
    }
}
