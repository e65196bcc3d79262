//! The program under test, as a process.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::PATIENCE;

/// How often a process is asked whether it has ended: there is no wait with a deadline.
const PULSE: Duration = Duration::from_millis(5);

/// A running server on a free port of its own. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    addr: SocketAddr,
    said: Arc<Mutex<String>>,
}

impl Server {
    /// Starts `program` with these arguments and `--addr 127.0.0.1:0`, and waits until it says that it listens.
    ///
    /// # Panics
    /// When it ends, or says nothing in time: with what it said.
    pub fn start<A: AsRef<OsStr>>(
        program: impl AsRef<Path>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut child = Command::new(program.as_ref())
            .args(["--addr", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{} does not start: {error}", program.as_ref().display())
            });
        let lines = BufReader::new(child.stderr.take().expect("a piped output")).lines();
        let said = Arc::new(Mutex::new(String::new()));
        let (found, ready) = mpsc::channel();
        let all = Arc::clone(&said);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(addr) = address_in(&line) {
                    let _ = found.send(addr);
                }
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                all.push_str(&line);
                all.push('\n');
            }
        });
        let Ok(addr) = ready.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            let said = said.lock().unwrap_or_else(PoisonError::into_inner);
            panic!("the server did not come up; it said:\n{said}");
        };
        Self { child, addr, said }
    }

    /// Returns where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Returns what it has written to standard error so far.
    #[must_use]
    pub fn said(&self) -> String {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.clone()
    }

    /// Presses Ctrl-C, and waits until it has ended.
    ///
    /// # Panics
    /// As [`Server::ended`].
    pub fn interrupt(self) -> (ExitStatus, Duration) {
        self.signal("-INT");
        self.ended()
    }

    /// Waits until it has ended, and returns how and how long that took.
    ///
    /// # Panics
    /// When it goes on: with what it said.
    pub fn ended(mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a process of ours") {
                return (status, began.elapsed());
            }
            assert!(
                began.elapsed() < PATIENCE,
                "the server goes on; it said:\n{}",
                self.said()
            );
            thread::sleep(PULSE);
        }
    }

    /// Sends a signal, such as `-TERM`.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|sent| sent.success()), "kill {signal}");
    }

    /// Kills it without a word, as a crash or `kill -9` would.
    pub fn kill(mut self) {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("a process that ended");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads `arena listening on http://127.0.0.1:8080 (store memory:)`.
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(" listening on http://")?;
    rest.split_once(" (store ")?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::address_in;

    #[test]
    fn the_address_is_read_from_the_line_that_names_it() {
        let line = "arena listening on http://127.0.0.1:43121 (store file:./pleach-data)";
        assert_eq!(address_in(line), "127.0.0.1:43121".parse().ok());
        assert_eq!(address_in("arena: nothing of the kind"), None);
    }
}
