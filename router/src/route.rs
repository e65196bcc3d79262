//! Routes, before they are built into a tree.

use std::fmt;
use std::sync::Arc;

use http::Method;

use crate::condition::Predicate;
use crate::head::Head;
use crate::typed::{TypeKey, TypedRoute};

/// A node of the tree to be: a name, matchers, handlers by method, and children in sequence.
///
/// A route matches when all its matchers do. The deepest route that can handle a request wins: children are tried in the order in which they were
/// added, and a branch handles what none of them could. Nothing is checked before [`Tree::build`](crate::Tree::build), which reports all
/// faults at once.
///
/// ```
/// use pleach_router::{Route, Tree};
///
/// let game: Route<&str> = Route::new("game")
///     .path("/game")
///     .get("lobby")
///     .child(Route::new("show").path("/{id}").get("board").delete("delete"))
///     .child(Route::new("toggle").path("/{id}/toggle/{cell:[0-8]}").post("toggle"));
/// let tree = Tree::build(Route::root().graft("arena", game)).unwrap();
///
/// assert_eq!(tree.url("arena.game.toggle").var("id", 42).var("cell", 3).relative().unwrap(), "/game/42/toggle/3");
/// ```
///
/// # Templates
/// | template | matches |
/// |---|---|
/// | `{id}` | one segment that is not empty; in a host one label; in a header or query parameter the whole value |
/// | `{cell:[0-8]}` | the same, if all of it matches the regex |
/// | `{*rest}` | whatever is left of the path, slashes included; only as the last segment of a [`path`](Route::path) |
/// | `/v{major}.{minor}` | literals and variables in one segment, see below |
/// | `{{`, `}}` | a literal brace |
///
/// Variables are named with letters, digits, `_` and `-`. Everything else is literal text, compared after percent-decoding. A segment with several
/// variables is split so that earlier ones are as short as can be (a regex may ask for more); `/{name}.{ext}` catches `a` and `tar.gz`
/// from `/a.tar.gz`, `/{name}.{ext:[a-z]+}` catches `a.tar` and `gz`. In a regex, braces have to be balanced or escaped.
///
/// Paths are compared exactly: `/game` and `/game/` are two paths.
pub struct Route<H> {
    pub(crate) name: String,
    pub(crate) graft: bool,
    pub(crate) matchers: Vec<Spec>,
    pub(crate) handlers: Vec<(Option<Method>, H)>,
    pub(crate) children: Vec<Route<H>>,
    pub(crate) types: Vec<TypeKey>,
}

/// A matcher as it was given.
pub(crate) enum Spec {
    Path(String),
    Prefix(String),
    Host(String),
    Scheme(String),
    Method(Method),
    Header(String, String),
    QueryPresent(String),
    QueryIs(String, String),
    Query(String, String),
    When(String, Predicate),
}

/// Makes a handler out of what a caller passes to [`Route::get`] and its like.
///
/// Every type is its own handler. A crate whose handlers are functions of many shapes implements this trait for its handler type, with markers `M`
/// of its own that tell the shapes apart.
pub trait FromHandler<F, M>: Sized {
    /// Makes the handler.
    fn from_handler(handler: F) -> Self;
}

impl<H> FromHandler<H, ()> for H {
    fn from_handler(handler: H) -> Self {
        handler
    }
}

