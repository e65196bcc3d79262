//! A part of an application: routes with all that they need, ready to be grafted.

use std::future::Future;

use pleach_views::Source;

use crate::app::BaseApp;
use crate::assets::Asset;
use crate::body::BoxError;
use crate::context::Context;
use crate::endpoint::Route;
use crate::error::{Error, Result};
use crate::hooks::{self, Hooks, Init};
use crate::response::Response;
use crate::settings::{Opt, Row, Value};
use crate::states::StateSource;

/// Routes together with the views, assets, options, states and hooks that they need.
///
/// A library of routes is a function that returns one; an application grafts it under a name of its own:
///
/// ```
/// use pleach::{BaseApp, Context, Part, Route};
///
/// async fn rules(_: Context) -> &'static str {
///     "Three in a row."
/// }
///
/// fn game() -> Part {
///     Part::new().route(Route::new("rules").path("/rules").get(rules))
/// }
///
/// let app = BaseApp::builder("arcade").graft("game", game());
/// // Now `game.rules` is the name of `/rules`.
/// ```
#[must_use]
#[derive(Default)]
pub struct Part {
    pub(crate) routes: Vec<Route>,
    pub(crate) views: Vec<Source>,
    pub(crate) assets: Vec<Asset>,
    pub(crate) options: Vec<Row>,
    pub(crate) states: Vec<StateSource>,
    pub(crate) init: Vec<Init>,
    pub(crate) hooks: Hooks,
}

impl Part {
    /// Makes an empty part.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a route with its children.
    pub fn route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    /// Adds templates and their `views.toml`. Later sources override earlier ones.
    pub fn views(mut self, source: Source) -> Self {
        self.views.push(source);
        self
    }

    /// Adds static files, served under a fingerprinted URL that `asset(path="…")` makes.
    pub fn assets(mut self, assets: impl IntoIterator<Item = Asset>) -> Self {
        self.assets.extend(assets);
        self
    }

    /// Adds an option: a flag, an environment variable and a key of the settings file.
    pub fn option<T: Value>(mut self, option: Opt<T>) -> Self {
        self.options.push(option.into());
        self
    }

    /// Adds a state that is at hand. Handlers take it as [`State<T>`](crate::State).
    pub fn state<T: Send + Sync + 'static>(self, state: T) -> Self {
        self.state_from(|_| async { Ok::<_, BoxError>(state) })
    }

    /// Adds a state that is made when the application starts, after the driver is open and before anyone is served. States are made in
    /// the order in which they were added; a later one may use an earlier one. If one fails, the application is not ready and answers 503.
    pub fn state_from<T, F, Fut, E>(mut self, make: F) -> Self
    where
        T: Send + Sync + 'static,
        F: FnOnce(BaseApp) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.states.push(StateSource::new(make));
        self
    }

    /// Adds a hook that runs once, after the states are made and before anyone is served. If it fails, the application is not ready and
    /// answers every request with 503.
    pub fn on_init<F, Fut, E>(mut self, hook: F) -> Self
    where
        F: FnOnce(BaseApp) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.init.push(hooks::init(hook));
        self
    }

    /// Adds a hook that runs before the handler of every request; it may answer in the handler's place.
    pub fn on_start<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<Response>>> + Send + 'static,
    {
        self.hooks.push_start(hook);
        self
    }

    /// Adds a hook that sees every error before it is answered.
    pub fn on_error(mut self, hook: impl Fn(&Context, &Error) + Send + Sync + 'static) -> Self {
        self.hooks.on_error.push(std::sync::Arc::new(hook));
        self
    }

    /// Adds a hook that sees every request when its answer is ready, before the body is sent.
    pub fn on_finish(
        mut self,
        hook: impl Fn(&Context, http::StatusCode) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.on_finish.push(std::sync::Arc::new(hook));
        self
    }

    /// Adds another part under a name; an empty name adds its routes as if they were written here.
    pub fn graft(mut self, name: &str, part: Self) -> Self {
        let Self {
            routes,
            views,
            assets,
            options,
            states,
            init,
            hooks,
        } = part;
        self.routes
            .push(Route::root().graft(name, Route::root().children(routes)));
        self.views.extend(views);
        self.assets.extend(assets);
        self.options.extend(options);
        self.states.extend(states);
        self.init.extend(init);
        self.hooks.append(hooks);
        self
    }
}
