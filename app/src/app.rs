//! The frozen application: everything that was checked and is served.

use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::Uri;
use pleach_driver::Driver;
use pleach_router::Tree;
use pleach_views::Views;
use tracing::error;

use crate::assets::Assets;
use crate::body::BoxError;
use crate::builder::Builder;
use crate::endpoint::Endpoint;
use crate::hooks::{Hooks, Init};
use crate::observe::Metrics;
use crate::origin::TrustedProxies;
use crate::request_id::RequestIds;
use crate::security::SecurityHeaders;
use crate::session::{SessionOptions, Sessions};
use crate::settings::Settings;
use crate::states::{StateSource, States};
use crate::tasks::Tasks;
use crate::tier::Tier;
use crate::tower::Layered;

/// An application that was checked as a whole: routes, views, states, driver. A clone is a handle on the same one.
///
/// It is made by a [`Builder`], serves by [`Builder::run`], and is a tower `Service` of its own, so that it embeds in an existing
/// server.
#[derive(Clone)]
pub struct BaseApp(pub(crate) Arc<Handle>);

/// What handles on an application count clones of. Each connection has one of its own, so that the cores that serve them do not pass
/// one counter to and fro with every request.
///
/// On cache lines of its own, because what lies beside it in memory may belong to another connection.
#[repr(align(64))]
pub(crate) struct Handle(Arc<App>);

impl Deref for Handle {
    type Target = App;

    fn deref(&self) -> &App {
        &self.0
    }
}

pub(crate) struct App {
    pub(crate) name: String,
    pub(crate) tier: Tier,
    pub(crate) settings: Settings,
    pub(crate) tree: Arc<Tree<Endpoint>>,
    pub(crate) views: Views,
    pub(crate) assets: Arc<Assets>,
    pub(crate) driver: Option<Driver>,
    pub(crate) states: States,
    pub(crate) hooks: Hooks,
    pub(crate) layered: OnceLock<Layered>,
    pub(crate) limits: Limits,
    pub(crate) public_url: Option<Uri>,
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) metrics_for_all: bool,
    pub(crate) security: SecurityHeaders,
    pub(crate) session_options: SessionOptions,
    pub(crate) sessions: OnceLock<Arc<Sessions>>,
    pub(crate) metrics: Metrics,
    pub(crate) request_ids: RequestIds,
    pub(crate) tasks: Tasks,
    pub(crate) phase: Phase,
    pub(crate) starting: tokio::sync::Mutex<Option<Starting>>,
}

/// Bounds on what one request may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest body that is read into memory. Default: 1 MiB.
    pub max_body_bytes: u64,
    /// How long a body may stall between two pieces. Default: 30 s.
    pub body_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 1 << 20,
            body_timeout: Duration::from_secs(30),
        }
    }
}

/// What is used up by the start.
pub(crate) struct Starting {
    pub(crate) states: Vec<StateSource>,
    pub(crate) init: Vec<Init>,
}

/// How far an application has come.
#[derive(Default)]
pub(crate) struct Phase(AtomicU8);

impl Phase {
    const READY: u8 = 1;
    const FAILED: u8 = 2;

    pub(crate) fn is_ready(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::READY
    }

    pub(crate) fn describe(&self) -> &'static str {
        match self.0.load(Ordering::Acquire) {
            Self::READY => "ready",
            Self::FAILED => "init failed",
            _ => "starting",
        }
    }

    fn set(&self, phase: u8) {
        self.0.store(phase, Ordering::Release);
    }
}

impl BaseApp {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self(Arc::new(Handle(app)))
    }

    /// Returns a handle whose clones are counted apart from those of this one.
    pub(crate) fn counted_apart(&self) -> Self {
        Self::new(self.0.0.clone())
    }

    /// Begins an application of that name.
    pub fn builder(name: impl Into<String>) -> Builder {
        Builder::new(name)
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the tier.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.0.tier
    }

    /// Returns the settings with their sources.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Returns the tree of routes.
    #[must_use]
    pub fn tree(&self) -> &Tree<Endpoint> {
        &self.0.tree
    }

    /// Returns the driver.
    ///
    /// # Panics
    /// When the application was built without one, which only the commands that never serve do.
    #[must_use]
    pub fn driver(&self) -> &Driver {
        self.0
            .driver
            .as_ref()
            .expect("an application that serves was built with a driver")
    }

    /// Returns a state, once the application has started.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.states.get()
    }

    /// Returns the tasks of the application: whatever runs beside the requests belongs here, so that a shutdown can wait for it.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// Returns the sessions, to list and revoke those of a user.
    ///
    /// # Panics
    /// Before the application has started; no handler runs before that.
    #[must_use]
    pub fn sessions(&self) -> &Arc<Sessions> {
        self.0
            .sessions
            .get()
            .expect("no handler runs before the sessions are open")
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(crate) fn trusted_proxies(&self) -> &TrustedProxies {
        &self.0.trusted_proxies
    }

    /// Opens the sessions, makes the states and runs the `init` hooks, once; a second call waits for the first.
    ///
    /// Whoever embeds the application as a tower `Service` calls it before the first request; until then, and for ever after a failure,
    /// every request is answered with 503.
    ///
    /// # Errors
    /// The first failure. It is logged, and readiness says `init failed`.
    pub async fn start(&self) -> Result<(), BoxError> {
        let mut starting = self.0.starting.lock().await;
        let Some(Starting { states, init }) = starting.take() else {
            return if self.0.phase.is_ready() {
                Ok(())
            } else {
                Err("the application did not start".into())
            };
        };
        match self.make_states(states, init).await {
            Ok(()) => {
                #[cfg(feature = "mail")]
                crate::mail::start_worker(self);
                self.0.phase.set(Phase::READY);
                Ok(())
            }
            Err(cause) => {
                error!(error = %cause, "init failed: every request is answered with 503");
                self.0.phase.set(Phase::FAILED);
                Err(cause)
            }
        }
    }

    async fn make_states(&self, states: Vec<StateSource>, init: Vec<Init>) -> Result<(), BoxError> {
        let sessions = Sessions::open(self.driver(), self.0.session_options.clone())
            .await
            .map_err(|error| error.to_string())?;
        let _first_wins = self.0.sessions.set(sessions);
        for StateSource { need, make } in states {
            let state = make(self.clone())
                .await
                .map_err(|error| format!("state {}: {error}", need.type_name))?;
            self.0.states.set(&need, state);
        }
        for hook in init {
            hook(self.clone()).await?;
        }
        Ok(())
    }
}

impl fmt::Debug for BaseApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BaseApp")
            .field("name", &self.0.name)
            .field("tier", &self.0.tier)
            .finish_non_exhaustive()
    }
}
