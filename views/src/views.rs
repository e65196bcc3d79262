//! The views of an application: built once, rendered by name.

use std::fmt;
use std::time::Duration;

use tera::Value;

use crate::call::Call;
use crate::data::Data;
use crate::error::{Error, Faults, Kind};
use crate::source::Source;

/// The views of an application. Cheap to clone, and shared by all threads.
#[derive(Debug, Clone)]
pub struct Views {}

/// Collects sources and functions, and checks them all in [`Builder::build`].
#[derive(Default)]
pub struct Builder {
    sources: Vec<Source>,
    functions: Vec<Function>,
    reload: bool,
    check_every: Duration,
}

type Function = (
    String,
    std::sync::Arc<dyn Fn(&Call<'_>) -> Result<Value, String> + Send + Sync>,
);

/// One `url(route="…")` in a template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Link {
    /// Path of the template.
    pub template: String,
    /// Line of the call, from 1.
    pub line: usize,
    /// The route, or `None` when an expression makes it, so that it can't be checked before it renders.
    pub route: Option<String>,
    /// Names of all other arguments, in the order in which they are written.
    pub vars: Vec<String>,
}

impl Views {
    /// Begins to collect sources and functions.
    pub fn builder() -> Builder {
        Builder {
            check_every: Duration::from_millis(100),
            ..Builder::default()
        }
    }

    /// Returns true when [`Views::render`] knows a view of that name.
    pub fn has(&self, _name: &str) -> bool {
        false
    }

    /// Returns the names of all views that can be rendered, sorted.
    pub fn names(&self) -> Vec<String> {
        Vec::new()
    }

    /// Renders a whole view.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn render(&self, view: &str, _data: &Data) -> Result<String, Error> {
        Err(Error {
            kind: Kind::UnknownView(view.to_owned()),
        })
    }

    /// Renders one block or component of a view alone.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn fragment(&self, view: &str, name: &str, _data: &Data) -> Result<String, Error> {
        Err(Error {
            kind: Kind::UnknownFragment {
                view: view.to_owned(),
                fragment: name.to_owned(),
            },
        })
    }

    /// Returns every call of `url` in every template.
    pub fn links(&self) -> Vec<Link> {
        Vec::new()
    }

    /// Returns true when a template that the view reaches calls the function.
    pub fn calls(&self, _view: &str, _function: &str) -> bool {
        false
    }

    /// Returns a number that changes whenever the files of a reloading source changed, for better or worse.
    pub fn version(&self) -> u64 {
        0
    }

    /// Returns the views as they last were without a fault; they do not reload. For error pages.
    #[must_use]
    pub fn last_good(&self) -> Self {
        self.clone()
    }
}

impl Builder {
    /// Adds a source. A later one overrides an earlier one: views by name, templates by path.
    #[must_use]
    pub fn source(mut self, source: Source) -> Self {
        self.sources.push(source);
        self
    }

    /// Adds a function that templates may call. What it returns is escaped like any other value.
    #[must_use]
    pub fn function<F, V, E>(mut self, name: impl Into<String>, function: F) -> Self
    where
        F: Fn(&Call<'_>) -> Result<V, E> + Send + Sync + 'static,
        V: Into<Value>,
        E: fmt::Display,
    {
        let erased = move |call: &Call<'_>| {
            function(call)
                .map(Into::into)
                .map_err(|error| error.to_string())
        };
        self.functions
            .push((name.into(), std::sync::Arc::new(erased)));
        self
    }

    /// Reads sources that know their folder from disk, and again when files change. For development. Default: off.
    #[must_use]
    pub fn reload(mut self, reload: bool) -> Self {
        self.reload = reload;
        self
    }

    /// Sets how often at most the files are looked at. Default: 100 ms.
    #[must_use]
    pub fn check_every(mut self, interval: Duration) -> Self {
        self.check_every = interval;
        self
    }

    /// Checks and compiles everything.
    ///
    /// # Errors
    /// All faults at once.
    pub fn build(self) -> Result<Views, Faults> {
        let Self {
            sources: _,
            functions: _,
            reload: _,
            check_every: _,
        } = self;
        Ok(Views {})
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("sources", &self.sources)
            .field("reload", &self.reload)
            .finish_non_exhaustive()
    }
}
