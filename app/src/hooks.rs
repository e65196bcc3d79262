//! Where an application steps into the way of every request.

use std::future::Future;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::StatusCode;

use crate::app::BaseApp;
use crate::body::BoxError;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::response::Response;

/// What runs once, before anyone is served.
pub(crate) type Init =
    Box<dyn FnOnce(BaseApp) -> BoxFuture<'static, std::result::Result<(), BoxError>> + Send>;
type Start = Arc<dyn Fn(Context) -> BoxFuture<'static, Result<Option<Response>>> + Send + Sync>;
type OnError = Arc<dyn Fn(&Context, &Error) + Send + Sync>;
type OnFinish = Arc<dyn Fn(&Context, StatusCode) + Send + Sync>;

/// Makes an init hook of an async function.
pub(crate) fn init<F, Fut, E>(hook: F) -> Init
where
    F: FnOnce(BaseApp) -> Fut + Send + 'static,
    Fut: Future<Output = std::result::Result<(), E>> + Send + 'static,
    E: Into<BoxError>,
{
    Box::new(|app| Box::pin(async move { hook(app).await.map_err(Into::into) }))
}

/// The hooks that every request meets, each list in the order in which it was filled.
#[derive(Default)]
pub(crate) struct Hooks {
    pub(crate) start: Vec<Start>,
    pub(crate) on_error: Vec<OnError>,
    pub(crate) on_finish: Vec<OnFinish>,
}

impl Hooks {
    pub(crate) fn push_start<F, Fut>(&mut self, hook: F)
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<Response>>> + Send + 'static,
    {
        self.start.push(Arc::new(move |cx| Box::pin(hook(cx))));
    }

    pub(crate) fn append(&mut self, other: Self) {
        let Self {
            start,
            on_error,
            on_finish,
        } = other;
        self.start.extend(start);
        self.on_error.extend(on_error);
        self.on_finish.extend(on_finish);
    }
}
