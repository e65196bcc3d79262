//! What operators ask: alive, ready, and how much of everything.

use http::{HeaderValue, StatusCode, header};

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
        Route::new("healthz").path("/healthz").get(probe("healthz", healthz)),
        Route::new("readyz").path("/readyz").get(probe("readyz", readyz)),
        Route::new("metrics").path("/metrics").get(probe("metrics", metrics)),
        Route::new("assets").path(&format!("{}{{*path}}", assets::PREFIX)).get(serve_asset),
    ]
}

/// Probes are answered before the application is ready, and while it drains.
fn probe(name: &'static str, answer: fn(&Context) -> Result<Response>) -> Endpoint {
    Endpoint::new(name, move |cx| async move { answer(&cx) }).for_probes()
}

/// 200 while the process lives.
fn healthz(cx: &Context) -> Result<Response> {
    "ok\n".into_response(cx)
}

/// 200 when requests are served, or 503 with what is not ready, a line each.
fn readyz(cx: &Context) -> Result<Response> {
    let app = cx.app();
    let mut missing = Vec::new();
    if !app.0.phase.is_ready() {
        missing.push(app.0.phase.describe().to_owned());
    }
    if app.tasks().draining().is_cancelled() {
        missing.push("draining".to_owned());
    }
    if app.driver().ready().is_err() {
        missing.push("store: away".to_owned());
    }
    let mut response = if missing.is_empty() {
        "ready\n".into_response(cx)?
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n").into_response(cx)?
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Prometheus text; for loopback only in production, unless `metrics-for-all` is set.
fn metrics(cx: &Context) -> Result<Response> {
    let app = cx.app();
    let is_near = cx.client_ip().is_some_and(|ip| ip.is_loopback());
    if app.tier() == Tier::Production && !is_near && !app.0.metrics_for_all {
        return Err(Error::not_found());
    }
    let mut response = Response::new(Body::from(app.metrics_text()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    Ok(response)
}

async fn serve_asset(cx: Context) -> Result<Response> {
    cx.app().0.assets.serve(&cx, cx.var("path").unwrap_or_default())
}
