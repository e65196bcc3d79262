//! The answer of an action: one handler, three faces.

use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::body::Body;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::face::Face;
use crate::live::{Encoded, Event, EventId};
use crate::response::{IntoResponse, Json, Response, SeeOther};

/// The answer of an action, in the face that the request asks for.
///
/// | the request is | and gets |
/// |---|---|
/// | a plain form | `303 See Other` to the page that [`Context::reply`] names |
/// | a JSON client's | the value of [`Reply::json`] with its status, or 204 without one |
/// | live | the events given, or 204 with nothing to say |
///
/// ```
/// # use pleach::{Context, IntoResponse, Result};
/// async fn rename(cx: Context) -> Result<impl IntoResponse> {
///     Ok(cx.reply("/profile").json(&serde_json::json!({ "renamed": true }))?)
/// }
/// ```
#[must_use]
#[derive(Debug)]
pub struct Reply {
    form_goes_to: String,
    status: StatusCode,
    json: Option<Vec<u8>>,
    events: Vec<Event>,
    follow: bool,
}

impl Reply {
    pub(crate) fn to(form_goes_to: impl Into<String>) -> Self {
        Self {
            form_goes_to: form_goes_to.into(),
            status: StatusCode::OK,
            json: None,
            events: Vec::new(),
            follow: false,
        }
    }

    /// Sets the value for a JSON client. Default: none, which is 204.
    ///
    /// # Errors
    /// When the value has no form in JSON.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Result<Self> {
        self.json = Some(serde_json::to_vec(value).map_err(Error::internal)?);
        Ok(self)
    }

    /// Sets the status of the JSON answer. Default: 200.
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Adds an event for a live request.
    pub fn event(mut self, event: Event) -> Self {
        self.events.push(event);
        self
    }

    /// Sends a live request to the page that a form goes to, too. Without it the page stays, and its own stream shows the change.
    pub fn follow(mut self) -> Self {
        self.follow = true;
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self, cx: &Context) -> Result<Response> {
        match cx.face() {
            Face::Page => SeeOther(self.form_goes_to).into_response(cx),
            Face::Json => match self.json {
                None => ().into_response(cx),
                Some(json) => {
                    let mut response = Json(()).into_response(cx)?;
                    *response.body_mut() = Body::from(json);
                    *response.status_mut() = self.status;
                    Ok(response)
                }
            },
            Face::Live => {
                let mut events = self.events;
                if self.follow {
                    events.push(Event::redirect(&self.form_goes_to)?);
                }
                live_answer(cx, events)
            }
        }
    }
}

/// Events that answer an action and end there. None of them shows a state that a stream could resume after.
fn live_answer(cx: &Context, events: Vec<Event>) -> Result<Response> {
    if events.is_empty() {
        return ().into_response(cx);
    }
    let encoded = events
        .into_iter()
        .map(|event| event.id(EventId::new(0, 0)).encode())
        .collect::<Result<Vec<_>, _>>()?;
    let mut response = Response::new(Body::full(Encoded::join(encoded).bytes().clone()));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}
