//! What an application keeps for all its requests, found by type.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;

use crate::app::BaseApp;
use crate::body::BoxError;
use crate::endpoint::Need;

type Shared = Arc<dyn Any + Send + Sync>;
type Make = Box<dyn FnOnce(BaseApp) -> BoxFuture<'static, Result<Shared, BoxError>> + Send>;

/// A state before the application starts: known by type, so that the start-up check can see it, and not made yet.
pub(crate) struct StateSource {
    pub(crate) need: Need,
    pub(crate) make: Make,
}

impl StateSource {
    pub(crate) fn new<T, F, Fut, E>(make: F) -> Self
    where
        T: Send + Sync + 'static,
        F: FnOnce(BaseApp) -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let make: Make = Box::new(|app| {
            Box::pin(async move { Ok(Arc::new(make(app).await.map_err(Into::into)?) as Shared) })
        });
        Self {
            need: Need::state::<T>(),
            make,
        }
    }
}

/// The states, each set once while the application starts.
pub(crate) struct States(HashMap<TypeId, OnceLock<Shared>>);

impl States {
    pub(crate) fn with_room_for<'a>(needs: impl Iterator<Item = &'a Need>) -> Self {
        Self(needs.map(|need| (need.type_id, OnceLock::new())).collect())
    }

    pub(crate) fn has(&self, need: &Need) -> bool {
        self.0.contains_key(&need.type_id)
    }

    pub(crate) fn set(&self, need: &Need, state: Shared) {
        let slot = self
            .0
            .get(&need.type_id)
            .expect("there is room for every state that has a source");
        let _first_wins = slot.set(state);
    }

    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        Arc::clone(self.0.get(&TypeId::of::<T>())?.get()?)
            .downcast()
            .ok()
    }
}
