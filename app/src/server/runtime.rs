//! How the cores are used.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// How the server uses the cores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One runtime, whose threads share all connections.
    #[default]
    Shared,
    /// A runtime per core, each with a listener of its own on the same port; the kernel deals out the connections. Less work per request,
    /// but a slow connection's neighbours on the same core wait.
    PerCore,
}

/// Makes the runtime that the program runs in. With [`Layout::PerCore`] it is that of the first core, and the server makes the others.
///
/// The process is then allowed as many descriptors as the system lets it have: a shell's usual 1,024 are there for programs that can't
/// deal with more.
///
/// # Errors
/// Those of the system: no threads, no descriptors.
pub(crate) fn runtime(layout: Layout) -> io::Result<Runtime> {
    allow_descriptors();
    match layout {
        Layout::Shared => Builder::new_multi_thread()
            .enable_all()
            .thread_name("pleach")
            .build(),
        Layout::PerCore => Builder::new_current_thread().enable_all().build(),
    }
}

/// Raises the limit of descriptors as far as the process may.
#[cfg(unix)]
pub(super) fn allow_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Refused, the limit stays, and the server lives through it when it is reached.
    let _refused = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    );
}

#[cfg(not(unix))]
pub(super) fn allow_descriptors() {}
