//! An event stream as a response body that runs its own producer.

use super::{Encoded, Error, Event, EventId, outbox::Outbox};
use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body::Frame;
use pin_project_lite::pin_project;
use std::{
    convert::Infallible,
    fmt,
    future::{Future, poll_fn},
    hash::{BuildHasher, RandomState},
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Comments: a client ignores them, but whatever stands between sees that the stream lives.
const OPENED: Bytes = Bytes::from_static(b": open\n\n");
const HEARTBEAT: Bytes = Bytes::from_static(b": heartbeat\n\n");

/// Opens a live page: runs `produce` for as long as the client reads, and sends what it sends.
///
/// Nothing is spawned. The producer is part of the body, runs when the connection asks for bytes, and is dropped with the
/// body when the client goes, with all that it holds. The stream ends when
/// - the producer returns; an error is logged, and the client comes back as after any other end,
/// - the [drain](StreamOptions::new) begins: the client is told when to come back,
/// - the session [ends](StreamOptions::ends_with): the page is sent to `/`.
pub fn stream<F, Fut, E>(options: StreamOptions, produce: F) -> LiveBody
where
    F: FnOnce(LivePage) -> Fut,
    Fut: Future<Output = Result<(), E>> + Send + 'static,
    E: fmt::Debug + 'static,
{
    let outbox = Arc::new(Outbox::new(options.queue_bytes, options.last_event_id));
    let life = Life {
        producer: produce(LivePage {
            outbox: outbox.clone(),
            last_event_id: options.last_event_id,
        }),
        drain: options.drain.cancelled_owned(),
        ended: options.ended,
        idle: sleep(options.heartbeat),
        heartbeat: options.heartbeat,
        return_within: options.return_within,
        outbox: outbox.clone(),
    };
    LiveBody {
        life: Some(Box::pin(life)),
        outbox,
        opened: false,
    }
}

type Ended = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How a stream begins, idles and ends.
pub struct StreamOptions {
    drain: CancellationToken,
    return_within: Range<Duration>,
    ended: Option<Ended>,
    last_event_id: Option<EventId>,
    heartbeat: Duration,
    queue_bytes: usize,
}

impl StreamOptions {
    /// Ends the stream at once when `drain` is cancelled, and tells the client to come back later.
    pub fn new(drain: CancellationToken) -> Self {
        Self {
            drain,
            return_within: Duration::from_secs(1)..Duration::from_secs(5),
            ended: None,
            last_event_id: None,
            heartbeat: Duration::from_secs(15),
            queue_bytes: 64 * 1024,
        }
    }

    /// Ends the stream with a redirect to `/` when `ended` is ready: the session is no more. Default: never.
    pub fn ends_with(self, ended: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            ended: Some(Box::pin(ended)),
            ..self
        }
    }

    /// Sets the header `Last-Event-ID` as the request has it. A malformed one counts as none. Default: none.
    pub fn last_event_id(self, header: Option<&HeaderValue>) -> Self {
        let id = header.and_then(|value| value.to_str().ok()?.parse().ok());
        Self {
            last_event_id: id,
            ..self
        }
    }

    /// Sets after how long without an event a comment is sent: less than the 45 s after which our client gives a stream
    /// up. Default: 15 s.
    pub fn heartbeat(self, heartbeat: Duration) -> Self {
        Self { heartbeat, ..self }
    }

    /// Sets the window in which the clients of a drained server come back, each at its own moment. Default: 1 to 5 s.
    pub fn return_within(self, window: Range<Duration>) -> Self {
        Self {
            return_within: window,
            ..self
        }
    }

    /// Sets how many bytes may wait for a slow client before [`LivePage::send`] waits too. Default: 64 KiB.
    pub fn queue_bytes(self, queue_bytes: usize) -> Self {
        Self {
            queue_bytes,
            ..self
        }
    }
}

impl fmt::Debug for StreamOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamOptions")
            .field("last_event_id", &self.last_event_id)
            .field("heartbeat", &self.heartbeat)
            .field("return_within", &self.return_within)
            .field("queue_bytes", &self.queue_bytes)
            .finish_non_exhaustive()
    }
}

/// The producer's end of a stream.
#[derive(Debug)]
pub struct LivePage {
    outbox: Arc<Outbox>,
    last_event_id: Option<EventId>,
}

impl LivePage {
    /// Returns the state that the client has already, if it resumes: the parsed `Last-Event-ID`.
    ///
    /// Ask [`EventId::revision_in`] whether it belongs to the present epoch; one of another epoch counts as none.
    pub fn last_event_id(&self) -> Option<EventId> {
        self.last_event_id
    }

    /// Sends one event, as soon as the client has taken enough of what was sent before.
    ///
    /// What is queued for a client that does not read is bounded by [`StreamOptions::queue_bytes`] and one event.
    ///
    /// # Errors
    /// [`Error::is_invalid_event`]; never for an event that is [`Encoded`] already.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped call has queued nothing.
    pub async fn send<T>(&mut self, event: T) -> Result<(), Error>
    where
        T: TryInto<Encoded>,
        Error: From<T::Error>,
    {
        let event = event.try_into()?;
        poll_fn(|cx| self.outbox.poll_push(&event, cx)).await;
        Ok(())
    }

