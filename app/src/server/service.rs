//! One request's way through the server, around the application.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;

use super::Serve;
use super::link::Link;
use super::refusal::RETRY_AFTER;
use super::stream::Handover;
use crate::body::{Body, BoxError};
use crate::origin::Peer;

/// What the requests of one connection share.
pub(super) struct Visit<S> {
    app: Arc<S>,
    link: Arc<Link>,
    peer: Peer,
    /// A stream that waits for hyper to have written its head.
    handover: Mutex<Option<Handover>>,
}

impl<S> Visit<S> {
    pub(super) fn new(app: Arc<S>, link: Arc<Link>, peer: Peer) -> Self {
        Self {
            app,
            link,
            peer,
            handover: Mutex::new(None),
        }
    }

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// Takes the stream whose head is written.
    pub(super) fn take_handover(&self) -> Option<Handover> {
        self.handover
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// Has the application answer a request, within the budgets.
///
/// The application is called before there is a future: with the request in it the future would be larger by half, and hyper copies it.
pub(super) fn answer<S: Serve>(
    visit: Arc<Visit<S>>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Counted<S>>, Infallible>> + Send + use<S> {
    let version = request.version();
    let has_body = !request.body().is_end_stream();
    // The body of a stream is ours to write where no other rule of HTTP/1.1 bears on it: a body that is still to be read, or none to send.
    let may_hand_over =
        version == Version::HTTP_11 && !has_body && request.method() != Method::HEAD;
    let in_flight = InFlight::new(visit, version == Version::HTTP_2, has_body);
    let answer = in_flight.visit.app.call(request, in_flight.visit.peer);
    async move { Ok(pass(answer.await, in_flight, version, may_hand_over)) }
}

/// Passes an answer on to hyper, within the budgets.
fn pass<S: Serve>(
    mut response: Response<Body>,
    in_flight: InFlight<S>,
    version: Version,
    may_hand_over: bool,
) -> Response<Counted<S>> {
    if response.body().is_stream() || response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return answer_at_length(response, in_flight, may_hand_over);
    }
    let link = in_flight.visit.link();
    if link.connections().budget().is_pressed() {
        close_after(&mut response, link, version);
    }
    response.map(|body| Counted::Here {
        body,
        _request: in_flight,
    })
}

/// Lets an answer that has no end of its own go out, if there is room for it.
fn answer_at_length<S: Serve>(
    response: Response<Body>,
    mut in_flight: InFlight<S>,
    may_hand_over: bool,
) -> Response<Counted<S>> {
    let Visit {
        app,
        link,
        handover,
        ..
    } = &*in_flight.visit;
    let is_upgrade = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let has_room = if is_upgrade {
        link.upgrade()
    } else {
        link.begin_stream()
    };
    if !has_room {
        let mut refusal = app.refuse(StatusCode::SERVICE_UNAVAILABLE);
        refusal
            .headers_mut()
            .insert(header::RETRY_AFTER, RETRY_AFTER);
        return refusal.map(|body| Counted::Here {
            body,
            _request: in_flight,
        });
    }
    if may_hand_over && !is_upgrade && response.status() == StatusCode::OK {
        let (head, body) = response.into_parts();
        *handover.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Handover::new(body, link.clone()));
        link.hand_over();
        in_flight.kind = Kind::HandedOver;
        return Response::from_parts(head, Counted::Elsewhere);
    }
    in_flight.kind = if is_upgrade {
        Kind::Ordinary
    } else {
        Kind::Stream
    };
    response.map(|body| Counted::Here {
        body,
        _request: in_flight,
    })
}

/// Ends a connection after this answer, because places are scarce.
fn close_after(response: &mut Response<Body>, link: &Link, version: Version) {
    if version == Version::HTTP_2 {
        link.finish();
    } else {
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

/// A request at work: from its head to the last byte of its answer, or to the moment the client leaves.
pub(super) struct InFlight<S> {
    visit: Arc<Visit<S>>,
    kind: Kind,
}

enum Kind {
    Ordinary,
    Stream,
    /// The [`Handover`] counts it.
    HandedOver,
}

impl<S> InFlight<S> {
    fn new(visit: Arc<Visit<S>>, is_multiplexed: bool, has_body: bool) -> Self {
        visit.link.request_came(is_multiplexed, has_body);
        Self {
            visit,
            kind: Kind::Ordinary,
        }
    }
}

impl<S> Drop for InFlight<S> {
    fn drop(&mut self) {
        let link = &self.visit.link;
        match self.kind {
            Kind::Ordinary => link.request_over(),
            Kind::Stream => {
                link.end_stream();
                link.request_over();
            }
            Kind::HandedOver => {}
        }
    }
}

/// The body of an answer, as hyper sees it.
pub(super) enum Counted<S> {
    /// When hyper drops it, the request is over.
    Here { body: Body, _request: InFlight<S> },
    /// A body that never comes: hyper writes the head of the answer and waits, and meanwhile the socket is taken from it.
    Elsewhere,
}

impl<S> HttpBody for Counted<S> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Here { body, .. } => Pin::new(body).poll_frame(cx),
            Self::Elsewhere => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Here { body, .. } => body.is_end_stream(),
            Self::Elsewhere => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Here { body, .. } => body.size_hint(),
            Self::Elsewhere => SizeHint::default(),
        }
    }
}
