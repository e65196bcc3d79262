//! A server that says what a test tells it to.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What a test makes of a request: bytes to send, or `None` to hang up.
type Handler = Box<dyn Fn(&Request) -> Option<String> + Send + Sync>;

#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// `GET /path HTTP/1.1`.
    pub(crate) line: String,
    /// In small letters, one `name: value` a line.
    pub(crate) headers: String,
    pub(crate) body: String,
    /// Which request of the server it is, from 1.
    pub(crate) number: usize,
}

impl Request {
    #[track_caller]
    pub(crate) fn has(&self, header: &str) -> bool {
        self.headers.lines().any(|line| line == header)
    }

    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.headers
            .lines()
            .any(|line| line.starts_with(&format!("{name}:")))
    }
}

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    handler: Handler,
    connections: AtomicUsize,
    requests: Mutex<Vec<Request>>,
}

pub(crate) fn ok(body: &str) -> Option<String> {
    answer("200 OK", "", body)
}

pub(crate) fn redirect(status: &str, to: &str) -> Option<String> {
    answer(status, &format!("location: {to}\r\n"), "")
}

pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Option<String> {
    Some(format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

impl Server {
    pub(crate) async fn start(
        handler: impl Fn(&Request) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self::start_on([127, 0, 0, 1].into(), handler).await
    }

    pub(crate) async fn start_on(
        address: IpAddr,
        handler: impl Fn(&Request) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            handler: Box::new(handler),
            connections: AtomicUsize::new(0),
            requests: Mutex::default(),
        });
        let state = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                state.connections.fetch_add(1, Ordering::Relaxed);
                let state = Arc::clone(&state);
                open.spawn(async move { serve(socket, &state).await });
            }
        });
        Self { addr, shared, task }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    #[track_caller]
    pub(crate) fn only_request(&self) -> Request {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests[0].clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut socket: impl AsyncReadExt + AsyncWriteExt + Unpin, state: &Shared) {
    let mut buffer = Vec::new();
    while let Some(mut request) = read_request(&mut socket, &mut buffer).await {
        {
            let mut requests = state.requests.lock().unwrap();
            request.number = requests.len() + 1;
            requests.push(request.clone());
        }
        match (state.handler)(&request) {
            Some(answer) if answer.is_empty() => std::future::pending().await,
            Some(answer) => {
                // The client may have gone already.
                if socket.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
            None => return,
        }
    }
}

pub(super) async fn read_request(
    socket: &mut (impl AsyncReadExt + Unpin),
    buffer: &mut Vec<u8>,
) -> Option<Request> {
    loop {
        let text = String::from_utf8_lossy(buffer).into_owned();
        if let Some((head, rest)) = text.split_once("\r\n\r\n") {
            let (line, headers) = head.split_once("\r\n").unwrap_or((head, ""));
            let headers: Vec<_> = headers
                .lines()
                .map(|header| {
                    let (name, value) = header.split_once(": ").unwrap();
                    format!("{}: {value}", name.to_ascii_lowercase())
                })
                .collect();
            let length = headers
                .iter()
                .find_map(|header| header.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if rest.len() >= length {
                let request = Request {
                    line: line.to_owned(),
                    headers: headers.join("\n"),
                    body: rest[..length].to_owned(),
                    number: 0,
                };
                buffer.drain(..head.len() + 4 + length);
                return Some(request);
            }
        }
        if socket.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}
