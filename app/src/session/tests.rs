//! Sessions as a browser and a handler see them, over the embedded store in memory.

mod ending;
mod keeping;
mod outage;
mod tokens;
mod users;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use pleach_driver::{BucketConfig, Driver, Entry};

use super::{Session, SessionOptions, Sessions};

const SECOND: Duration = Duration::from_secs(1);

/// A store of its own for each test.
async fn memory() -> Driver {
    Driver::open("memory:").await.expect("a store")
}

/// One instance of an application over a store.
async fn instance(driver: &Driver) -> Arc<Sessions> {
    instance_with(driver, SessionOptions::new()).await
}

async fn instance_with(driver: &Driver, options: SessionOptions) -> Arc<Sessions> {
    Sessions::open(
        driver,
        SessionOptions {
            secure: false,
            ..options
        },
    )
    .await
    .expect("a store")
}

/// A client that keeps its cookie.
#[derive(Clone)]
struct Browser {
    sessions: Arc<Sessions>,
    cookie: Option<String>,
}

impl Browser {
    fn new(sessions: &Arc<Sessions>) -> Self {
        Self {
            sessions: sessions.clone(),
            cookie: None,
        }
    }

    /// Sends a request.
    fn request(&self) -> Session {
        let mut headers = HeaderMap::new();
        if let Some(cookie) = &self.cookie {
            headers.insert(
                header::COOKIE,
                HeaderValue::try_from(cookie).expect("a header"),
            );
        }
        self.sessions.session(&headers)
    }

    /// Receives the answer to a request, and returns the `Set-Cookie` in it.
    async fn receive(&mut self, session: &Session) -> Option<String> {
        let mut headers = HeaderMap::new();
        session.commit(&mut headers).await.expect("a commit");
        assert!(headers.len() <= 1, "{headers:?}");
        let line = headers
            .get(header::SET_COOKIE)?
            .to_str()
            .expect("text")
            .to_owned();
        let pair = line.split(';').next().expect("a pair").to_owned();
        self.cookie = (!line.contains("Max-Age=0")).then_some(pair);
        Some(line)
    }

    /// Sends a request that sets a key, and receives the answer.
    async fn set(&mut self, key: &str, value: &str) -> Option<String> {
        let session = self.request();
        session.set(key, &value).await.expect("set");
        self.receive(&session).await
    }

    /// Sends a request that logs a user in, and receives the answer.
    async fn log_in(&mut self, user: &str) -> Option<String> {
        let session = self.request();
        session.log_in(user).await.expect("logged in");
        self.receive(&session).await
    }

    async fn get(&self, key: &str) -> Option<String> {
        self.request().get(key).await.expect("get")
    }

    async fn user(&self) -> Option<String> {
        self.request().user_id().await.expect("a user or none")
    }

    async fn exists(&self) -> bool {
        self.request().exists().await.expect("exists")
    }
}

/// Everything that the store holds, as a thief would see it.
async fn stolen(driver: &Driver) -> Vec<Entry> {
    let mut entries = Vec::new();
    for name in ["sessions", "session_users"] {
        let bucket = driver
            .kv()
            .bucket(BucketConfig::new(name))
            .await
            .expect("a bucket");
        entries.extend(bucket.scan(">").await.expect("a scan"));
    }
    // The marks of sessions that have ended hold nothing.
    entries.retain(|entry| entry.value != b"{}"[..]);
    entries
}

/// Waits for what has to come, however busy the machine is.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(10 * SECOND, what)
        .await
        .expect("it never came")
}

/// Polls a future once, and returns whether it has something left to wait for.
async fn is_pending(future: &mut Pin<Box<impl Future<Output = ()>>>) -> bool {
    std::future::poll_fn(|task| Poll::Ready(future.as_mut().poll(task).is_pending())).await
}
