//! Turns clients away cheaply: an answer from a few bytes, no parser, no application.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::FutureExt as _;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Serve;
use crate::body::Body;

/// When a client that found no room should come back: about as long as a burst lasts.
pub(super) const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// Time that a client is given to send its request and to take the refusal. One that takes longer is just closed.
const PATIENCE: Duration = Duration::from_secs(1);

/// Clients that are turned away with an answer at the same time. More than these are just closed: under such a flood the descriptors
/// serve visitors better.
const AT_ONCE: usize = 256;

/// Returns an answer as bytes of HTTP/1.1 after which the connection closes.
pub(super) fn bytes_of<S: Serve>(app: &S, status: StatusCode) -> Bytes {
    let mut response = app.refuse(status);
    let body = response.body().as_bytes().cloned().unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    let mut bytes = BytesMut::new();
    put_head(&mut bytes, &response);
    bytes.put(body);
    bytes.freeze()
}

fn put_head(bytes: &mut BytesMut, response: &Response<Body>) {
    let status = response.status();
    bytes.put_slice(
        format!(
            "HTTP/1.1 {} {}\r\n",
            status.as_str(),
            status.canonical_reason().unwrap_or_default()
        )
        .as_bytes(),
    );
    for (name, value) in response.headers() {
        bytes.put_slice(name.as_str().as_bytes());
        bytes.put_slice(b": ");
        bytes.put_slice(value.as_bytes());
        bytes.put_slice(b"\r\n");
    }
    bytes.put_slice(b"\r\n");
}

/// The door for those that are not let in.
#[derive(Debug)]
pub(super) struct Door(Arc<Semaphore>);

impl Door {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }

    /// Turns a client away, in a task of its own that ends within two seconds.
    pub(super) fn turn_away(
        &self,
        client: TcpStream,
        answer: impl FnOnce() -> Bytes + Send + 'static,
    ) {
        if let Ok(place) = self.0.clone().try_acquire_owned() {
            tokio::spawn(async move {
                let _place = place;
                // Whether the client still hears it is all the same.
                let _gone = turn_away(client, answer).await;
            });
        }
    }
}

/// Waits for the request to begin, answers, and reads on until the client has closed, so that the answer is not lost in a reset.
async fn turn_away(mut client: TcpStream, answer: impl FnOnce() -> Bytes) -> io::Result<()> {
    let mut unread = [0; 2048];
    let read = timeout(PATIENCE, client.read(&mut unread)).await??;
    // HTTP/2 begins with this word, and would not understand the answer.
    if unread[..read].starts_with(b"PRI ") {
        return Ok(());
    }
    timeout(PATIENCE, async {
        client.write_all(&answer()).await?;
        client.shutdown().await?;
        while client.read(&mut unread).await? > 0 {}
        Ok(())
    })
    .await?
}

/// Turns a client away without waiting for anything: what the moment allows, and no descriptor kept.
pub(super) fn turn_away_at_once(mut client: TcpStream, answer: &Bytes) {
    // What the client has sent so far is read, or the close would become a reset that takes the answer away.
    let mut unread = [0; 4096];
    while matches!(client.try_read(&mut unread), Ok(read) if read > 0) {}
    let _blocked = client.try_write(answer);
    let _gone = client.shutdown().now_or_never();
}
