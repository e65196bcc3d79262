//! The task of one connection.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tracing::debug;

use super::connections::{Connections, Lease};
use super::link::Link;
use super::service::{Visit, answer};
use super::wire::Wire;
use super::{Serve, ServerOptions};
use crate::body::BoxError;
use crate::origin::Peer;

/// What an HTTP/2 connection begins with. Source: RFC 9113, section 3.4.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Requests that a client may have at work at once over one HTTP/2 connection. A page with all that belongs to it needs fewer.
const MAX_REQUESTS_AT_ONCE: u32 = 128;

/// Bytes of an HTTP/2 answer that are taken from the application before the client has taken any.
const SEND_BUFFER_BYTES: usize = 64 << 10;

/// hyper refuses smaller buffers.
const LEAST_BUFFER_BYTES: usize = 8 << 10;

/// What all connections of a server are carried by.
pub(super) struct Site<S> {
    pub(super) app: S,
    pub(super) connections: Arc<Connections>,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    #[cfg(feature = "tls")]
    tls: Option<super::Tls>,
}

impl<S: Serve> Site<S> {
    pub(super) fn new(app: S, connections: Arc<Connections>, options: &ServerOptions) -> Self {
        let max_header_bytes = options.max_header_bytes;
        let mut http1 = http1::Builder::new();
        // The time limits are our own (see `sweep`); hyper's would allocate a timer for every request.
        http1.header_read_timeout(None);
        // So is the look-out for clients that leave (see `Wire::watch_end`).
        http1.half_close(true);
        http1.max_header_size(max_header_bytes);
        http1.max_buf_size(max_header_bytes + LEAST_BUFFER_BYTES);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2.max_header_list_size(u32::try_from(max_header_bytes).unwrap_or(u32::MAX));
        http2.max_concurrent_streams(MAX_REQUESTS_AT_ONCE);
        // What waits for a client that takes nothing is bounded by this times the requests at once.
        http2.max_send_buf_size(SEND_BUFFER_BYTES);
        Self {
            app,
            connections,
            http1,
            http2,
            #[cfg(feature = "tls")]
            tls: options.tls.clone(),
        }
    }

    pub(super) fn is_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        return false;
    }
}

/// Starts the task of a connection. It owns all that the connection costs: when it ends, by whatever cause, everything is freed.
pub(super) fn spawn<S: Serve>(
    site: Arc<Site<S>>,
    client: TcpStream,
    addr: SocketAddr,
    lease: Lease,
) {
    // The listener has set it already where the system inherits it.
    let _refused = client.set_nodelay(true);
    let link = lease.link().clone();
    #[cfg(feature = "tls")]
    if let Some(tls) = site.tls.clone() {
        let peer = Peer {
            addr: Some(addr),
            tls: true,
        };
        let connection = async move {
            match tls.accept(client).await {
                Ok(io) => carry(site, io, peer, lease).await,
                Err(error) => debug!(%error, peer = %addr, "no TLS session"),
            }
        };
        tokio::spawn(UntilCut { link, connection });
        return;
    }
    let peer = Peer {
        addr: Some(addr),
        tls: false,
    };
    let connection = carry(site, client, peer, lease);
    tokio::spawn(UntilCut { link, connection });
}

pin_project! {
    /// Runs a connection until it ends or is cut.
    struct UntilCut<C> {
        link: Arc<Link>,
        #[pin]
        connection: C,
    }
}

impl<C: Future<Output = ()>> Future for UntilCut<C> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        this.link.set_waker(cx.waker());
        if this.link.is_cut() {
            Poll::Ready(())
        } else {
            this.connection.poll(cx)
        }
    }
}

/// Speaks HTTP with a client until one side has had enough.
async fn carry<S: Serve>(
    site: Arc<Site<S>>,
    mut io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    lease: Lease,
) {
    let link = lease.link().clone();
    let Ok((version, first_bytes)) = sniff(&mut io, &link).await else {
        return;
    };
    let visit = Arc::new(Visit::new(site.app.for_connection(), link, peer));
    let wire = Wire::new(io, first_bytes, lease);
    let ended = match version {
        Version::Http1 => http1(&site, wire, visit).await,
        Version::Http2 => http2(&site, wire, visit).await,
    };
    if let Err(error) = ended {
        debug!(%error, peer = ?peer.addr, "connection broke off");
    }
}

