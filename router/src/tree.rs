//! The tree: built from routes, it matches requests.

use std::fmt;

use http::Method;

use crate::build::build;
use crate::core::Core;
use crate::error::BuildErrors;
use crate::find::{Hit, Miss};
use crate::head::Head;
use crate::methods::Allow;
use crate::route::Route;
use crate::slots::Slots;
use crate::typed::{TypeKey, TypedRoute};
use crate::url::{RequestBuilder, UrlBuilder, UrlError};
use crate::vars::{Values, Vars};

/// Names a route of one tree: small, and the same in every build of the same routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteId(u32);

impl RouteId {
    pub(crate) const ROOT: Self = Self(0);

    pub(crate) fn new(index: usize) -> Self {
        Self(u32::try_from(index).expect("a tree of four billion routes does not fit into memory"))
    }

    /// Returns its place among [`Tree::routes`], from 0.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A tree of routes, frozen: it matches requests, makes URLs and explains what it does. `H` is what hangs on a route.
///
/// ```
/// use pleach_router::{Found, Head, Route, Tree};
///
/// let tree = Tree::<&str>::build(Route::root().child(Route::new("game").path("/game/{id}").get("show"))).unwrap();
///
/// let (parts, ()) = http::Request::get("/game/42").body(()).unwrap().into_parts();
/// let head = Head::from_parts(&parts);
/// let Found::Match(found) = tree.find(&head) else { panic!() };
/// assert_eq!(*found.handler, "show");
/// assert_eq!(tree.values(&found.vars, &head).get("id"), Some("42"));
/// ```
pub struct Tree<H> {
    pub(crate) core: Core,
    handlers: Vec<H>,
}

/// What a tree says to a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Found<'t, H> {
    /// A route handles it.
    Match(Match<'t, H>),
    /// Routes match but for the method: 405 with this `Allow`.
    MethodNotAllowed {
        /// The methods of all routes that match otherwise.
        allow: Allow,
        /// The first of these routes.
        route: RouteId,
    },
    /// `OPTIONS` for a path that has no handler for it: the tree's own answer, an empty success with this `Allow`.
    Options {
        /// The methods of all routes that match otherwise.
        allow: Allow,
        /// The first of these routes.
        route: RouteId,
    },
    /// The path, or a query parameter that decides, is not percent-encoded UTF-8: 400.
    BadEncoding,
    /// No route matches.
    NotFound,
}

/// A route that handles a request.
pub struct Match<'t, H> {
    /// What hangs on the route for the request's method.
    pub handler: &'t H,
    /// The route.
    pub route: RouteId,
    /// What it caught; see [`Tree::values`].
    pub vars: Vars,
}

impl<H: fmt::Debug> fmt::Debug for Match<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            handler,
            route,
            vars,
        } = self;
        f.debug_struct("Match")
            .field("handler", handler)
            .field("route", route)
            .field("vars", vars)
            .finish()
    }
}

impl<H> Tree<H> {
    /// Builds the tree. Nothing is half built: a tree without faults, or all the faults.
    ///
    /// # Errors
    /// Every bad template with its column, duplicate names, variables and handlers, and routes that can never be reached.
    pub fn build(root: Route<H>) -> Result<Self, BuildErrors> {
        let (core, handlers) = build(root)?;
        Ok(Self { core, handlers })
    }

    /// Finds the route that handles a request: the deepest in sequence.
    ///
    /// Allocates nothing, unless what a variable caught has to be decoded.
    #[must_use]
    pub fn find<'t>(&'t self, head: &Head<'_>) -> Found<'t, H> {
        let mut slots = Slots::default();
        match self.core.find(head, &mut slots) {
            Ok(Hit { route, handler }) => Found::Match(Match {
                handler: &self.handlers[handler],
                route,
                vars: Vars::new(route, slots),
            }),
            Err(Miss::NotFound) => Found::NotFound,
            Err(Miss::BadEncoding) => Found::BadEncoding,
            Err(Miss::Refused) => {
                let (allow, route) = self.core.refusal(head);
                if head.method == Method::OPTIONS {
                    Found::Options { allow, route }
                } else {
                    Found::MethodNotAllowed { allow, route }
                }
            }
        }
    }

    /// Reads what a match caught. `head` is that of the request that matched.
    #[must_use]
    #[inline]
    pub fn values<'a, 'h>(&'a self, vars: &'a Vars, head: &'h Head<'a>) -> Values<'a, 'h> {
        Values::new(self.core.variables(vars.route()), vars, head)
    }

