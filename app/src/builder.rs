//! Collects an application, and checks it as a whole before it may serve.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{HeaderValue, Request, Uri};
use pleach_driver::Driver;
use pleach_router::{RouteRef, Tree};
use pleach_views::{Source, Views};
use tower_layer::Layer;
use tower_service::Service;

use crate::app::{App, BaseApp, Limits, Phase, Starting};
use crate::assets::{Asset, Assets};
use crate::body::{Body, BoxError};
use crate::context::Context;
use crate::endpoint::{Endpoint, Route};
use crate::error::{Error, Result};
use crate::observe::Metrics;
use crate::origin::TrustedProxies;
use crate::part::Part;
use crate::request_id::RequestIds;
use crate::response::Response;
use crate::security::SecurityHeaders;
use crate::session::SessionOptions;
use crate::settings::{self, Opt, Row, Settings, Value};
use crate::states::States;
use crate::tasks::Tasks;
use crate::tier::Tier;
use crate::tower::{AddLayer, Layered};
use crate::{health, live, render};

/// Views that every application has, because the base renders them.
const REQUIRED_VIEWS: [&str; 3] = ["error", "notfound", "apperror"];

/// The route that every application has, because the base sends visitors there.
const LANDING: &str = "landing";

/// An application in the making.
///
/// ```
/// use pleach::{BaseApp, Context, Driver, Route};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let app = BaseApp::builder("hello")
///     .route(Route::new("landing").path("/").get(async |_: Context| "Hello!"))
///     .driver(Driver::open("memory:").await.unwrap())
///     .build()
///     .unwrap();
/// assert_eq!(app.tree().url("landing").relative().unwrap(), "/");
/// # }
/// ```
#[must_use]
pub struct Builder {
    pub(crate) name: String,
    pub(crate) version: &'static str,
    pub(crate) part: Part,
    settings: Option<Settings>,
    /// Defaults of options in the place of their own, by name, as a user would write them.
    defaults: Vec<(&'static str, &'static str)>,
    tier: Option<Tier>,
    driver: Option<Driver>,
    limits: Limits,
    public_url: Option<Uri>,
    trusted_proxies: TrustedProxies,
    security: SecurityHeaders,
    session_options: SessionOptions,
    metrics_for_all: bool,
    layers: Vec<AddLayer>,
}