/// Speaks HTTP/1.1. Event streams are written without hyper, which carries what comes before and after them.
async fn http1<S, T>(
    site: &Site<S>,
    mut wire: Wire<T>,
    visit: Arc<Visit<S>>,
) -> Result<(), BoxError>
where
    S: Serve,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    wire.watch_end();
    // The future of an answer lives within this one: it borrows, where one over HTTP/2 counts.
    let requests = &*visit;
    let mut service = service_fn(move |request| answer(requests, request));
    loop {
        let mut connection = site.http1.serve_connection(wire, service).with_upgrades();
        let mut was_asked = false;
        let stream_head = poll_fn(|cx| {
            let connection = Pin::new(&mut connection);
            match poll_and_ask(connection, cx, visit.link(), &mut was_asked, |it| {
                it.graceful_shutdown()
            }) {
                Poll::Ready(ended) => Poll::Ready(ended.map(|()| None)),
                Poll::Pending => visit
                    .link()
                    .take_stream_head_written()
                    .map_or(Poll::Pending, |closes| Poll::Ready(Ok(Some(closes)))),
            }
        });
        let Some(closes) = stream_head.await? else {
            return Ok(());
        };
        // Neither is missing: the connection is not upgraded, and whoever asks for the handover leaves the stream there.
        let (Some(parts), Some(stream)) = (connection.into_parts(), visit.take_handover()) else {
            return Ok(());
        };
        (wire, service) = (parts.io, parts.service);
        wire.give_back(&parts.read_buf);
        drop(parts.read_buf);
        stream.write(&mut wire).await?;
        if closes || visit.link().is_finishing() {
            return Ok(wire.close().await?);
        }
    }
}

/// Speaks HTTP/2.
async fn http2<S, T>(site: &Site<S>, wire: Wire<T>, visit: Arc<Visit<S>>) -> Result<(), BoxError>
where
    S: Serve,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let requests = visit.clone();
    let service = service_fn(move |request| answer(requests.clone(), request));
    // Boxed, because it is large, and most connections that stay open are of the other kind.
    let mut connection = Box::pin(site.http2.serve_connection(wire, service));
    let mut was_asked = false;
    poll_fn(|cx| {
        poll_and_ask(
            connection.as_mut(),
            cx,
            visit.link(),
            &mut was_asked,
            |it| it.graceful_shutdown(),
        )
    })
    .await?;
    Ok(())
}

/// Polls a connection, and asks it to finish, once, when that is the order. It is asked after it was polled, because a request that is
/// there already shall be answered.
fn poll_and_ask<C: Future>(
    mut connection: Pin<&mut C>,
    cx: &mut Context<'_>,
    link: &Link,
    was_asked: &mut bool,
    ask: impl FnOnce(Pin<&mut C>),
) -> Poll<C::Output> {
    let polled = connection.as_mut().poll(cx);
    if polled.is_ready() || *was_asked || !link.is_finishing() {
        return polled;
    }
    *was_asked = true;
    ask(connection.as_mut());
    connection.poll(cx)
}

enum Version {
    Http1,
    Http2,
}

/// Reads the first bytes of a connection, as many as it takes to tell HTTP/2 from HTTP/1.
///
/// # Errors
/// When the client leaves before, or has sent nothing when the connection is asked to finish.
async fn sniff(io: &mut (impl AsyncRead + Unpin), link: &Link) -> io::Result<(Version, Bytes)> {
    let mut bytes = [0; PREFACE.len()];
    let mut bytes = ReadBuf::new(&mut bytes);
    poll_fn(|cx| {
        while PREFACE.starts_with(bytes.filled()) && bytes.remaining() > 0 {
            let known = bytes.filled().len();
            match Pin::new(&mut *io).poll_read(cx, &mut bytes)? {
                Poll::Ready(()) if bytes.filled().len() == known => {
                    return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                }
                Poll::Ready(()) => {}
                Poll::Pending if link.is_finishing() => {
                    return Poll::Ready(Err(io::ErrorKind::Interrupted.into()));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(io::Result::Ok(()))
    })
    .await?;
    let version = if bytes.filled() == PREFACE {
        Version::Http2
    } else {
        Version::Http1
    };
    Ok((version, Bytes::copy_from_slice(bytes.filled())))
}
