//! The test that the official tests of Datastar's SDKs ask of a server: answers with the events that a request describes.

use pleach::http::{HeaderValue, header};
use pleach::live::{Encoded, Sent, events_from_test_request, signals_from};
use pleach::{Body, Context, Error, IntoResponse, Part, Response, Result, Route};

async fn test(cx: Context) -> Result<Response> {
    let body = cx.body().await?;
    let content_type = cx
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let sent =
        signals_from(cx.method(), cx.uri().query(), content_type, &body).map_err(malformed)?;
    let Sent::Signals(request) = sent else {
        return Err(Error::malformed(
            "The events to send are missing: {\"events\":[…]}.",
        ));
    };
    let events = events_from_test_request(request.json()).map_err(malformed)?;
    let encoded = events
        .iter()
        .map(|event| event.encode())
        .collect::<Result<Vec<Encoded>, _>>()
        .map_err(malformed)?;
    let mut response = Body::full(Encoded::join(encoded)).into_response(&cx)?;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

fn malformed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::malformed(error.to_string()).because(error)
}

pub(crate) fn part() -> Part {
    Part::new().route(Route::new("test").path("/test").get(test).post(test))
}
