//! Tower in both directions: an application is a service, layers go around the whole, and any service mounts at a route.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context as Task, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::Request;
use tower_layer::Layer;
use tower_service::Service;
use tracing::error;

use crate::app::{App, BaseApp};
use crate::body::{Body, BoxError};
use crate::context::Context;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::origin::Peer;
use crate::response::Response;

impl<B> Service<Request<B>> for BaseApp
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Task<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    /// Answers a request. A [`Peer`] among the request's extensions tells who sent it.
    fn call(&mut self, request: Request<B>) -> Self::Future {
        let app = self.clone();
        let peer = request
            .extensions()
            .get::<Peer>()
            .copied()
            .unwrap_or_default();
        Box::pin(async move { Ok(app.handle(request.map(Body::wrap), peer).await) })
    }
}

/// The application with the layers that were put around it so far: what the next layer wraps.
#[derive(Clone)]
pub struct Layered(Inner);

#[derive(Clone)]
enum Inner {
    /// Weak, because the application itself holds its layers.
    App(Weak<App>),
    Wrapped(Arc<dyn Fn(Request<Body>) -> BoxFuture<'static, Response> + Send + Sync>),
}

/// Puts a layer around what there is.
pub(crate) type AddLayer = Box<dyn FnOnce(Layered) -> Layered + Send>;

impl Layered {
    pub(crate) fn app(app: &Arc<App>) -> Self {
        Self(Inner::App(Arc::downgrade(app)))
    }

    pub(crate) fn add<L, S, B>(layer: L) -> AddLayer
    where
        L: Layer<Self, Service = S> + Send + 'static,
        S: Service<Request<Body>, Response = http::Response<B>> + Clone + Send + Sync + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Box::new(move |inner| {
            let service = layer.layer(inner);
            Self(Inner::Wrapped(Arc::new(move |request| {
                let service = service.clone();
                Box::pin(async move {
                    match call(service, request).await {
                        Ok(response) => response,
                        Err(cause) => failed(&cause),
                    }
                })
            })))
        })
    }

    pub(crate) fn handle(&self, request: Request<Body>) -> BoxFuture<'static, Response> {
        match self.0.clone() {
            Inner::App(app) => Box::pin(async move {
                match app.upgrade() {
                    Some(app) => BaseApp::new(app).answer_inside(request).await,
                    None => failed(&"the application is gone".into()),
                }
            }),
            Inner::Wrapped(wrapped) => wrapped(request),
        }
    }
}

impl Service<Request<Body>> for Layered {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Task<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answer = self.handle(request);
        Box::pin(async move { Ok(answer.await) })
    }
}

/// A layer stands outside of any request's context, so its failure has no face but this.
fn failed(cause: &BoxError) -> Response {
    error!(error = %cause, "a tower layer failed");
    let mut response = Response::new(Body::from("500 Something went wrong on our side.\n"));
    *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
    response
}

async fn call<S, B>(mut service: S, request: Request<Body>) -> Result<Response, BoxError>
where
    S: Service<Request<Body>, Response = http::Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    std::future::poll_fn(|task| service.poll_ready(task))
        .await
        .map_err(Into::into)?;
    Ok(service
        .call(request)
        .await
        .map_err(Into::into)?
        .map(Body::wrap))
}

impl Endpoint {
    /// Mounts a tower service: it gets the requests of its route whole, with the path as it was sent.
    ///
    /// A `prefix` route around it gives it a whole branch: `Route::new("old").prefix("/old").any(Endpoint::service(service))`.
    pub fn service<S, B>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = http::Response<B>> + Clone + Send + Sync + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::new(std::any::type_name::<S>(), move |cx: Context| {
            let service = service.clone();
            async move {
                let mut request = Request::new(cx.take_body());
                *request.method_mut() = cx.method().clone();
                *request.uri_mut() = cx.uri().clone();
                *request.version_mut() = cx.head().version;
                *request.headers_mut() = cx.headers().clone();
                call(service, request).await.map_err(Error::internal)
            }
        })
    }
}