impl<H> Route<H> {
    /// A route of this name. A name may hold dots, `game.show` is `show` in `game`; an empty one groups routes without adding to their names.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            graft: false,
            matchers: Vec::new(),
            handlers: Vec::new(),
            children: Vec::new(),
            types: Vec::new(),
        }
    }

    /// A route without a name, as the root of a tree or to group others.
    #[must_use]
    pub fn root() -> Self {
        Self::new("")
    }

    /// Matches all that is left of the path.
    ///
    /// A child that has a path of its own goes on where this one ends (and is offered what is left), so that
    /// `path("/game")` with the child `path("/{id}")` matches `/game` and `/game/42`.
    #[must_use]
    pub fn path(self, template: impl Into<String>) -> Self {
        self.matcher(Spec::Path(template.into()))
    }

    /// Matches whole segments at the beginning of what is left of the path; children match the rest.
    ///
    /// If the route has handlers, they get whatever is left that no child handles.
    #[must_use]
    pub fn prefix(self, template: impl Into<String>) -> Self {
        self.matcher(Spec::Prefix(template.into()))
    }

    /// Matches the host without port, label by label and without case. Variables are caught in lower case.
    #[must_use]
    pub fn host(self, template: impl Into<String>) -> Self {
        self.matcher(Spec::Host(template.into()))
    }

    /// Matches the scheme, `http` or `https`.
    #[must_use]
    pub fn scheme(self, scheme: impl Into<String>) -> Self {
        self.matcher(Spec::Scheme(scheme.into().to_ascii_lowercase()))
    }

    /// Matches the method, for this route and all below it. Given several times, any of them. `GET` lets `HEAD` pass, and `OPTIONS` is
    /// answered by the tree.
    #[must_use]
    pub fn method(self, method: Method) -> Self {
        self.matcher(Spec::Method(method))
    }

    /// Matches the value of the first header of this name, which is taken as it is, without percent-decoding.
    #[must_use]
    pub fn header(self, name: impl Into<String>, template: impl Into<String>) -> Self {
        self.matcher(Spec::Header(name.into(), template.into()))
    }

    /// Matches if the query has a parameter of this name, with or without a value.
    #[must_use]
    pub fn query_present(self, name: impl Into<String>) -> Self {
        self.matcher(Spec::QueryPresent(name.into()))
    }

    /// Matches if the first query parameter of this name has this value, compared after decoding.
    #[must_use]
    pub fn query_is(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.matcher(Spec::QueryIs(name.into(), value.into()))
    }

    /// Matches the decoded value of the first query parameter of this name.
    #[must_use]
    pub fn query(self, name: impl Into<String>, template: impl Into<String>) -> Self {
        self.matcher(Spec::Query(name.into(), template.into()))
    }

    /// Matches if the closure says so. The label stands for it in printed trees and explanations.
    #[must_use]
    pub fn when(
        self,
        label: impl Into<String>,
        predicate: impl Fn(&Head<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.matcher(Spec::When(label.into(), Arc::new(predicate)))
    }

    fn matcher(mut self, matcher: Spec) -> Self {
        self.matchers.push(matcher);
        self
    }

    /// Handles `GET`, and `HEAD` unless that has a handler of its own.
    #[must_use]
    pub fn get<F, M>(self, handler: F) -> Self
    where
        H: FromHandler<F, M>,
    {
        self.on(Method::GET, handler)
    }

    /// Handles `POST`.
    #[must_use]
    pub fn post<F, M>(self, handler: F) -> Self
    where
        H: FromHandler<F, M>,
    {
        self.on(Method::POST, handler)
    }

    /// Handles `PUT`.
    #[must_use]
    pub fn put<F, M>(self, handler: F) -> Self
    where
        H: FromHandler<F, M>,
    {
        self.on(Method::PUT, handler)
    }

    /// Handles `PATCH`.
    #[must_use]
    pub fn patch<F, M>(self, handler: F) -> Self
    where
        H: FromHandler<F, M>,
    {
        self.on(Method::PATCH, handler)
    }

    /// Handles `DELETE`.
    #[must_use]
    pub fn delete<F, M>(self, handler: F) -> Self
    where
        H: FromHandler<F, M>,
    {
        self.on(Method::DELETE, handler)
    }

    /// Handles every method that has no handler of its own, `OPTIONS` and unknown ones included.
    #[must_use]
    pub fn any<F, M>(mut self, handler: F) -> Self
    where
        H: FromHandler<F, M>,
    {
        self.handlers.push((None, H::from_handler(handler)));
        self
    }

    /// Handles `method`.
    #[must_use]
    pub fn on<F, M>(mut self, method: Method, handler: F) -> Self
    where
        H: FromHandler<F, M>,
    {
        self.handlers.push((Some(method), H::from_handler(handler)));
        self
    }

    /// Adds a child after those that are there.
    #[must_use]
    pub fn child(mut self, child: Route<H>) -> Self {
        self.children.push(child);
        self
    }

    /// Adds children in their order.
    #[must_use]
    pub fn children(mut self, children: impl IntoIterator<Item = Route<H>>) -> Self {
        self.children.extend(children);
        self
    }

    /// Hangs the routes of a library under `name`, or among ours if it is empty.
    ///
    /// The library goes on to find its routes by the names that it gave them: see [`Tree::resolve`](crate::Tree::resolve). To put matchers on
    /// the graft, give them to a route that it hangs in: `Route::root().host("{team}.example.com").graft("arena", routes)`.
    #[must_use]
    pub fn graft(self, name: impl Into<String>, subtree: Route<H>) -> Self {
        let mut graft = Self::new(name).child(subtree);
        graft.graft = true;
        self.child(graft)
    }

    /// Mounts a typed route: matches its path, and lets [`Tree::link`](crate::Tree::link) make its URL.
    #[must_use]
    pub fn typed<R: TypedRoute>(mut self) -> Self {
        self.types.push(TypeKey::of::<R>());
        self.path(R::TEMPLATE)
    }
}

impl<H> fmt::Debug for Route<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            graft,
            matchers,
            handlers,
            children,
            types,
        } = self;
        f.debug_struct("Route")
            .field("name", name)
            .field("graft", graft)
            .field("matchers", matchers)
            .field(
                "methods",
                &handlers
                    .iter()
                    .map(|(method, _)| method)
                    .collect::<Vec<_>>(),
            )
            .field("types", types)
            .field("children", children)
            .finish()
    }
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spec::Path(template) => write!(f, "path {template}"),
            Spec::Prefix(template) => write!(f, "prefix {template}"),
            Spec::Host(template) => write!(f, "host {template}"),
            Spec::Scheme(scheme) => write!(f, "scheme {scheme}"),
            Spec::Method(method) => write!(f, "method {method}"),
            Spec::Header(name, template) => write!(f, "header {name}: {template}"),
            Spec::QueryPresent(name) => write!(f, "query {name}"),
            Spec::QueryIs(name, value) | Spec::Query(name, value) => {
                write!(f, "query {name}={value}")
            }
            Spec::When(label, _) => write!(f, "when {label}"),
        }
    }
}