    /// Sends the page to another page of this site and ends the stream, also if the producer goes on.
    ///
    /// The event's id is that of the last one sent, since it shows no new state.
    ///
    /// # Errors
    /// [`Error::is_invalid_event`] when `path` is not a path of this site: see [`Event::redirect`].
    ///
    /// # Cancel safety
    /// A dropped call ends the stream without the redirect only if it was dropped before the queue had room.
    pub async fn redirect(mut self, path: &str) -> Result<(), Error> {
        let event = redirect(&self.outbox, path)?;
        self.send(event).await?;
        self.outbox.close();
        Ok(())
    }
}

pin_project! {
    /// Everything that happens in a stream, as one future, so that a stream is one allocation beside its outbox.
    ///
    /// An async block would be shorter, but keeps what it captured beside what it moved into its `select!`: twice the
    /// producer.
    struct Life<Fut> {
        #[pin]
        producer: Fut,
        #[pin]
        drain: WaitForCancellationFutureOwned,
        #[pin]
        ended: Option<Ended>,
        #[pin]
        idle: Sleep,
        heartbeat: Duration,
        return_within: Range<Duration>,
        outbox: Arc<Outbox>,
    }
}

impl<Fut, E> Future for Life<Fut>
where
    Fut: Future<Output = Result<(), E>>,
    E: fmt::Debug,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut life = self.project();
        // The two ends come first: a producer that is always ready must not hold them up.
        if life.drain.poll(cx).is_ready() {
            life.outbox.push(come_back(life.return_within));
            return Poll::Ready(());
        }
        if life
            .ended
            .as_pin_mut()
            .is_some_and(|ended| ended.poll(cx).is_ready())
        {
            life.outbox.push(
                redirect(life.outbox, "/")
                    .expect("the root is a path of every site")
                    .into(),
            );
            return Poll::Ready(());
        }
        // A panic ends this stream alone: the connection may carry others.
        match catch_unwind(AssertUnwindSafe(|| life.producer.poll(cx))) {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(Ok(()))) => return Poll::Ready(()),
            Ok(Poll::Ready(Err(error))) => {
                tracing::error!(
                    ?error,
                    "the producer of a live page failed; the client will come back"
                );
                return Poll::Ready(());
            }
            Err(_) => {
                tracing::error!("the producer of a live page panicked; the client will come back");
                return Poll::Ready(());
            }
        }
        if life.outbox.is_closed() {
            return Poll::Ready(());
        }
        // Events do not touch the timer. When it fires, it looks whether the stream was idle for that long.
        while life.idle.as_mut().poll(cx).is_ready() {
            let due = life.outbox.last() + *life.heartbeat;
            if due <= Instant::now() {
                life.outbox.push(HEARTBEAT);
            }
            life.idle
                .as_mut()
                .reset(life.outbox.last() + *life.heartbeat);
        }
        Poll::Pending
    }
}

/// Tells the client when to come back: a `retry:` of its own, which every client obeys without an event.
fn come_back(window: &Range<Duration>) -> Bytes {
    // The seed of a std hasher is random and differs each time, which is all the chance that spreading needs.
    let chance = RandomState::new().hash_one(()) as f64 / u64::MAX as f64;
    let spread = window.end.saturating_sub(window.start);
    let retry = window.start + spread.mul_f64(chance);
    format!("retry: {}\n\n", retry.as_millis()).into()
}

/// A redirect that leaves the client at the state it has reached.
fn redirect(outbox: &Outbox, path: &str) -> Result<Encoded, Error> {
    let reached = outbox.reached().unwrap_or(EventId::new(0, 0));
    Event::redirect(path)?.id(reached).encode()
}

/// The body of an event stream. It ends when its [`stream`] does.
pub struct LiveBody {
    /// `None` once it has ended; what it left in the outbox is still sent.
    life: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    outbox: Arc<Outbox>,
    opened: bool,
}

impl LiveBody {
    /// Returns the whole response: 200 with the headers of an event stream.
    pub fn into_response(self) -> Response<Self> {
        let mut response = Response::new(self);
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }
}

impl http_body::Body for LiveBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        // What is queued goes first: the producer runs only when the connection has taken all of it.
        if let Some(bytes) = self.outbox.pop() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if let Some(life) = &mut self.life
            && life.as_mut().poll(cx).is_ready()
        {
            // Frees what the producer held before the last bytes are on their way.
            self.life = None;
        }
        if !std::mem::replace(&mut self.opened, true) {
            // A producer that has nothing to say yet must not leave its client without a sign of life.
            return Poll::Ready(Some(Ok(Frame::data(self.outbox.pop().unwrap_or(OPENED)))));
        }
        match self.outbox.poll_pop(cx) {
            Poll::Ready(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Poll::Pending if self.life.is_none() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl fmt::Debug for LiveBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveBody")
            .field("ended", &self.life.is_none())
            .finish_non_exhaustive()
    }
}
