//! The request at hand, handed down explicitly.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Uri};
use pleach_driver::Driver;
use pleach_router::{Head, RouteId, TypedRoute, UrlBuilder, Vars};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::app::BaseApp;
use crate::body::Body;
use crate::error::{Error, Result};
use crate::face::{ErrorFace, Face};
use crate::incoming::{self, Incoming};
use crate::live::{self, LivePage, StreamOptions};
use crate::origin::{self, Origin, Peer};
use crate::reply::Reply;
use crate::request_id::RequestId;
use crate::response::Response;
use crate::session::Session;
use crate::tier::Tier;
use crate::view::View;

/// Everything about the request at hand: what the client sent, what the tree made of it, and the application around it.
///
/// It is made by the top of the stack and passed down by value. Nothing hides in globals or task-locals. A clone is a counter; it
/// may outlive the answer, as in a live page or a task.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

struct Inner {
    app: BaseApp,
    head: Parts,
    peer: Peer,
    id: RequestId,
    /// None where nothing matched.
    vars: Option<Vars>,
    body: Mutex<Incoming>,
    session: OnceLock<Session>,
    /// Made when somebody asks for it; most requests are over before anybody does.
    cancelled: OnceLock<CancellationToken>,
    store: Mutex<Option<Box<http::Extensions>>>,
}

impl Context {
    pub(crate) fn new(
        app: BaseApp,
        head: Parts,
        body: Body,
        peer: Peer,
        id: RequestId,
        vars: Option<Vars>,
    ) -> Self {
        Self(Arc::new(Inner {
            app,
            head,
            peer,
            id,
            vars,
            body: Mutex::new(Incoming::Unread(body)),
            session: OnceLock::new(),
            cancelled: OnceLock::new(),
            store: Mutex::new(None),
        }))
    }

    /// Returns the application.
    #[must_use]
    pub fn app(&self) -> &BaseApp {
        &self.0.app
    }

    /// Returns the driver: everything outside.
    ///
    /// # Panics
    /// When the application was built without one, as for the commands that only look at the tree.
    #[must_use]
    pub fn driver(&self) -> &Driver {
        self.app().driver()
    }