    /// All routes in sequence, every one before its children.
    pub fn routes(&self) -> impl Iterator<Item = RouteRef<'_, H>> {
        (0..self.core.nodes.len()).map(|index| self.route(RouteId::new(index)))
    }

    /// The route of this id.
    ///
    /// # Panics
    /// If the id is of another tree that has more routes.
    #[must_use]
    pub fn route(&self, id: RouteId) -> RouteRef<'_, H> {
        RouteRef { tree: self, id }
    }

    /// The route of this full name.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<RouteId> {
        self.core.names.get(name).copied()
    }

    /// The route that `name` means on a page of `from`.
    ///
    /// The name is looked up in the innermost graft that `from` hangs in, then in the grafts around it, and at last as a full name. So
    /// a library goes on to say `chat.send` for its own route, whatever name it was grafted under.
    #[must_use]
    pub fn resolve(&self, from: Option<RouteId>, name: &str) -> Option<RouteId> {
        self.core.resolve(from, name)
    }

    /// Makes the URL of the route of this full name.
    ///
    /// ```
    /// use pleach_router::{Route, Tree};
    ///
    /// let show: Route<&str> = Route::new("show").path("/game/{id}").get("show");
    /// let tree = Tree::build(Route::root().child(Route::new("game").host("{team}.example.com").child(show))).unwrap();
    ///
    /// let url = || tree.url("game.show").var("id", "a/b");
    /// assert_eq!(url().relative().unwrap(), "/game/a%2Fb");
    /// assert_eq!(url().var("team", "red").absolute("https://example.com:8443").unwrap(), "https://red.example.com:8443/game/a%2Fb");
    /// assert_eq!(url().absolute("https://example.com").unwrap_err().to_string(), "route `game.show`: the variable `team` is missing");
    /// ```
    pub fn url<'a>(&'a self, name: &str) -> UrlBuilder<'a> {
        self.url_from(None, name)
    }

    /// Makes the URL of the route that `name` means on a page of `from`; see [`Tree::resolve`].
    pub fn url_from<'a>(&'a self, from: Option<RouteId>, name: &str) -> UrlBuilder<'a> {
        UrlBuilder::new(
            &self.core,
            self.resolve(from, name)
                .ok_or_else(|| UrlError::unknown_route(name)),
        )
    }

    /// Makes the URL of a route by its id.
    pub fn url_of(&self, id: RouteId) -> UrlBuilder<'_> {
        UrlBuilder::new(&self.core, Ok(id))
    }

    /// Makes the URL of a typed route. It has to be mounted exactly once; else see [`Tree::link_from`].
    pub fn link<R: TypedRoute>(&self, route: &R) -> UrlBuilder<'_> {
        self.link_from(None, route)
    }

    /// Makes the URL of a typed route as seen from a page of `from`: of several mounts, the one that shares most of its way from the root with
    /// that page.
    pub fn link_from<R: TypedRoute>(&self, from: Option<RouteId>, route: &R) -> UrlBuilder<'_> {
        let mut url = UrlBuilder::new(&self.core, self.core.mount(from, TypeKey::of::<R>()));
        route.each_var(&mut |name, value| url.set(name, value.to_string()));
        url
    }

    /// Makes a request that matches the route of this full name.
    ///
    /// ```
    /// use pleach_router::{Route, Tree};
    ///
    /// let route: Route<()> = Route::new("v2").path("/v2/{id}").header("x-tenant", "{tenant}").query_is("full", "1").delete(());
    /// let tree = Tree::build(Route::root().child(route)).unwrap();
    /// let request = tree.request("v2").var("id", 7).var("tenant", "red").relative().unwrap();
    /// assert_eq!((request.method().as_str(), request.uri().to_string()), ("DELETE", "/v2/7?full=1".to_owned()));
    /// assert_eq!(request.headers()["x-tenant"], "red");
    /// ```
    pub fn request<'a>(&'a self, name: &str) -> RequestBuilder<'a> {
        RequestBuilder::new(self.url(name))
    }
}

/// A route of a tree.
pub struct RouteRef<'t, H> {
    tree: &'t Tree<H>,
    id: RouteId,
}

impl<H> Clone for RouteRef<'_, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> Copy for RouteRef<'_, H> {}

impl<'t, H> RouteRef<'t, H> {
    fn node(self) -> &'t crate::core::Node {
        self.tree.core.node(self.id)
    }

    /// Its id.
    #[must_use]
    pub fn id(self) -> RouteId {
        self.id
    }

    /// Its full name. A nameless route has that of the nearest named route above it.
    #[must_use]
    pub fn name(self) -> &'t str {
        &self.node().name
    }

    /// Its full name if it has a name of its own, else `(root)`, `(graft)` or `(group)`: as printed trees call it.
    #[must_use]
    pub fn title(self) -> String {
        self.node().title()
    }

    /// How many routes are above it.
    #[must_use]
    pub fn depth(self) -> usize {
        self.node().depth
    }

    /// The route above it.
    #[must_use]
    pub fn parent(self) -> Option<RouteRef<'t, H>> {
        self.node().parent.map(|id| RouteRef { id, ..self })
    }

    /// Its whole path from the root; `/**` at the end stands for whatever is left after a prefix.
    #[must_use]
    pub fn pattern(self) -> String {
        self.node().path.shown()
    }

    /// Its own matchers as text, in sequence: `prefix /game`, `host {team}.example.com`.
    pub fn matchers(self) -> impl Iterator<Item = String> {
        self.node().matchers.iter().map(ToString::to_string)
    }

    /// The names of all variables that a match of it catches.
    pub fn variables(self) -> impl Iterator<Item = &'t str> {
        self.tree
            .core
            .variables(self.id)
            .iter()
            .map(|variable| &*variable.name)
    }

    /// What handles its requests, by method; `None` is any other method.
    pub fn handlers(self) -> impl Iterator<Item = (Option<&'t Method>, &'t H)> {
        self.node()
            .handlers
            .iter()
            .map(Option::as_ref)
            .zip(&self.tree.handlers[self.node().first_handler..])
    }

    /// The methods that it answers to, after all `method` matchers on the way; empty if it has no handlers.
    #[must_use]
    pub fn allow(self) -> &'t Allow {
        &self.node().dispatch.allow
    }
}

impl<H> fmt::Debug for RouteRef<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteRef")
            .field("id", &self.id)
            .field("name", &self.name())
            .field("pattern", &self.pattern())
            .finish()
    }
}

impl<H> fmt::Debug for Tree<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.routes()).finish()
    }
}
