//! The views of an application: collected, checked once, rendered by name.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tera::Value;

use crate::call::Call;
use crate::data::Data;
use crate::error::{Error, Kind};
use crate::fault::Faults;
use crate::reload::{Recipe, Reloading};
use crate::set::{Link, Set};
use crate::source::Source;

/// The views of an application. Clones are handles to the same views, for any number of threads.
///
/// Nothing here awaits. Rendering is computing only; while [`Builder::reload`] is on, it reads files too.
#[derive(Clone)]
pub struct Views {
    inner: Inner,
}

#[derive(Clone)]
enum Inner {
    Fixed(Arc<Set>),
    Reloading(Arc<Reloading>),
}

impl Views {
    /// Begins to collect sources and functions.
    pub fn builder() -> Builder {
        Builder {
            sources: Vec::new(),
            functions: BTreeMap::new(),
            reload: false,
            reload_interval: Duration::from_millis(100),
        }
    }

    /// Returns true when there is a view of that name to render.
    pub fn has(&self, view: &str) -> bool {
        self.last_good_set().has(view)
    }

    /// Returns the names of all views that can be rendered, sorted.
    pub fn names(&self) -> Vec<String> {
        self.last_good_set().names()
    }

    /// Renders a whole view.
    ///
    /// # Errors
    /// [`Error::is_unknown_view`]; [`Error::reload_faults`] when changed files have faults; otherwise a template failed
    /// or a value could not be serialised, and the error's text says which and where.
    pub fn render(&self, view: &str, data: &Data) -> Result<String, Error> {
        self.with_current(|set| set.render(view, data))
    }

    /// Renders one block or component of a view alone, out of the same files as the page and equal to what stands
    /// there.
    ///
    /// A block gets `data` as it is: what the page around it would `set`, or loop over, it does not see. A component
    /// takes its parameters from `data` by name. Of blocks with the same name, one in the `content` counts before those
    /// of other parts, and a block before a component.
    ///
    /// A block costs what it shows, not what the page costs; except that a block which calls `super()`, or holds blocks
    /// that are overridden elsewhere, is cut out of a render of its page.
    ///
    /// # Errors
    /// [`Error::is_unknown_fragment`], and those of [`Views::render`].
    pub fn fragment(&self, view: &str, name: &str, data: &Data) -> Result<String, Error> {
        self.with_current(|set| set.fragment(view, name, data))
    }

    /// Returns every call of `url` in every template, so that all of them can be checked before the first request.
    pub fn links(&self) -> Vec<Link> {
        self.last_good_set().links()
    }

    /// Returns true when the view exists and a template that it reaches calls the function: a page whose templates
    /// never ask for `flash` need not load any.
    pub fn calls(&self, view: &str, function: &str) -> bool {
        self.last_good_set().calls(view, function)
    }

    /// Returns a number that grows when files changed, for better or worse: an open page that sees it change reloads.
    /// Without [`Builder::reload`] it stays the same.
    pub fn version(&self) -> u64 {
        match &self.inner {
            Inner::Fixed(_) => 0,
            Inner::Reloading(reloading) => reloading.version(),
        }
    }

    /// Returns the views as they were when all files were last without a fault, fixed. Error pages are rendered with
    /// these, also when it is the files that are wrong.
    #[must_use]
    pub fn last_good(&self) -> Self {
        Self {
            inner: Inner::Fixed(self.last_good_set()),
        }
    }

    fn last_good_set(&self) -> Arc<Set> {
        match &self.inner {
            Inner::Fixed(set) => Arc::clone(set),
            Inner::Reloading(reloading) => reloading.last_good(),
        }
    }

    fn with_current<T>(&self, render: impl FnOnce(&Set) -> Result<T, Error>) -> Result<T, Error> {
        match &self.inner {
            Inner::Fixed(set) => render(set),
            Inner::Reloading(reloading) => {
                let set = reloading
                    .current()
                    .map_err(|faults| Kind::Reload { faults })?;
                render(&set)
            }
        }
    }
}

impl fmt::Debug for Views {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Views")
            .field("names", &self.names())
            .finish_non_exhaustive()
    }
}

/// Collects what views are made of. Made by [`Views::builder`].
#[must_use]
pub struct Builder {
    sources: Vec<Source>,
    functions: BTreeMap<Cow<'static, str>, crate::set::Function>,
    reload: bool,
    reload_interval: Duration,
}

impl Builder {
    /// Adds a source. A later one overrides those before it: views by name, templates by path. Default: none.
    pub fn source(mut self, source: Source) -> Self {
        self.sources.push(source);
        self
    }

    /// Adds a function that templates can call, or replaces the one of that name. What it returns is escaped like any
    /// other value, unless it is [`Value::safe_string`]. An error fails the render, which adds the place.
    /// Default: those of the engine, `range` and `throw`.
    pub fn function<F, V, E>(mut self, name: impl Into<Cow<'static, str>>, function: F) -> Self
    where
        F: Fn(&Call<'_>) -> Result<V, E> + Send + Sync + 'static,
        V: Into<Value>,
        E: fmt::Display,
    {
        let function = move |call: &Call<'_>| match function(call) {
            Ok(value) => Ok(value.into()),
            Err(error) => Err(error.to_string()),
        };
        self.functions.insert(name.into(), Arc::new(function));
        self
    }

    /// Reads each source that has a folder from there, and again when a file changes: for development.
    /// Default: false, files are read once, from the binary where they are embedded.
    pub fn reload(mut self, reload: bool) -> Self {
        self.reload = reload;
        self
    }

    /// Sets how long files are taken for unchanged after a look at them. Default: 100 ms.
    pub fn reload_interval(mut self, interval: Duration) -> Self {
        self.reload_interval = interval;
        self
    }

    /// Compiles and checks everything.
    ///
    /// # Errors
    /// All mistakes that there are in tables and templates, and files that can't be read.
    pub fn build(self) -> Result<Views, Faults> {
        let Self {
            sources,
            functions,
            reload,
            reload_interval,
        } = self;
        let reload = reload && sources.iter().any(Source::has_folder);
        let recipe = Recipe { sources, functions };
        let inner = if reload {
            Inner::Reloading(Arc::new(Reloading::new(recipe, reload_interval)?))
        } else {
            Inner::Fixed(Arc::new(recipe.compile(&recipe.read(false)?)?))
        };
        Ok(Views { inner })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("sources", &self.sources)
            .field("functions", &self.functions.keys())
            .field("reload", &self.reload)
            .finish_non_exhaustive()
    }
}