impl Builder {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: env!("CARGO_PKG_VERSION"),
            part: Part::new(),
            settings: None,
            defaults: Vec::new(),
            tier: None,
            driver: None,
            limits: Limits::default(),
            public_url: None,
            trusted_proxies: TrustedProxies::default(),
            security: SecurityHeaders::default(),
            session_options: SessionOptions::default(),
            metrics_for_all: false,
            layers: Vec::new(),
        }
    }

    /// Sets the version that `--version` prints. Default: that of pleach.
    pub fn version(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    /// Sets the tier. Default: what the settings say.
    pub fn tier(mut self, tier: Tier) -> Self {
        self.tier = Some(tier);
        self
    }

    /// Sets the driver. [`Builder::run`] opens the one that the settings name.
    pub fn driver(mut self, driver: Driver) -> Self {
        self.driver = Some(driver);
        self
    }

    /// Sets the settings. [`Builder::run`] reads them from flags, environment and file. Default: every option at its default.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// Sets what an option is when nobody sets it, as a user would write it: `.default_setting("store", "memory:")`. A name that no option
    /// has, or a text that is no value of it, is a fault of the application. Default: the option's own default.
    pub fn default_setting(mut self, name: &'static str, text: &'static str) -> Self {
        self.defaults.push((name, text));
        self
    }

    /// Sets the bounds on what one request may cost.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the URL under which visitors reach the application. Default: none; links take scheme and host of the request.
    pub fn public_url(mut self, url: Uri) -> Self {
        self.session_options.secure = url.scheme_str() == Some("https");
        self.public_url = Some(url);
        self
    }

    /// Sets the proxies whose word about a request's origin is believed. Default: none.
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.trusted_proxies = proxies;
        self
    }

    /// Sets the Content-Security-Policy of pages. Default: everything from this site only, nothing inline.
    pub fn content_security_policy(mut self, policy: HeaderValue) -> Self {
        self.security = SecurityHeaders::with_policy(policy);
        self
    }

    /// Shows `/metrics` to everybody in production too. Default: to loopback only.
    pub fn metrics_for_all(mut self, for_all: bool) -> Self {
        self.metrics_for_all = for_all;
        self
    }

    /// Puts a tower layer around the whole application, outside of the layers that are there.
    pub fn layer<L, S, B>(mut self, layer: L) -> Self
    where
        L: Layer<Layered, Service = S> + Send + 'static,
        S: Service<Request<Body>, Response = http::Response<B>> + Clone + Send + Sync + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.layers.push(Layered::add(layer));
        self
    }

    /// Sets how long sessions live.
    pub fn sessions(mut self, options: SessionOptions) -> Self {
        self.session_options = SessionOptions {
            secure: self.session_options.secure,
            ..options
        };
        self
    }

    /// Adds another part under a name; an empty name adds its routes as if they were written here. See [`Part`].
    pub fn graft(mut self, name: &str, part: Part) -> Self {
        self.part = self.part.graft(name, part);
        self
    }

    /// Adds a route with its children. See [`Part::route`].
    pub fn route(mut self, route: Route) -> Self {
        self.part = self.part.route(route);
        self
    }

    /// Adds templates. See [`Part::views`].
    pub fn views(mut self, source: Source) -> Self {
        self.part = self.part.views(source);
        self
    }

    /// Adds static files. See [`Part::assets`].
    pub fn assets(mut self, assets: impl IntoIterator<Item = Asset>) -> Self {
        self.part = self.part.assets(assets);
        self
    }

    /// Adds an option. See [`Part::option`].
    pub fn option<T: Value>(mut self, option: Opt<T>) -> Self {
        self.part = self.part.option(option);
        self
    }

    /// Adds a state that is at hand. See [`Part::state`].
    pub fn state<T: Send + Sync + 'static>(mut self, state: T) -> Self {
        self.part = self.part.state(state);
        self
    }

    /// Adds a state that is made when the application starts. See [`Part::state_from`].
    pub fn state_from<T, F, Fut, E>(mut self, make: F) -> Self
    where
        T: Send + Sync + 'static,
        F: FnOnce(BaseApp) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.part = self.part.state_from(make);
        self
    }

    /// Adds a hook that runs once before anyone is served. See [`Part::on_init`].
    pub fn on_init<F, Fut, E>(mut self, hook: F) -> Self
    where
        F: FnOnce(BaseApp) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        self.part = self.part.on_init(hook);
        self
    }

    /// Adds a hook that runs before every handler. See [`Part::on_start`].
    pub fn on_start<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<Response>>> + Send + 'static,
    {
        self.part = self.part.on_start(hook);
        self
    }

    /// Adds a hook that sees every error. See [`Part::on_error`].
    pub fn on_error(mut self, hook: impl Fn(&Context, &Error) + Send + Sync + 'static) -> Self {
        self.part = self.part.on_error(hook);
        self
    }

    /// Adds a hook that sees every answer. See [`Part::on_finish`].
    pub fn on_finish(
        mut self,
        hook: impl Fn(&Context, http::StatusCode) + Send + Sync + 'static,
    ) -> Self {
        self.part = self.part.on_finish(hook);
        self
    }

    /// Checks everything and freezes it.
    ///
    /// # Errors
    /// Every fault at once: what the tree refuses, a missing `landing` route, missing views, templates that don't compile or link to a
    /// route that does not exist, states that a handler asks for and nobody gives, no driver.
    pub fn build(self) -> Result<BaseApp, Faults> {
        self.freeze(true)
    }

    /// Returns the table of options: those of the base, then those of the parts, each with the default that it has here.
    ///
    /// A default that is no value is left out; building the application reports it.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let rows = settings::rows()
            .into_iter()
            .chain(self.part.options.iter().copied());
        rows.map(|row| {
            match self
                .defaults
                .iter()
                .rev()
                .find(|(name, text)| *name == row.name() && row.check(text).is_ok())
            {
                Some((_, text)) => row.with_default(text),
                None => row,
            }
        })
        .collect()
    }

    /// Builds an application that never serves, for the commands that only look at the tree.
    pub(crate) fn build_to_look_at(self) -> Result<BaseApp, Faults> {
        self.freeze(false)
    }

    fn freeze(self, serves: bool) -> Result<BaseApp, Faults> {
        let rows = self.rows();
        let Self {
            name,
            version: _,
            part,
            settings,
            defaults,
            tier,
            driver,
            limits,
            public_url,
            trusted_proxies,
            security,
            session_options,
            metrics_for_all,
            layers,
        } = self;
        let Part {
            routes,
            views,
            mut assets,
            options: _,
            states,
            init,
            hooks,
        } = part;
        let mut faults = Vec::new();
        check_defaults(&defaults, &rows, &mut faults);
        let settings = settings.unwrap_or_else(|| Settings::of_defaults(rows));
        let tier = tier.unwrap_or_else(|| settings.tier());

        assets.insert(0, Asset::new("live.js", live::CLIENT_JS.as_bytes()));
        assets.insert(0, Asset::new("pleach.css", render::DEFAULT_STYLE));
        let assets = Arc::new(Assets::new(assets));
        let root = Route::root().children(routes).children(health::routes());
        let tree = match Tree::build(root) {
            Ok(tree) => Arc::new(tree),
            Err(errors) => return Err(Faults(errors.iter().map(ToString::to_string).collect())),
        };
        if tree.id(LANDING).is_none() {
            faults.push(format!("there is no route `{LANDING}`"));
        }

        let sources = if views.is_empty() {
            vec![render::default_views()]
        } else {
            views
        };
        let views = match render::build_views(sources, tier == Tier::Development, &tree, &assets) {
            Ok(views) => {
                check_views(&views, &tree, &mut faults);
                Some(views)
            }
            Err(errors) => {
                faults.extend(errors.iter().map(|fault| format!("views: {fault}")));
                None
            }
        };

        let slots = States::with_room_for(states.iter().map(|source| &source.need));
        check_states(&slots, &tree, &mut faults);
        if serves && driver.is_none() {
            faults.push("there is no driver".to_owned());
        }

        let Some(views) = views.filter(|_| faults.is_empty()) else {
            return Err(Faults(faults));
        };
        let metrics = Metrics::new(tree.routes().map(|route| route.name().to_owned()));
        let app = Arc::new(App {
            name,
            tier,
            settings,
            views,
            assets,
            driver,
            states: slots,
            hooks,
            layered: OnceLock::new(),
            limits,
            public_url,
            trusted_proxies,
            metrics_for_all,
            security,
            session_options,
            sessions: OnceLock::new(),
            metrics,
            request_ids: RequestIds::new(instance()),
            tasks: Tasks::default(),
            phase: Phase::default(),
            starting: tokio::sync::Mutex::new(Some(Starting { states, init })),
            tree,
        });
        if !layers.is_empty() {
            let layered = layers
                .into_iter()
                .fold(Layered::app(&app), |inner, add| add(inner));
            let _first_wins = app.layered.set(layered);
        }
        Ok(BaseApp::new(app))
    }
}

