//! The test that the official Datastar SDK tests ask of a server: answers with the events that a request describes.

use pleach::live::{Encoded, events_from_test_request, signals_from};
use pleach::{Body, Context, Error, IntoResponse, Part, Response, Result, Route};

async fn test(cx: Context) -> Result<Response> {
    let body = cx.body().await?;
    let content_type = cx.headers().get("content-type").and_then(|value| value.to_str().ok());
    let signals = signals_from(cx.method(), cx.uri().query(), content_type, &body)?;
    let events = events_from_test_request(signals.json()).map_err(|error| Error::malformed(error.to_string()))?;
    let encoded = events.iter().map(|event| event.encode()).collect::<Result<Vec<Encoded>, _>>()?;
    let mut response = Body::full(Encoded::join(encoded).bytes().clone()).into_response(&cx)?;
    response.headers_mut().insert("content-type", pleach::http::HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert("cache-control", pleach::http::HeaderValue::from_static("no-cache"));
    Ok(response)
}

pub(crate) fn part() -> Part {
    Part::new().route(Route::new("test").path("/test").get(test).post(test))
}
