//! What operators ask: alive, ready, and how much of everything.

use std::future::Future;

use http::{HeaderValue, StatusCode, header};

use crate::app::BaseApp;
use crate::assets;
use crate::body::Body;
use crate::context::Context;
use crate::endpoint::{Endpoint, Route};
use crate::error::{Error, Result};
use crate::response::{IntoResponse, Response};
use crate::tier::Tier;

/// The routes that every application has.
pub(crate) fn routes() -> [Route; 4] {
    [
        Route::new("healthz")
            .path("/healthz")
            .get(probe("healthz", healthz)),
        Route::new("readyz")
            .path("/readyz")
            .get(probe("readyz", readyz)),
        Route::new("metrics")
            .path("/metrics")
            .get(probe("metrics", metrics)),
        Route::new("assets")
            .path(format!("{}{{*path}}", assets::PREFIX))
            .get(serve_asset),
    ]
}

/// Probes are answered before the application is ready, and while it drains.
fn probe<Fut>(name: &'static str, answer: fn(Context) -> Fut) -> Endpoint
where
    Fut: Future<Output = Result<Response>> + Send + 'static,
{
    Endpoint::new(name, answer).for_probes()
}

/// 200 while the process lives.
async fn healthz(cx: Context) -> Result<Response> {
    "ok\n".into_response(&cx)
}

/// 200 when requests are served, or 503 with what is not ready, a line each.
async fn readyz(cx: Context) -> Result<Response> {
    let app = cx.app();
    let mut missing = Vec::new();
    if !app.0.phase.is_ready() {
        missing.push(app.0.phase.describe().to_owned());
    }
    if app.tasks().draining().is_cancelled() {
        missing.push("draining".to_owned());
    }
    if app.driver().ready().await.is_err() {
        missing.push("store: away".to_owned());
    }
    let mut response = if missing.is_empty() {
        "ready\n".into_response(&cx)?
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n").into_response(&cx)?
    };
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Prometheus text; for loopback only in production, unless `metrics-for-all` is set.
async fn metrics(cx: Context) -> Result<Response> {
    let app = cx.app();
    let is_near = cx.client_ip().is_some_and(|ip| ip.is_loopback());
    if app.tier() == Tier::Production && !is_near && !app.0.metrics_for_all {
        return Err(Error::not_found());
    }
    let text = metrics_text(app);
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
    );
    Ok(response)
}

/// Takes the gauges that others count, and writes everything.
fn metrics_text(app: &BaseApp) -> String {
    let (gauges, stats) = (app.0.metrics.gauges(), app.driver().stats());
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    gauges.watchers.set(count(stats.watchers));
    gauges.subscriptions.set(count(stats.subscriptions));
    gauges.tasks.set(count(app.tasks().running()));
    app.0.metrics.render()
}

async fn serve_asset(cx: Context) -> Result<Response> {
    cx.app()
        .0
        .assets
        .serve(&cx, cx.var("path").unwrap_or_default())
}
