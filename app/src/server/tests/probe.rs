//! An application that does what a test needs.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body::{Body as HttpBody, Frame};
use hyper::body::Incoming;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::body::{Body, BoxError};
use crate::origin::Peer;
use crate::server::Serve;

/// What every event stream of the probe begins and ends with.
pub(super) const HELLO: &str = "data: hello\n\n";
pub(super) const GOODBYE: &str = "retry: 1500\n\n";

pub(in crate::server) struct Probe {
    draining: CancellationToken,
}

impl Probe {
    pub(in crate::server) fn new(draining: CancellationToken) -> Self {
        Self { draining }
    }
}

impl Probe {
    async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        match request.uri().path() {
            "/" => Response::new(Body::from("hello")),
            "/peer" => Response::new(Body::from(format!("{} {:?}", peer.tls, request.version()))),
            "/echo" => match Body::from(request.into_body()).collect_for_test().await {
                Ok(bytes) => Response::new(Body::from(bytes)),
                Err(_) => Response::new(Body::empty()),
            },
            "/ignores-body" => {
                let mut response = Response::new(Body::from("no, thank you"));
                *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
                response
            }
            "/stream" => Response::new(Body::live(Stream::new(&self.draining))),
            "/stubborn-stream" => Response::new(Body::live(Stream::new(&CancellationToken::new()))),
            "/events" => Response::new(Body::live(Events::new(false))),
            "/broken-events" => Response::new(Body::live(Events::new(true))),
            "/large" => Response::new(Body::from(vec![b'x'; 64 << 20])),
            "/stuck" => std::future::pending().await,
            "/panic" => panic!("as the test asked"),
            "/upgrade" => {
                tokio::spawn(echo_upgraded(request));
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                response
                    .headers_mut()
                    .insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
                response
                    .headers_mut()
                    .insert(header::UPGRADE, HeaderValue::from_static("echo"));
                response
            }
            _ => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::NOT_FOUND;
                response
            }
        }
    }
}

impl Serve for Arc<Probe> {
    fn call(
        &self,
        request: Request<Incoming>,
        peer: Peer,
    ) -> impl Future<Output = Response<Body>> + Send + use<> {
        Probe::answer(self.clone(), request, peer)
    }

    fn refuse(&self, status: StatusCode) -> Response<Body> {
        let mut response = Response::new(Body::from("refused"));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert("x-request-id", HeaderValue::from_static("probe-1"));
        response
    }
}

async fn echo_upgraded(request: Request<Incoming>) {
    let Ok(upgraded) = hyper::upgrade::on(request).await else {
        return;
    };
    let mut socket = hyper_util::rt::TokioIo::new(upgraded);
    let mut bytes = [0; 64];
    while let Ok(read @ 1..) = socket.read(&mut bytes).await {
        if socket.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

/// An event stream that says hello, and says goodbye when its token is cancelled.
struct Stream {
    said_hello: bool,
    over: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl Stream {
    fn new(over: &CancellationToken) -> Self {
        Self {
            said_hello: false,
            over: Some(Box::pin(over.clone().cancelled_owned())),
        }
    }
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if !self.said_hello {
            self.said_hello = true;
            return Poll::Ready(Some(Ok(Frame::data(HELLO.into()))));
        }
        let Some(over) = &mut self.over else {
            return Poll::Ready(None);
        };
        std::task::ready!(over.as_mut().poll(cx));
        self.over = None;
        Poll::Ready(Some(Ok(Frame::data(GOODBYE.into()))))
    }
}

/// A stream of a few events that ends by itself or fails: some come together, some later, one is empty.
struct Events {
    left: std::vec::IntoIter<&'static str>,
    fails: bool,
}

impl Events {
    fn new(fails: bool) -> Self {
        Self {
            left: vec![
                "data: one\n\n",
                "data: two\n\n",
                "",
                "later",
                "data: three, which is a little longer\n\n",
                "later",
                "later",
            ]
            .into_iter(),
            fails,
        }
    }
}

impl HttpBody for Events {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.left.next() {
            Some("later") => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(event) => Poll::Ready(Some(Ok(Frame::data(event.into())))),
            None if self.fails => Poll::Ready(Some(Err("as the test asked".into()))),
            None => Poll::Ready(None),
        }
    }
}

impl Body {
    /// Reads a body to its end.
    async fn collect_for_test(mut self) -> Result<Bytes, BoxError> {
        let mut all = Vec::new();
        while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut self).poll_frame(cx)).await
        {
            if let Ok(data) = frame?.into_data() {
                all.extend_from_slice(&data);
            }
        }
        Ok(all.into())
    }
}