    /// Returns the tier.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.app().tier()
    }

    /// Returns the id that this request has in logs and in `X-Request-Id`.
    #[must_use]
    pub fn request_id(&self) -> RequestId {
        self.0.id
    }

    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.0.head.method
    }

    /// Returns the URI as it was sent.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.0.head.uri
    }

    /// Returns the path as it was sent, not decoded.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.head.uri.path()
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.0.head.headers
    }

    /// Returns the head of the request.
    #[must_use]
    pub fn head(&self) -> &Parts {
        &self.0.head
    }

    /// Returns the scheme that the client used, `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.origin().scheme
    }

    /// Returns the host that the client addressed, with the port if it named one; empty when it named none.
    #[must_use]
    pub fn host(&self) -> &str {
        self.origin().authority
    }

    /// Returns the address of the client, seen through trusted proxies.
    #[must_use]
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.origin().client
    }

    /// Returns the head as the tree looks at it.
    pub(crate) fn tree_head(&self) -> Head<'_> {
        origin::head_of(&self.0.head, self.0.peer, self.app().trusted_proxies())
    }

    pub(crate) fn origin(&self) -> Origin<'_> {
        Origin::of(&self.0.head, self.0.peer, self.app().trusted_proxies())
    }

    /// Returns which face of an answer the request asks for.
    #[must_use]
    pub fn face(&self) -> Face {
        Face::of(&self.0.head)
    }

    /// Returns the full name of the route that answers, or none where nothing matched.
    #[must_use]
    pub fn route_name(&self) -> Option<&str> {
        self.route()
            .map(|route| self.app().tree().route(route).name())
    }

    pub(crate) fn route(&self) -> Option<RouteId> {
        self.0.vars.as_ref().map(Vars::route)
    }

    /// Returns true when an error of this request is shown as a page, so that a form may be shown again with what is wrong in it.
    #[must_use]
    pub fn shows_errors_as_pages(&self) -> bool {
        self.face() == Face::Page && ErrorFace::of(&self.0.head) == ErrorFace::Page
    }

    /// Returns a variable of the route, decoded.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&str> {
        let vars = self.0.vars.as_ref()?;
        let head = self.tree_head();
        self.app().tree().values(vars, &head).get(name)
    }

    /// Returns all variables of the route with their names, decoded.
    #[must_use]
    pub fn vars(&self) -> Vec<(&str, &str)> {
        let head = self.tree_head();
        match &self.0.vars {
            Some(vars) => self.app().tree().values(vars, &head).iter().collect(),
            None => Vec::new(),
        }
    }

    /// Returns a variable of the route as another type.
    ///
    /// # Errors
    /// 404 when the route has no such variable or it is not of that type.
    pub fn var_as<T: FromStr>(&self, name: &str) -> Result<T> {
        self.var(name)
            .and_then(|text| text.parse().ok())
            .ok_or_else(Error::not_found)
    }

    /// Returns the URL of a typed route, as `/path?query`.
    ///
    /// ```
    /// # use pleach::{Context, Result, route};
    /// route! {
    ///     /// The board of a game.
    ///     pub struct GamePage = "/game/{id}" { id: String }
    /// }
    /// async fn link(cx: Context) -> Result<String> {
    ///     cx.url(&GamePage { id: "42".into() })
    /// }
    /// ```
    ///
    /// # Errors
    /// When the route hangs nowhere in the tree, or a value does not fit its template.
    pub fn url<R: TypedRoute>(&self, route: &R) -> Result<String> {
        Ok(self
            .inherit(self.app().tree().link_from(self.route(), route))
            .relative()?)
    }

    /// Begins the URL of a route by its name, as templates do; in code prefer [`Context::url`], which can't misspell.
    ///
    /// The name is looked up from the graft at hand outwards, so that a library's links hold under any name. Variables of the host and of
    /// the prefixes that both routes hang under come from this request, unless they are given.
    pub fn url_to(&self, name: &str) -> UrlBuilder<'_> {
        self.inherit(self.app().tree().url_from(self.route(), name))
    }

    fn inherit<'a>(&'a self, url: UrlBuilder<'a>) -> UrlBuilder<'a> {
        match &self.0.vars {
            Some(vars) => url.inherit(vars, &self.tree_head()),
            None => url,
        }
    }

    /// Reads the whole body, once; later calls return the same bytes.
    ///
    /// # Errors
    /// 413 above `--max-body`, 400 when the client broke off, 408 when it stalled.
    ///
    /// # Cancel safety
    /// Not cancel safe: a dropped call loses what it had read, and the next one answers 400.
    pub async fn body(&self) -> Result<Bytes> {
        let limit = self.app().limits().max_body_bytes;
        let unread = match &mut *self.lock_body() {
            Incoming::Read(bytes) => return Ok(bytes.clone()),
            other => std::mem::replace(other, Incoming::Taken),
        };
        let bytes = incoming::read(unread, limit, self.app().limits().body_timeout).await?;
        *self.lock_body() = Incoming::Read(bytes.clone());
        Ok(bytes)
    }

    /// Takes the body as a stream, without a limit of size; for uploads that are not held in memory. Empty after the first call.
    #[must_use]
    pub fn take_body(&self) -> Body {
        std::mem::replace(&mut *self.lock_body(), Incoming::Taken).into_body()
    }

    fn lock_body(&self) -> MutexGuard<'_, Incoming> {
        self.0.body.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the session of the client. It is loaded when it is first used.
    #[must_use]
    pub fn session(&self) -> &Session {
        self.0
            .session
            .get_or_init(|| self.app().sessions().session(&self.0.head.headers))
    }

    pub(crate) fn session_if_used(&self) -> Option<&Session> {
        self.0.session.get()
    }

    /// Begins a page: `cx.view("dashboard").with("games", &games)`.
    pub fn view(&self, name: &'static str) -> View {
        View::new(name)
    }

    /// Begins the answer of an action, in the face that the client asked for.
    pub fn reply(&self, form_goes_to: impl Into<String>) -> Reply {
        Reply::to(form_goes_to)
    }

    /// Opens a live page: runs the producer for as long as the client reads, and sends what it sends. See [`live::stream`].
    ///
    /// The stream ends with a redirect to `/` when the session ends, if the request has used its session, and with word when to come back when the server drains.
    pub fn live<F, Fut>(&self, produce: F) -> Response
    where
        F: FnOnce(LivePage) -> Fut,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let last_event_id = self.headers().get("last-event-id");
        let options =
            StreamOptions::new(self.app().tasks().draining().clone()).last_event_id(last_event_id);
        let options = match self.session_if_used() {
            Some(session) => options.ends_with(session.ended()),
            None => options,
        };
        live::stream(options, produce)
            .into_response()
            .map(Body::live)
    }

    /// Returns a context of the same route and address, without body, session and any header of the client's.
    ///
    /// It is for what outlives the request and goes on to render, as a live page does: a few hundred bytes instead of everything
    /// that the client sent.
    #[must_use]
    pub fn detached(&self) -> Self {
        let path = self
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        let uri = match self.host() {
            "" => path.to_owned(),
            host => format!("{}://{host}{path}", self.scheme()),
        };
        let (mut head, ()) = http::Request::new(()).into_parts();
        head.method = self.method().clone();
        // A copy: the original is a piece of the buffer that the whole request was read into.
        head.uri = uri.parse().unwrap_or_else(|_| self.uri().clone());
        Self::new(
            self.app().clone(),
            head,
            Body::empty(),
            Peer::default(),
            self.0.id,
            self.0.vars.clone(),
        )
    }

    /// Keeps a value for the rest of the request; a value of the same type is replaced and returned.
    pub fn insert<T: Clone + Send + Sync + 'static>(&self, value: T) -> Option<T> {
        self.lock_store().get_or_insert_default().insert(value)
    }

    /// Returns a value that was kept for this request.
    #[must_use]
    pub fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.lock_store()
            .as_ref()
            .and_then(|store| store.get::<T>())
            .or_else(|| self.0.head.extensions.get::<T>())
            .cloned()
    }

    fn lock_store(&self) -> MutexGuard<'_, Option<Box<http::Extensions>>> {
        self.0.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a token that is cancelled when the request is over for good: its answer sent, its client gone, or the server
    /// at the deadline of its drain.
    #[must_use]
    pub fn cancelled(&self) -> CancellationToken {
        self.0
            .cancelled
            .get_or_init(|| self.app().tasks().child_token())
            .clone()
    }

    /// Runs a task that belongs to the application: a shutdown waits for it, up to the deadline of the drain, and its log lines carry
    /// this request's id.
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.app()
            .tasks()
            .spawn(crate::observe::with_request_id(self.0.id, task).in_current_span());
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(token) = self.cancelled.get() {
            token.cancel();
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("id", &self.0.id)
            .field("method", self.method())
            .field("path", &self.path())
            .field("route", &self.route_name())
            .finish_non_exhaustive()
    }
}
