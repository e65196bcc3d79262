//! A local nats-server, spoken to in its own text protocol: one connection, as its clients have it,
//! on which all callers' requests are under way at once.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Notify, oneshot};

use crate::load::{KEYS, Load, Random, Rate, key, run, value};

/// How the server syncs its files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sync {
    /// Each write before it is acknowledged.
    Always,
    /// Every two minutes.
    Default,
}

pub(crate) struct Nats {
    name: &'static str,
    client: Arc<Client>,
    server: Child,
    _dir: TempDir,
}

/// Finds the server: `NATS_SERVER`, or on the `PATH`.
pub(crate) fn find_server() -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("NATS_SERVER") {
        let path = PathBuf::from(path);
        return if path.is_file() {
            Ok(path)
        } else {
            Err(format!("no file at NATS_SERVER={path:?}"))
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|dir| dir.join("nats-server"))
        .find(|at| at.is_file());
    found.ok_or_else(|| "no nats-server on the PATH, and NATS_SERVER is not set".to_owned())
}

impl Nats {
    pub(crate) async fn start(server: &Path, sync: Sync) -> Self {
        let dir = TempDir::new().unwrap();
        // A port that was free a moment ago.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let interval = if sync == Sync::Always {
            "sync_interval: always"
        } else {
            ""
        };
        let config = dir.path().join("nats.conf");
        let mut file = std::fs::File::create(&config).unwrap();
        let store = dir.path().join("store");
        writeln!(
            file,
            "listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: {store:?}\n {interval} }}"
        )
        .unwrap();
        let server = Command::new(server)
            .arg("-c")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server starts");
        let client = Client::connect(port).await;
        client.make_bucket().await;
        let name = match sync {
            Sync::Always => "nats, synced always",
            Sync::Default => "nats, as delivered",
        };
        Self {
            name,
            client,
            server,
            _dir: dir,
        }
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Load for Nats {
    fn name(&self) -> &str {
        self.name
    }

    fn fill(&self) -> Pin<Box<dyn Future<Output = ()> + '_>> {
        Box::pin(async move {
            const WRITERS: usize = 64;
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    let client = self.client.clone();
                    tokio::spawn(async move {
                        for number in (writer..KEYS).step_by(WRITERS) {
                            client.put(number).await;
                        }
                    })
                })
                .collect();
            for writer in writers {
                writer.await.unwrap();
            }
        })
    }

    fn puts(&self, callers: usize, time: Duration) -> Rate<'_> {
        Box::pin(run(callers, time, move |caller| {
            let client = self.client.clone();
            async move {
                let (begin, mut random, mut calls) =
                    (Instant::now(), Random::new(caller as u64 + 1), 0);
                while begin.elapsed() < time {
                    client.put(random.below(KEYS)).await;
                    calls += 1;
                }
                calls
            }
        }))
    }

    fn gets(&self, callers: usize, time: Duration) -> Rate<'_> {
        Box::pin(run(callers, time, move |caller| {
            let client = self.client.clone();
            async move {
                let (begin, mut random, mut calls) =
                    (Instant::now(), Random::new(caller as u64 + 1), 0);
                while begin.elapsed() < time {
                    client.get(random.below(KEYS)).await;
                    calls += 1;
                }
                calls
            }
        }))
    }
}

/// A client that does requests, and nothing else.
struct Client {
    waiting: Mutex<HashMap<u64, oneshot::Sender<Vec<u8>>>>,
    outgoing: Mutex<Vec<u8>>,
    written: Notify,
    next: AtomicU64,
}

impl Client {
    async fn connect(port: u16) -> Arc<Self> {
        let stream = loop {
            match TcpStream::connect(("127.0.0.1", port)).await {
                Ok(stream) => break stream,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        stream.set_nodelay(true).unwrap();
        let (reader, writer) = stream.into_split();
        let client = Arc::new(Self {
            waiting: Mutex::default(),
            outgoing: Mutex::default(),
            written: Notify::new(),
            next: AtomicU64::new(0),
        });
        client.send(
            b"CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\nSUB _INBOX.b.* 1\r\n",
        );
        tokio::spawn(
            client
                .clone()
                .read(BufReader::with_capacity(64 * 1024, reader)),
        );
        tokio::spawn(client.clone().write(writer));
        client
    }

    fn send(&self, bytes: &[u8]) {
        self.outgoing.lock().unwrap().extend_from_slice(bytes);
        self.written.notify_one();
    }

    async fn write(self: Arc<Self>, mut writer: OwnedWriteHalf) {
        loop {
            let bytes = std::mem::take(&mut *self.outgoing.lock().unwrap());
            if bytes.is_empty() {
                self.written.notified().await;
            } else if writer.write_all(&bytes).await.is_err() {
                return;
            }
        }
    }

    async fn read(self: Arc<Self>, mut reader: BufReader<OwnedReadHalf>) {
        let mut line = String::new();
        loop {
            line.clear();
            if reader.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["PING"] => self.send(b"PONG\r\n"),
                ["MSG" | "HMSG", subject, .., len] => {
                    let mut payload = vec![0; len.parse::<usize>().unwrap() + 2];
                    reader.read_exact(&mut payload).await.unwrap();
                    let number = subject.rsplit('.').next().unwrap().parse().unwrap();
                    if let Some(waiting) = self.waiting.lock().unwrap().remove(&number) {
                        let _ = waiting.send(payload);
                    }
                }
                ["-ERR", ..] => panic!("nats-server: {line}"),
                _ => {}
            }
        }
    }

    async fn request(&self, subject: &str, payload: &[u8]) -> Vec<u8> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().unwrap().insert(number, sender);
        let mut request =
            format!("PUB {subject} _INBOX.b.{number} {}\r\n", payload.len()).into_bytes();
        request.extend_from_slice(payload);
        request.extend_from_slice(b"\r\n");
        self.send(&request);
        receiver.await.expect("nats-server answers")
    }

    async fn make_bucket(&self) {
        let config = r#"{"name":"KV_bench","subjects":["$KV.bench.>"],"max_msgs_per_subject":1,
            "storage":"file","discard":"new","allow_direct":true,"allow_rollup_hdrs":true,"num_replicas":1}"#;
        // The server takes connections a little before JetStream is ready.
        for _ in 0..200 {
            let answer = self
                .request("$JS.API.STREAM.CREATE.KV_bench", config.as_bytes())
                .await;
            if String::from_utf8_lossy(&answer).contains("\"created\"") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("nats-server makes no bucket");
    }

    async fn put(&self, number: usize) {
        let answer = self
            .request(&format!("$KV.bench.{}", key(number)), &value(number))
            .await;
        assert!(
            answer.starts_with(b"{\"stream\""),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }

    async fn get(&self, number: usize) {
        let subject = format!("$JS.API.DIRECT.GET.KV_bench.$KV.bench.{}", key(number));
        let answer = self.request(&subject, b"").await;
        assert!(
            answer.ends_with(b"\"}\r\n"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
}
