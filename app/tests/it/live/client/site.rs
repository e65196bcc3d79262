//! A site of one page under the strict policy, whose streams and answers a test holds in its hand.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use pleach::live::{CLIENT_JS, Encoded, Error, LiveBody, LivePage, StreamOptions, stream};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, runtime::Runtime, sync::broadcast};
use tokio_util::sync::CancellationToken;

/// The policy of every page of the base: nothing inline, nothing evaluated, nothing from elsewhere.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'";

/// A running site. Dropping it closes all connections.
pub(super) struct Site {
    state: Arc<State>,
    address: SocketAddr,
    _runtime: Runtime,
}

struct State {
    body: String,
    policy: Option<&'static str>,
    streams: broadcast::Sender<Word>,
    answers: Mutex<HashMap<(Method, String), Answer>>,
    requests: Mutex<Vec<Received>>,
}

/// What the open streams are told.
#[derive(Clone)]
enum Word {
    Event(Encoded),
    End,
    /// The server drains: come back after so many milliseconds.
    Drain(u64),
}

/// How a path is answered.
#[derive(Clone)]
pub(super) enum Answer {
    /// A status, a content type and a body.
    With(StatusCode, &'static str, String),
    /// Events, and the end.
    Events(Vec<Encoded>),
    /// 303 to a path.
    SeeOther(&'static str),
    /// The connection breaks before an answer.
    HangUp,
    /// Nothing until the test says otherwise by another answer for the path.
    Never,
}

/// What came in.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl Site {
    /// Serves `/` with `body` in its `body`, the client at `/live.js` and a stream at `/updates`.
    pub(super) fn serve(body: &str) -> Self {
        Self::open(body, Some(POLICY))
    }

    /// Serves without a policy, to see that the client does not lean on one.
    pub(super) fn serve_without_policy(body: &str) -> Self {
        Self::open(body, None)
    }

    fn open(body: &str, policy: Option<&'static str>) -> Self {
        let state = Arc::new(State {
            body: body.to_owned(),
            policy,
            streams: broadcast::channel(1_024).0,
            answers: Mutex::default(),
            requests: Mutex::default(),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(accept(listener, state.clone()));
        Self {
            state,
            address,
            _runtime: runtime,
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends an event to all open streams.
    pub(super) fn send<T>(&self, event: T)
    where
        T: TryInto<Encoded>,
        T::Error: std::fmt::Debug,
    {
        let _ = self
            .state
            .streams
            .send(Word::Event(event.try_into().unwrap()));
    }

    /// Ends all open streams, as a server that has nothing more to say.
    pub(super) fn end_streams(&self) {
        let _ = self.state.streams.send(Word::End);
    }

    /// Ends all open streams and asks their clients to come back after `retry_ms`.
    pub(super) fn drain_streams(&self, retry_ms: u64) {
        let _ = self.state.streams.send(Word::Drain(retry_ms));
    }

    /// Sets how a path is answered from now on.
    pub(super) fn answer(&self, method: Method, path: &str, answer: Answer) {
        self.state
            .answers
            .lock()
            .unwrap()
            .insert((method, path.to_owned()), answer);
    }

    /// Answers a path by the site's own way again.
    pub(super) fn answer_as_usual(&self, method: Method, path: &str) {
        self.state
            .answers
            .lock()
            .unwrap()
            .remove(&(method, path.to_owned()));
    }

    /// Returns what came in for `path`, in order.
    pub(super) fn requests(&self, path: &str) -> Vec<Received> {
        self.state
            .requests
            .lock()
            .unwrap()
            .iter()
            .filter(|request| request.path == path)
            .cloned()
            .collect()
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((socket, _)) = listener.accept().await {
        let state = state.clone();
        tokio::spawn(async move {
            let service = hyper::service::service_fn(|request| answer(state.clone(), request));
            // An error is a browser that went away, or an answer that hangs up on purpose.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}

type Body = Either<Full<Bytes>, LiveBody>;

#[derive(Debug)]
struct HangUp;

impl std::fmt::Display for HangUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("on purpose")
    }
}

impl std::error::Error for HangUp {}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Body>, HangUp> {
    let (head, body) = request.into_parts();
    let body = String::from_utf8(
        body.collect()
            .await
            .map_err(|_| HangUp)?
            .to_bytes()
            .to_vec(),
    )
    .unwrap();
    let path = head.uri.path().to_owned();
    let received = Received {
        method: head.method.clone(),
        path: path.clone(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers.clone(),
        body,
    };
    state.requests.lock().unwrap().push(received);
    loop {
        let key = (head.method.clone(), path.clone());
        let answer = state.answers.lock().unwrap().get(&key).cloned();
        return match answer {
            Some(Answer::With(status, kind, body)) => Ok(respond(status, kind, body)),
            Some(Answer::SeeOther(to)) => {
                let mut response = respond(StatusCode::SEE_OTHER, "text/plain", String::new());
                response
                    .headers_mut()
                    .insert(header::LOCATION, to.parse().unwrap());
                Ok(response)
            }
            Some(Answer::Events(events)) => Ok(live(&head.headers, async move |mut page| {
                for event in events {
                    page.send(event).await?;
                }
                Ok(())
            })),
            Some(Answer::HangUp) => Err(HangUp),
            Some(Answer::Never) => {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            }
            None => Ok(usual(&state, &path, &head.headers)),
        };
    }
}

fn usual(state: &State, path: &str, headers: &HeaderMap) -> Response<Body> {
    match path {
        "/live.js" => respond(StatusCode::OK, "text/javascript", CLIENT_JS.to_owned()),
        "/favicon.ico" => respond(StatusCode::OK, "image/x-icon", String::new()),
        "/updates" => {
            let mut words = state.streams.subscribe();
            live(headers, async move |mut page| {
                while let Ok(word) = words.recv().await {
                    match word {
                        Word::Event(event) => page.send(event).await?,
                        Word::End => break,
                        Word::Drain(retry_ms) => {
                            let retry =
                                pleach::live::Event::from(pleach::live::PatchSignals::raw("{}"));
                            page.send(retry.retry(Duration::from_millis(retry_ms)))
                                .await?;
                            break;
                        }
                    }
                }
                Ok(())
            })
        }
        // A page for every other path, so that a redirect has somewhere to go; only `/` has what the test serves.
        path => {
            let body = if path == "/" {
                &*state.body
            } else {
                "<h1>elsewhere</h1>"
            };
            let page = format!(
                "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{path}</title>\
                 <script type=\"module\" src=\"/live.js\"></script></head><body>{body}</body></html>"
            );
            let mut response = respond(StatusCode::OK, "text/html; charset=utf-8", page);
            if let Some(policy) = state.policy {
                response
                    .headers_mut()
                    .insert(header::CONTENT_SECURITY_POLICY, policy.parse().unwrap());
            }
            response
        }
    }
}

fn respond(status: StatusCode, kind: &'static str, body: String) -> Response<Body> {
    let body = Either::Left(Full::new(Bytes::from(body)));
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, kind)
        .body(body)
        .unwrap()
}

fn live<F, Fut>(headers: &HeaderMap, produce: F) -> Response<Body>
where
    F: FnOnce(LivePage) -> Fut,
    Fut: Future<Output = Result<(), Error>> + Send + 'static,
{
    let options =
        StreamOptions::new(CancellationToken::new()).last_event_id(headers.get("last-event-id"));
    stream(options, produce).into_response().map(Either::Right)
}
