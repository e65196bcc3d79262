//! Sources that are read again when their files change.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::fault::Faults;
use crate::set::{Function, Set};
use crate::source::{Files, Source};

/// What is needed to compile a set of views, again and again.
pub(crate) struct Recipe {
    pub(crate) sources: Vec<Source>,
    pub(crate) functions: BTreeMap<Cow<'static, str>, Function>,
}

/// A set of views that follows its files, looking at them when it is used and at most once per interval.
///
/// There is no watcher thread: nothing runs while nobody asks. Texts are compared, not times of change, which miss what
/// a checkout, a copy or two saves in one clock tick do.
pub(crate) struct Reloading {
    recipe: Recipe,
    interval: Duration,
    state: Mutex<State>,
}

struct State {
    looked: Instant,
    sources: Vec<Files>,
    good: Arc<Set>,
    faults: Option<Faults>,
    version: u64,
}

impl Recipe {
    pub(crate) fn read(&self, prefer_folders: bool) -> Result<Vec<Files>, Faults> {
        let read = self
            .sources
            .iter()
            .map(|source| source.read(prefer_folders));
        read.collect::<Result<_, _>>()
            .map_err(|fault| Faults::new([fault].into()))
    }

    pub(crate) fn compile(&self, sources: &[Files]) -> Result<Set, Faults> {
        Set::compile(sources, &self.functions)
    }
}

impl Reloading {
    pub(crate) fn new(recipe: Recipe, interval: Duration) -> Result<Self, Faults> {
        let sources = recipe.read(true)?;
        let good = Arc::new(recipe.compile(&sources)?);
        let state = State {
            looked: Instant::now(),
            sources,
            good,
            faults: None,
            version: 1,
        };
        Ok(Self {
            recipe,
            interval,
            state: Mutex::new(state),
        })
    }

    /// The set as the files are now, or what is wrong with them.
    pub(crate) fn current(&self) -> Result<Arc<Set>, Faults> {
        self.look(|state| {
            state
                .faults
                .clone()
                .map_or_else(|| Ok(Arc::clone(&state.good)), Err)
        })
    }

    /// The last set without a fault.
    pub(crate) fn last_good(&self) -> Arc<Set> {
        self.look(|state| Arc::clone(&state.good))
    }

    /// Counts how often the files changed, for better or worse.
    pub(crate) fn version(&self) -> u64 {
        self.look(|state| state.version)
    }

    fn look<T>(&self, answer: impl FnOnce(&State) -> T) -> T {
        // A panic while compiling leaves the state as it was, so a poisoned lock is as good as new.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.elapsed() >= self.interval {
            state.look_again(&self.recipe);
            state.looked = Instant::now();
        }
        answer(&state)
    }
}

impl State {
    fn look_again(&mut self, recipe: &Recipe) {
        let (sources, compiled) = match recipe.read(true) {
            Ok(sources) if sources == self.sources => return,
            Ok(sources) => {
                let compiled = recipe.compile(&sources);
                (sources, compiled)
            }
            Err(faults) if self.faults.as_ref() == Some(&faults) => return,
            // Nothing that is read later equals this, so the next good read is taken up.
            Err(faults) => (Vec::new(), Err(faults)),
        };
        self.sources = sources;
        self.version += 1;
        match compiled {
            Ok(set) => (self.good, self.faults) = (Arc::new(set), None),
            Err(faults) => self.faults = Some(faults),
        }
    }
}
