//! One request's way through the server, around the application.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Request, Response, StatusCode, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;

use super::Serve;
use super::link::Link;
use super::refusal::RETRY_AFTER;
use crate::body::{Body, BoxError};
use crate::origin::Peer;

/// What the requests of one connection share.
pub(super) struct Visit<S> {
    pub(super) app: Arc<S>,
    pub(super) link: Arc<Link>,
    pub(super) peer: Peer,
}

/// Has the application answer a request, within the budgets.
pub(super) async fn answer<S: Serve>(
    visit: Arc<Visit<S>>,
    request: Request<Incoming>,
) -> Result<Response<Counted<S>>, Infallible> {
    let is_multiplexed = request.version() == Version::HTTP_2;
    let mut request_in_flight =
        InFlight::new(visit, is_multiplexed, !request.body().is_end_stream());
    let Visit { app, link, peer } = &*request_in_flight.visit;
    let mut response = app.call(request, *peer).await;
    let has_room = if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        link.upgrade()
    } else if response.body().is_stream() {
        let has_room = link.begin_stream();
        request_in_flight.is_stream = has_room;
        has_room
    } else {
        true
    };
    let Visit { app, link, .. } = &*request_in_flight.visit;
    if !has_room {
        response = app.refuse(StatusCode::SERVICE_UNAVAILABLE);
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    if link.connections().budget().is_pressed() {
        if is_multiplexed {
            link.finish();
        } else {
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
    Ok(response.map(|body| Counted {
        body,
        _request: request_in_flight,
    }))
}

/// A request at work: from its head to the last byte of its answer, or to the moment the client leaves.
struct InFlight<S> {
    visit: Arc<Visit<S>>,
    is_stream: bool,
}

impl<S> InFlight<S> {
    fn new(visit: Arc<Visit<S>>, is_multiplexed: bool, has_body: bool) -> Self {
        visit.link.request_came(is_multiplexed, has_body);
        Self {
            visit,
            is_stream: false,
        }
    }
}

impl<S> Drop for InFlight<S> {
    fn drop(&mut self) {
        if self.is_stream {
            self.visit.link.end_stream();
        }
        self.visit.link.request_over();
    }
}

/// The body of an answer; when hyper drops it, the request is over.
pub(super) struct Counted<S> {
    body: Body,
    _request: InFlight<S>,
}

impl<S> HttpBody for Counted<S> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
