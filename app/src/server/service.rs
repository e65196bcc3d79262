//! One request's way through the server, around the application.

use std::convert::Infallible;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;

use super::Serve;
use super::link::Link;
use super::refusal::RETRY_AFTER;
use super::stream::Handover;
use crate::body::{Body, BoxError, Inner};
use crate::origin::Peer;

/// What the requests of one connection share.
pub(super) struct Visit<S> {
    app: S,
    link: Arc<Link>,
    peer: Peer,
    /// A stream that waits for hyper to have written its head.
    handover: Mutex<Option<Handover>>,
}

impl<S> Visit<S> {
    pub(super) fn new(app: S, link: Arc<Link>, peer: Peer) -> Self {
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
/// A future written by hand, because an `async fn` would move the request and the response several times more.
pub(super) fn answer<S, V>(
    visit: V,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<Body>, Infallible>> + use<S, V>
where
    S: Serve,
    V: Deref<Target = Visit<S>>,
{
    let version = request.version();
    let has_body = !request.body().is_end_stream();
    let at_work = AtWork::new(visit, version == Version::HTTP_2, has_body);
    Answer {
        version,
        // The body of a stream is ours to write where no other rule of HTTP/1.1 bears on it: a body that is still to be read, or none to
        // send.
        may_hand_over: version == Version::HTTP_11 && !has_body && request.method() != Method::HEAD,
        call: at_work.0.app.call(request, at_work.0.peer),
        at_work,
    }
}

pin_project! {
    struct Answer<S, V: Deref<Target = Visit<S>>, F> {
        version: Version,
        may_hand_over: bool,
        #[pin]
        call: F,
        at_work: AtWork<S, V>,
    }
}

impl<S, V, F> Future for Answer<S, V, F>
where
    S: Serve,
    V: Deref<Target = Visit<S>>,
    F: Future<Output = Response<Body>>,
{
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.call.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(response) => {
                let visit = &*this.at_work.0;
                let is_ordinary = is_at_hand(response.body())
                    && response.status() != StatusCode::SWITCHING_PROTOCOLS;
                if is_ordinary && !visit.link.connections().budget().is_pressed() {
                    return Poll::Ready(Ok(response));
                }
                Poll::Ready(Ok(visit.attend(
                    response,
                    *this.version,
                    *this.may_hand_over,
                )))
            }
        }
    }
}

impl<S: Serve> Visit<S> {
    /// Lets an answer go out that takes time, or goes out while places are scarce.
    #[cold]
    fn attend(
        &self,
        response: Response<Body>,
        version: Version,
        may_hand_over: bool,
    ) -> Response<Body> {
        let mut response = if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            if self.link.upgrade() {
                return response;
            }
            self.no_room()
        } else if response.body().is_stream() {
            self.stream(response, may_hand_over)
        } else if !is_at_hand(response.body()) {
            let request = Kept::new(&self.link);
            response.map(|body| {
                Body::wrap(Counted {
                    body,
                    _request: request,
                })
            })
        } else {
            response
        };
        if self.link.connections().budget().is_pressed() {
            if version == Version::HTTP_2 {
                self.link.finish();
            } else {
                response
                    .headers_mut()
                    .insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
        }
        response
    }

    /// Lets a stream go out, if there is room for it.
    fn stream(&self, response: Response<Body>, may_hand_over: bool) -> Response<Body> {
        if !self.link.begin_stream() {
            return self.no_room();
        }
        let stream = Stream {
            request: Kept::new(&self.link),
        };
        if !may_hand_over || response.status() != StatusCode::OK {
            return response.map(|body| {
                Body::wrap(Counted {
                    body,
                    _request: stream,
                })
            });
        }
        let (head, body) = response.into_parts();
        *self.handover.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Handover::new(body, stream));
        self.link.hand_over();
        Response::from_parts(head, Body::wrap(Elsewhere))
    }

    fn no_room(&self) -> Response<Body> {
        let mut response = self.app.refuse(StatusCode::SERVICE_UNAVAILABLE);
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, RETRY_AFTER);
        response
    }
}

fn is_at_hand(body: &Body) -> bool {
    matches!(body.0, Inner::Empty | Inner::Full(_))
}

/// A request from its head to its answer, or to the moment the client leaves.
///
/// An answer whose body is at hand ends it: what is left is between hyper and the socket. For one that takes time, see [`Kept`].
struct AtWork<S, V: Deref<Target = Visit<S>>>(V);

impl<S, V: Deref<Target = Visit<S>>> AtWork<S, V> {
    fn new(visit: V, is_multiplexed: bool, has_body: bool) -> Self {
        visit.link.request_came(is_multiplexed, has_body);
        Self(visit)
    }
}

impl<S, V: Deref<Target = Visit<S>>> Drop for AtWork<S, V> {
    fn drop(&mut self) {
        self.0.link.request_over();
    }
}

/// A request that goes on until the body of its answer is dropped.
pub(super) struct Kept(Arc<Link>);

impl Kept {
    fn new(link: &Arc<Link>) -> Self {
        link.request_goes_on();
        Self(link.clone())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.request_over();
    }
}

/// A request whose answer is a stream.
pub(super) struct Stream {
    request: Kept,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.request.0.end_stream();
    }
}

/// A body that takes time; when it is dropped, its request is over.
struct Counted<R> {
    body: Body,
    _request: R,
}

impl<R: Unpin> HttpBody for Counted<R> {
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

/// A body that never comes: hyper writes the head of the answer and waits, and meanwhile the socket is taken from it.
struct Elsewhere;

impl HttpBody for Elsewhere {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Pending
    }
}
