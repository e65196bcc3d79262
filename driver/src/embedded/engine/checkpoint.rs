//! The thread that carries frozen rows into the table.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tracing::warn;

use super::layers::Layers;
use super::record::Sequence;
use super::table::Mark;
use crate::embedded::fault::Fault;

/// Carries frozen rows into the table, one sheet at a time.
pub(super) struct Checkpointer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

enum State {
    /// The table has all that was frozen.
    Idle,
    /// Rows up to this record are on their way.
    Running(Sequence),
    /// They did not get there.
    Failed(Sequence, Fault),
    Stopped,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, mut state: MutexGuard<'_, State>, new: State) {
        *state = new;
        drop(state);
        self.changed.notify_all();
    }
}

impl Checkpointer {
    /// Starts the thread, which begins with the rows up to `mark` that are frozen already.
    pub(super) fn start(layers: Arc<Layers>, mark: Mark) -> Result<Self, Fault> {
        let begin = match layers.overlay.frozen().is_empty() {
            true => State::Idle,
            false => State::Running(mark.sequence),
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(begin),
            changed: Condvar::new(),
        });
        let path = layers.table.path().to_owned();
        let thread = std::thread::Builder::new()
            .name("pleach-checkpoint".into())
            .spawn({
                let shared = shared.clone();
                move || run(&shared, &layers, mark)
            });
        let thread = thread.map_err(|error| Fault::io("starting a thread for", &path, error))?;
        Ok(Self {
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Waits until the table has all that was frozen. What failed before is tried once more.
    pub(super) fn wait(&self) -> Result<(), Fault> {
        let mut state = self.shared.state();
        if let State::Failed(sequence, _) = *state {
            self.shared.set(state, State::Running(sequence));
            state = self.shared.state();
        }
        loop {
            match &*state {
                State::Idle | State::Stopped => return Ok(()),
                State::Failed(_, fault) => return Err(fault.clone()),
                State::Running(_) => state = self.shared.wait(state),
            }
        }
    }

    /// Begins to carry the frozen rows, which go up to the record `sequence`.
    pub(super) fn begin(&self, sequence: Sequence) {
        self.shared
            .set(self.shared.state(), State::Running(sequence));
    }

    /// Waits for what is running and ends the thread. A repeat does nothing.
    pub(super) fn stop(&self) {
        let mut state = self.shared.state();
        while let State::Running(_) = *state {
            state = self.shared.wait(state);
        }
        self.shared.set(state, State::Stopped);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            warn!("the checkpoint thread panicked");
        }
    }
}

fn run(shared: &Shared, layers: &Layers, mark: Mark) {
    let mut state = shared.state();
    loop {
        match *state {
            State::Stopped => return,
            State::Idle | State::Failed(..) => state = shared.wait(state),
            State::Running(sequence) => {
                drop(state);
                let carry = || layers.carry(Mark { sequence, ..mark });
                // A panic must not leave the writer waiting for this thread.
                let carried = catch_unwind(AssertUnwindSafe(carry)).unwrap_or_else(|_panic| {
                    Err(Fault::damaged(
                        layers.table.path(),
                        "its pages make no sense",
                    ))
                });
                let new = match carried {
                    Ok(()) => State::Idle,
                    // The rows stay where they are, in the log and in memory.
                    Err(fault) => {
                        warn!(%fault, "a checkpoint failed");
                        State::Failed(sequence, fault)
                    }
                };
                shared.set(shared.state(), new);
                state = shared.state();
            }
        }
    }
}
