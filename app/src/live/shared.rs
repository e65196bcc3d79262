//! A fragment rendered once per distinct view, however many pages show it.

use super::Encoded;
use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// The newest rendering of each view, shared by all pages that show it.
///
/// A view is whatever makes two pages look alike (the game and whether the viewer plays, or the viewer's id); its version
/// is the state that it shows, commonly a revision. A newer version supersedes the older one of the same view.
pub struct Shared<K> {
    views: Mutex<HashMap<K, View>>,
    capacity: usize,
    renders: AtomicU64,
}

struct View {
    version: u64,
    /// Filled by whoever asks first; the others wait for it here, not on the map.
    rendered: Arc<Mutex<Option<Encoded>>>,
}

impl<K: Eq + Hash> Shared<K> {
    /// Keeps at most `capacity` views (at least one). Above it, the older half is forgotten.
    pub fn new(capacity: usize) -> Self {
        Self {
            views: Mutex::default(),
            capacity: capacity.max(1),
            renders: AtomicU64::new(0),
        }
    }

    /// Returns `view` at `version`, calling `render` only if nobody has rendered it yet.
    ///
    /// Of concurrent callers one renders, the others wait for it: `render` must be short and must not ask this same
    /// `Shared` again. A version older than the one kept is rendered for its caller alone.
    ///
    /// # Errors
    /// What `render` returned. It is not kept: the next caller renders again.
    pub fn get<E>(
        &self,
        view: K,
        version: u64,
        render: impl FnOnce() -> Result<Encoded, E>,
    ) -> Result<Encoded, E> {
        let Some(rendered) = self.slot(view, version) else {
            return self.count(render);
        };
        let mut rendered = rendered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(encoded) = &*rendered {
            return Ok(encoded.clone());
        }
        let encoded = self.count(render)?;
        *rendered = Some(encoded.clone());
        Ok(encoded)
    }

    /// Returns how often anything was rendered.
    pub fn renders(&self) -> u64 {
        self.renders.load(Ordering::Relaxed)
    }

    fn slot(&self, view: K, version: u64) -> Option<Arc<Mutex<Option<Encoded>>>> {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = views.get_mut(&view) {
            if kept.version > version {
                return None;
            }
            if kept.version < version {
                *kept = View {
                    version,
                    rendered: Arc::default(),
                };
            }
            return Some(kept.rendered.clone());
        }
        if views.len() >= self.capacity {
            forget_older_half(&mut views);
        }
        let rendered = Arc::default();
        views.insert(
            view,
            View {
                version,
                rendered: Arc::clone(&rendered),
            },
        );
        Some(rendered)
    }

    fn count<E>(&self, render: impl FnOnce() -> Result<Encoded, E>) -> Result<Encoded, E> {
        self.renders.fetch_add(1, Ordering::Relaxed);
        render()
    }
}

/// Views that nobody asks for any more stay at an old version, so these go first.
fn forget_older_half<K>(views: &mut HashMap<K, View>) {
    let mut versions: Vec<u64> = views.values().map(|view| view.version).collect();
    let middle = (versions.len() - 1) / 2;
    let (_, &mut median, _) = versions.select_nth_unstable(middle);
    views.retain(|_, view| view.version > median);
}

impl<K> fmt::Debug for Shared<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("capacity", &self.capacity)
            .field("renders", &self.renders)
            .finish_non_exhaustive()
    }
}