/// Returns a number that other instances do not have, and this one does not have after a restart.
fn instance() -> u32 {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    u32::from_ne_bytes(bytes)
}

fn check_defaults(defaults: &[(&str, &str)], rows: &[Row], faults: &mut Vec<String>) {
    for (name, text) in defaults {
        match rows.iter().find(|row| row.name() == *name) {
            Some(row) => faults.extend(
                row.check(text)
                    .err()
                    .map(|error| format!("default of the option `{name}`: {error}")),
            ),
            None => faults.push(format!(
                "there is no option `{name}` that could have a default"
            )),
        }
    }
}

fn check_views(views: &Views, tree: &Tree<Endpoint>, faults: &mut Vec<String>) {
    faults.extend(
        REQUIRED_VIEWS
            .iter()
            .filter(|view| !views.has(view))
            .map(|view| format!("there is no view `{view}`")),
    );
    for link in views.links() {
        let place = format!("{}:{}", link.template, link.line);
        let Some(name) = &link.route else { continue };
        if let Some(fault) = link_fault(tree, name, &link.vars) {
            faults.push(format!("{place}: url(route=\"{name}\"): {fault}"));
        }
    }
}

/// Says what is wrong with a link, if anything: no such route, a variable that it does not have, or one that nothing gives.
fn link_fault(tree: &Tree<Endpoint>, name: &str, given: &[String]) -> Option<String> {
    // A library's links are written without the name that it is grafted under.
    let is_meant = |route: &RouteRef<'_, Endpoint>| {
        route
            .name()
            .strip_suffix(name)
            .is_some_and(|graft| graft.is_empty() || graft.ends_with('.'))
    };
    let Some(route) = tree.routes().find(is_meant) else {
        return Some("there is no such route".to_owned());
    };
    let known = |given: &&String| {
        *given == "absolute" || route.variables().any(|variable| variable == given.as_str())
    };
    if let Some(unknown) = given.iter().find(|given| !known(given)) {
        return Some(format!("the route has no variable `{unknown}`"));
    }
    // Variables of the routes above it may come from the request at hand.
    let is_inherited = |variable: &&str| {
        route
            .parent()
            .is_some_and(|parent| parent.variables().any(|inherited| inherited == *variable))
    };
    let missing = route
        .variables()
        .find(|variable| !is_inherited(variable) && !given.iter().any(|given| given == variable));
    missing.map(|variable| format!("the variable `{variable}` is missing"))
}

fn check_states(states: &States, tree: &Tree<Endpoint>, faults: &mut Vec<String>) {
    let mut told = HashSet::new();
    for route in tree.routes() {
        for (_, endpoint) in route.handlers() {
            for need in endpoint.needs() {
                if !states.has(need) && told.insert((endpoint.name(), need.type_name)) {
                    faults.push(format!(
                        "route `{}`: {} asks for the state {}, which nobody gives",
                        route.name(),
                        endpoint.name(),
                        need.type_name
                    ));
                }
            }
        }
    }
}

/// Everything that is wrong with an application.
#[derive(Debug)]
pub struct Faults(Vec<String>);

impl Faults {
    /// Iterates over the faults, one sentence each.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => f.write_str(one),
            many => {
                write!(f, "{} faults:", many.len())?;
                many.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
            }
        }
    }
}

impl std::error::Error for Faults {}
