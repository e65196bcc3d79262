//! What only a process of its own can show: signals, exit codes, and running out of descriptors.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client::Client;
use super::probe::{HELLO, Probe};
use crate::server::{Layout, Server, ServerOptions, Shutdown, drain_on_signals, runtime};

const DRAIN: Duration = Duration::from_secs(3);
const CHILD: &str = "server::tests::process::serves_as_a_child";

/// Not a test: the program that the tests below start.
#[test]
#[ignore = "serves until it is told to stop; the tests below run it as a process of its own"]
fn serves_as_a_child() {
    let code = runtime(Layout::Shared).expect("threads").block_on(async {
        let server = Server::bind(ServerOptions {
            drain: DRAIN,
            ..ServerOptions::default()
        })
        .await
        .expect("a port is free");
        let shutdown = Shutdown::default();
        drain_on_signals(shutdown.clone(), DRAIN).expect("handlers");
        writeln!(std::io::stderr(), "listening on {}", server.local_addr())
            .expect("the test reads it");
        let app = Arc::new(Probe::new(shutdown.draining().clone()));
        i32::from(server.run(app, shutdown).await.is_err())
    });
    std::process::exit(code);
}

/// A server in a process of its own, killed when the test is over.
pub(super) struct Process {
    child: Child,
    pub(super) addr: SocketAddr,
}

impl Process {
    /// Starts a server that may have that many descriptors.
    pub(super) fn start(descriptors: u32) -> Self {
        Self::run(CHILD, descriptors)
    }

    /// Starts one of the programs among the tests.
    pub(super) fn run(child: &str, descriptors: u32) -> Self {
        let program = std::env::current_exe().expect("this program");
        let limit = format!("ulimit -n {descriptors} && exec \"$0\" \"$@\"");
        let mut process = Command::new("sh")
            .args(["-c", &limit])
            .arg(program)
            .args([
                child,
                "--exact",
                "--ignored",
                "--nocapture",
                "--test-threads=1",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell");
        let stderr = BufReader::new(process.stderr.take().expect("it is piped"));
        let line = stderr.lines().map_while(Result::ok).find_map(|line| {
            line.split_once("listening on ")
                .map(|(_, addr)| addr.to_owned())
        });
        let addr = line
            .expect("it says where it listens")
            .parse()
            .expect("an address");
        Self {
            child: process,
            addr,
        }
    }

    /// Returns the memory that it has in use.
    pub(super) fn resident_bytes(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux");
        let kilobytes = status.lines().find_map(|line| {
            line.strip_prefix("VmRSS:")?
                .strip_suffix("kB")?
                .trim()
                .parse::<u64>()
                .ok()
        });
        kilobytes.expect("a number") * 1024
    }

    /// Returns the time that it has spent in user space. The kernel counts it in ticks of 10 ms.
    pub(super) fn user_time(&self) -> std::time::Duration {
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("Linux");
        // After the name, which may hold anything, the twelfth field. Source: proc(5).
        let ticks = stat
            .rsplit(')')
            .next()
            .and_then(|rest| rest.split_whitespace().nth(11))
            .and_then(|ticks| ticks.parse::<u64>().ok());
        std::time::Duration::from_millis(ticks.expect("a number") * 10)
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([&format!("-{signal}"), &self.child.id().to_string()])
            .status()
            .expect("kill");
        assert!(status.success());
    }

    async fn exit(mut self) -> ExitStatus {
        let waited = tokio::task::spawn_blocking(move || self.child.wait().expect("our own child"));
        tokio::time::timeout(super::PATIENCE, waited)
            .await
            .expect("it ends")
            .expect("no panic")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[tokio::test]
async fn sigterm_and_ctrl_c_drain_and_exit_0() {
    for signal in ["TERM", "INT"] {
        let server = Process::start(256);
        let mut stream = Client::get(server.addr, "/stream").await;
        stream.until(HELLO).await;
        let began = Instant::now();
        server.signal(signal);
        stream.until("retry: 1500").await;
        assert_eq!(server.exit().await.code(), Some(0), "{signal}");
        assert!(
            began.elapsed() < Duration::from_secs(2),
            "{:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn a_stuck_request_is_cut_and_the_exit_code_is_0_within_the_drain() {
    let server = Process::start(256);
    let mut stuck = Client::get(server.addr, "/stuck").await;
    // The answer to a second connection shows that the first was accepted.
    Client::get(server.addr, "/").await.until("hello").await;
    let began = Instant::now();
    server.signal("TERM");
    assert_eq!(server.exit().await.code(), Some(0));
    assert!(began.elapsed() < DRAIN, "{:?}", began.elapsed());
    assert_eq!(stuck.first_line().await, None);
}

#[tokio::test]
async fn a_second_signal_exits_at_once() {
    let server = Process::start(256);
    let _stuck = Client::get(server.addr, "/stuck").await;
    let mut stream = Client::get(server.addr, "/stream").await;
    stream.until(HELLO).await;
    server.signal("INT");
    // The first was heard.
    stream.until("retry: 1500").await;
    let began = Instant::now();
    server.signal("INT");
    assert_eq!(server.exit().await.code(), Some(1));
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn running_out_of_descriptors_refuses_clients_and_passes() {
    let server = Process::start(48);
    let mut streams = Vec::new();
    let mut refused = 0;
    for _ in 0..80 {
        let mut client = Client::get(server.addr, "/stream").await;
        match client.first_line().await.as_deref() {
            Some("HTTP/1.1 200 OK") => streams.push(client),
            Some(line) => {
                assert!(line.starts_with("HTTP/1.1 503 "), "{line}");
                refused += 1;
            }
            None => refused += 1,
        }
    }
    assert!(
        !streams.is_empty() && refused > 30,
        "{} streams, {refused} refused",
        streams.len()
    );
    // Those that were let in are still served, and when some leave, others come in.
    streams.drain(..10);
    let served = tokio::time::timeout(super::PATIENCE, async {
        loop {
            if Client::get(server.addr, "/")
                .await
                .first_line()
                .await
                .as_deref()
                == Some("HTTP/1.1 200 OK")
            {
                return;
            }
        }
    });
    served.await.expect("it recovers");
    server.signal("TERM");
    streams
        .pop()
        .expect("some are left")
        .until("retry: 1500")
        .await;
    assert_eq!(server.exit().await.code(), Some(0));
}
