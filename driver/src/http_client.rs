//! The HTTP client: calls to other servers, each with a deadline, a size limit and, where it is made for a user, a guard.

mod address;
mod backend;
mod builder;
mod call;
mod guard;
mod redirect;
mod request;
mod reqwest_backend;
mod resolve;
mod response;
mod retry;
mod target;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Method;

pub use self::backend::{Exchange, HttpBackend};
pub use self::builder::HttpBuilder;
pub use self::request::HttpRequest;
pub use self::resolve::Resolve;
pub use self::response::HttpResponse;

use self::guard::Guard;

/// The HTTP client of a driver. A clone is a handle on the same connections.
///
/// A call has a deadline for all of it (tries, redirects and body together) and a limit on the size of its answer, which is read
/// whole into memory. Redirects are not followed unless [asked for](HttpRequest::redirects). Calls of idempotent methods are tried
/// again after trouble that passes; others never, unless [marked](HttpRequest::idempotent). Bodies are taken as they are: no
/// compression is offered to the server, so that the limit counts the bytes that come.
///
/// TLS is rustls with ring, versions 1.2 and 1.3. It trusts Mozilla's root certificates, which are part of the binary, and those
/// that [`HttpBuilder::root_certificate`] adds; the certificates of the operating system are not read.
///
/// A URL that a user gives is called with [`HttpRequest::guarded`].
///
/// ```no_run
/// # async fn f(driver: pleach_driver::Driver, user_url: &str) -> Result<(), pleach_driver::Error> {
/// #[derive(serde::Deserialize)]
/// struct Release { tag: String }
///
/// let http = driver.http();
/// let release: Release = http.get("https://example.com/release.json").send().await?.json()?;
///
/// // The URL comes from a user: never to a private address, not by a redirect either.
/// let picture = http.get(user_url).guarded().redirects(3).max_body_bytes(256 * 1024).send().await?.success()?;
/// # let _ = (release.tag, picture.body());
/// # Ok(())
/// # }
/// ```
///
/// A test puts another backend in the place of the network, with [`Http::new`]:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), pleach_driver::Error> {
/// use bytes::Bytes;
/// use pleach_driver::backend::{BoxFuture, Exchange, HttpBackend};
/// use pleach_driver::{Driver, Error, Http};
///
/// struct Fake;
///
/// impl HttpBackend for Fake {
///     fn exchange(&self, exchange: Exchange) -> BoxFuture<'_, Result<http::Response<Bytes>, Error>> {
///         Box::pin(async move {
///             Ok(http::Response::new(Bytes::from(format!("you asked for {}", exchange.request.uri().path()))))
///         })
///     }
/// }
///
/// let driver = Driver::builder("memory:").http(Http::new(Fake)).open().await?;
/// let answer = driver.http().get("https://example.com/tea").send().await?;
/// assert_eq!(answer.text(), "you asked for /tea");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Http {
    inner: Arc<Inner>,
}

struct Inner {
    backend: Box<dyn HttpBackend>,
    guard: Guard,
    deadline: Duration,
    max_body_bytes: usize,
    user_agent: Option<http::HeaderValue>,
}

impl Http {
    /// Begins the settings of a client.
    pub fn builder() -> HttpBuilder {
        HttpBuilder::new()
    }

    /// Makes a client on a backend of one's own, with the defaults of [`Http::builder`].
    pub fn new(backend: impl HttpBackend) -> Self {
        Self::builder().assemble(Box::new(backend), None)
    }

    /// Begins a GET of `url`.
    pub fn get(&self, url: impl AsRef<str>) -> HttpRequest {
        self.request(Method::GET, url)
    }

    /// Begins a HEAD of `url`.
    pub fn head(&self, url: impl AsRef<str>) -> HttpRequest {
        self.request(Method::HEAD, url)
    }

    /// Begins a POST to `url`.
    pub fn post(&self, url: impl AsRef<str>) -> HttpRequest {
        self.request(Method::POST, url)
    }

    /// Begins a PUT to `url`.
    pub fn put(&self, url: impl AsRef<str>) -> HttpRequest {
        self.request(Method::PUT, url)
    }

    /// Begins a PATCH of `url`.
    pub fn patch(&self, url: impl AsRef<str>) -> HttpRequest {
        self.request(Method::PATCH, url)
    }

    /// Begins a DELETE of `url`.
    pub fn delete(&self, url: impl AsRef<str>) -> HttpRequest {
        self.request(Method::DELETE, url)
    }

    /// Begins a call of `url` by any method. A URL that is none is an error of [`HttpRequest::send`].
    pub fn request(&self, method: Method, url: impl AsRef<str>) -> HttpRequest {
        HttpRequest::new(self.clone(), method, url.as_ref())
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            backend: _,
            guard: _,
            deadline,
            max_body_bytes,
            user_agent: _,
        } = &*self.inner;
        f.debug_struct("Http")
            .field("deadline", deadline)
            .field("max_body_bytes", max_body_bytes)
            .finish_non_exhaustive()
    }
}
