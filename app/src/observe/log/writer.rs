//! Writes lines on a thread of its own, so that a slow terminal or disk never holds up a request.
//!
//! The queue is bounded. When it is full, a line is lost rather than a request held up; how many were lost is the next line written.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Lines that may wait. At a hundred bytes each, less than a megabyte.
pub(super) const QUEUE_LINES: usize = 8192;

/// How long the end of a program waits for its last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Where lines go in.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    queue: SyncSender<Job>,
    lost: Arc<AtomicU64>,
}

enum Job {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

impl Writer {
    /// Starts the thread. It ends when the last writer and the [`Flush`] are gone.
    pub(super) fn start(out: impl Write + Send + 'static) -> (Self, Flush) {
        let (queue, jobs) = sync_channel(QUEUE_LINES);
        let lost = Arc::new(AtomicU64::new(0));
        let losses = lost.clone();
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_all(out, &jobs, &losses))
            .expect("the system gives a thread at start");
        (
            Self {
                queue: queue.clone(),
                lost,
            },
            Flush(queue),
        )
    }

    /// Queues a line, which ends with a line feed; a line that finds the queue full is lost and counted.
    pub(super) fn write(&self, line: Vec<u8>) {
        if self.queue.try_send(Job::Line(line)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Waits on drop, for at most a second, until all lines that were queued before are written.
#[derive(Debug)]
pub(super) struct Flush(SyncSender<Job>);

impl Drop for Flush {
    fn drop(&mut self) {
        let (done, written) = sync_channel(1);
        if self.0.try_send(Job::Flush(done)).is_ok() {
            let _late = written.recv_timeout(LAST_LINES);
        }
    }
}

fn write_all(out: impl Write, jobs: &Receiver<Job>, lost: &AtomicU64) {
    let mut out = io::BufWriter::new(out);
    while let Ok(first) = jobs.recv() {
        let mut next = Some(first);
        // A failed write has nowhere to be reported to: standard error is where reports go.
        while let Some(job) = next {
            let _unreportable = match job {
                Job::Line(line) => out.write_all(&line),
                Job::Flush(done) => {
                    let flushed = out.flush();
                    let _gone = done.send(());
                    flushed
                }
            };
            next = jobs.try_recv().ok();
        }
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let _unreportable = writeln!(
                out,
                "{lost} log lines were lost: they came faster than they could be written"
            );
        }
        let _unreportable = out.flush();
    }
}
