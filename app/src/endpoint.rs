//! What hangs on a route: a handler with its extractions, or a tower service.

use std::any::TypeId;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use pin_project_lite::pin_project;
use pleach_router::FromHandler;

use crate::context::Context;
use crate::error::Result;
use crate::extract::FromContext;
use crate::response::{IntoResponse, Response};

/// A route of an application.
pub type Route = pleach_router::Route<Endpoint>;

/// A handler at work.
pub(crate) type Work = Pin<Box<dyn Answer + Send>>;

/// A future of an answer that borrows the request's context when it is polled, instead of keeping one more handle on it.
pub(crate) trait Answer {
    fn poll_answer(
        self: Pin<&mut Self>,
        cx: &Context,
        task: &mut Task<'_>,
    ) -> Poll<Result<Response>>;
}

/// Makes work of a future whose value becomes the response.
pub(crate) fn work<F, R>(future: F) -> Work
where
    F: Future<Output = Result<R>> + Send + 'static,
    R: IntoResponse,
{
    Box::pin(Respond { future })
}

pin_project! {
    struct Respond<F> {
        #[pin]
        future: F,
    }
}

impl<F, R> Answer for Respond<F>
where
    F: Future<Output = Result<R>>,
    R: IntoResponse,
{
    fn poll_answer(
        self: Pin<&mut Self>,
        cx: &Context,
        task: &mut Task<'_>,
    ) -> Poll<Result<Response>> {
        match self.project().future.poll(task) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(value)) => Poll::Ready(value.into_response(cx)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        }
    }
}

type Call = Box<dyn Fn(Context) -> Work + Send + Sync>;

/// What answers the requests of a route.
///
/// Any `async fn(Context, …) -> impl IntoResponse` becomes one where a route asks for a handler; the arguments after
/// [`Context`] are extracted from the request ([`FromContext`]), in order, and the first that fails answers.
pub struct Endpoint {
    call: Call,
    name: &'static str,
    needs: Vec<Need>,
    for_probes: bool,
}

/// A state that a handler asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    pub(crate) type_id: TypeId,
    pub(crate) type_name: &'static str,
}

impl Need {
    /// Names a state of type `T`.
    #[must_use]
    pub fn state<T: 'static>() -> Self {
        Self {
            type_id: TypeId::of::<T>(),
            type_name: std::any::type_name::<T>(),
        }
    }
}

impl Endpoint {
    /// Makes an endpoint from a function that is already in its final form; `name` is what logs and `routes` show.
    pub fn new<F, Fut>(name: &'static str, call: F) -> Self
    where
        F: Fn(Context) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Response>> + Send + 'static,
    {
        let call: Call = Box::new(move |cx| {
            let call = call.clone();
            // Called when it is polled, so that a panic in it is an answer.
            work(async move { call(cx).await })
        });
        Self {
            call,
            name,
            needs: Vec::new(),
            for_probes: false,
        }
    }

    /// Makes the future of an answer. Nothing of the handler has run before it is polled.
    pub(crate) fn call(&self, cx: Context) -> Work {
        (self.call)(cx)
    }

    /// Answers also while the application is not ready: for what asks whether it is.
    pub(crate) fn for_probes(self) -> Self {
        Self {
            for_probes: true,
            ..self
        }
    }

    pub(crate) fn is_for_probes(&self) -> bool {
        self.for_probes
    }

    pub(crate) fn needs(&self) -> &[Need] {
        &self.needs
    }

    /// Returns the path of the function that answers, such as `game::board::page`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.name).finish()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Makes an endpoint of every async function of a context and up to six extractions.
macro_rules! handlers {
    ($(($($argument:ident),*))*) => {$(
        impl<F, Fut, R, $($argument),*> FromHandler<F, (Context, $($argument,)*)> for Endpoint
        where
            F: Fn(Context, $($argument),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = R> + Send + 'static,
            R: IntoResponse,
            $($argument: FromContext + Send + 'static,)*
        {
            #[allow(non_snake_case, reason = "the arguments are named by their types")]
            fn from_handler(handler: F) -> Self {
                let call: Call = Box::new(move |cx| {
                    let handler = handler.clone();
                    work(async move {
                        $(let $argument = $argument::from_context(&cx).await?;)*
                        Ok(handler(cx, $($argument),*).await)
                    })
                });
                #[allow(unused_mut, reason = "a handler without extractions has no needs")]
                let mut needs = Vec::new();
                $($argument::needs(&mut needs);)*
                Self { call, name: std::any::type_name::<F>(), needs, for_probes: false }
            }
        }
    )*};
}
handlers! { () (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, G) }
