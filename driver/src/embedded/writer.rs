//! The one thread that writes.
//!
//! It takes all orders that wait, drafts one batch of them, applies it (one fsync for all), tells
//! the watchers, and answers. While it does so the next orders gather. Expiry is work that it gives
//! itself when the first timer goes off.
//!
//! A batch that fails fails for all that are in it, and nothing has changed. The writer goes on:
//! the next batch may find space again, and when nobody writes it tries by itself.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tracing::{debug, info, warn};

use super::clock::Millis;
use super::draft::{Draft, Drafted, Told};
use super::engine::Rest;
use super::fault::Fault;
use super::queue::{Answer, Job, Taken};
use super::reader::Reader;
use super::store::Shared;
use super::stream::Published;
use crate::fanout::End;

/// Most timers that go off in one batch, so that writers do not wait behind an avalanche.
const MAX_TIMERS: usize = 1024;

/// How long nothing is written before the engine may tidy up, or a failed write is tried again.
const REST_AFTER: Duration = Duration::from_secs(1);

/// The longest sleep while a timer is set: the wall clock, by which timers go, may be put forward.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);

pub(super) struct Writer {
    shared: Arc<Shared>,
    /// When the first timer goes off; it may have been removed since.
    timer: Option<Millis>,
    /// Something was written since the engine last rested.
    restless: bool,
}

/// Whom to tell that the store is closed, and how it went.
pub(super) struct Closed {
    answer: Answer<()>,
    result: Result<(), Fault>,
}

impl Closed {
    pub(super) fn tell(self) {
        let _ = self.answer.send(self.result.map_err(Into::into));
    }
}

/// The loop.
impl Writer {
    pub(super) fn new(shared: Arc<Shared>, timer: Option<Millis>) -> Self {
        Self {
            shared,
            timer,
            restless: true,
        }
    }

    /// Works until the store is closed, and returns whom to tell, or until it is abandoned.
    pub(super) fn run(mut self) -> Option<Closed> {
        loop {
            let jobs = match self.shared.queue.take(self.patience()) {
                Taken::Jobs(jobs) => jobs,
                Taken::Nothing => Vec::new(),
                Taken::Close(answer) => return Some(self.close(answer)),
                Taken::Abandoned => return None,
            };
            // While batches fail, timers wait with everything else.
            if jobs.is_empty() && (self.in_trouble() || !self.timer_is_due()) {
                self.rest();
            } else {
                self.turn(jobs);
            }
        }
    }

    /// Orders that still wait are dropped, which their callers take for a closed store.
    fn close(&self, answer: Answer<()>) -> Closed {
        self.shared.closed.store(true, Ordering::Release);
        Closed {
            answer,
            result: self.shared.reader.engine().close(),
        }
    }

    /// How long to wait for orders.
    fn patience(&self) -> Option<Duration> {
        if self.in_trouble() {
            return Some(REST_AFTER);
        }
        let timer = self.timer.map(|timer| {
            let left = timer.0.saturating_sub(self.now().0);
            Duration::from_millis(left).min(LONGEST_SLEEP)
        });
        let rest = self.restless.then_some(REST_AFTER);
        timer.into_iter().chain(rest).min()
    }

    fn now(&self) -> Millis {
        self.shared.reader.clock().now().millis()
    }

    fn timer_is_due(&self) -> bool {
        self.timer.is_some_and(|timer| timer <= self.now())
    }

    /// Lets the engine tidy up, or tries whether it can write again.
    fn rest(&mut self) {
        let rested = if self.in_trouble() {
            self.probe()
        } else if self.restless {
            self.shared
                .reader
                .engine()
                .rest()
                .map(|rest| self.restless = rest == Rest::Again)
        } else {
            Ok(())
        };
        self.note(&rested);
    }

    /// Writes a row as it stands.
    fn probe(&self) -> Result<(), Fault> {
        let draft = Draft::probe(&self.shared.reader)?;
        self.shared.reader.engine().apply(draft.rows)
    }
}

/// One batch.
impl Writer {
    /// Does what is due and what was ordered, and answers.
    fn turn(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        let turned = self.draft_and_apply(&mut jobs);
        self.note(&turned);
        for job in jobs {
            job.answer(&self.shared, turned.as_ref().copied());
        }
    }

    fn draft_and_apply(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), Fault> {
        let shared = self.shared.clone();
        let mut draft = Draft::new(&shared.reader);
        let fired = self.fire_timers(&mut draft)?;
        for job in jobs {
            // Nothing is begun for a caller who gave up.
            if !job.is_abandoned() {
                job.draft(&mut draft)?;
            }
        }
        let Drafted {
            rows,
            changes,
            published,
            timer,
        } = draft.finish();
        if !rows.is_empty() {
            shared.reader.engine().apply(rows)?;
            self.restless = true;
        }
        self.timer = self.timer.into_iter().chain(timer).min();
        if fired {
            // The batch is written whether or not the next timer can be read: look again then.
            self.timer = shared.reader.first_timer().unwrap_or(self.timer);
        }
        tell(&shared.reader, &changes);
        Published::tell(&published, &shared.reader);
        Ok(())
    }

    /// Drafts what the timers that have gone off ask for; returns true when there was one.
    fn fire_timers(&self, draft: &mut Draft<'_>) -> Result<bool, Fault> {
        if !self.timer_is_due() {
            return Ok(false);
        }
        let (now, reader) = (self.now(), &self.shared.reader);
        let due = reader.due_timers(now, MAX_TIMERS)?;
        let buckets = self
            .shared
            .buckets
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        for (at, bucket, key) in due {
            if let Some(bucket) = buckets.by_id(bucket) {
                draft.fire(at, bucket, &key)?;
            }
        }
        let due = reader.due_alarms(now, MAX_TIMERS)?;
        let streams = self.shared.streams();
        for (at, stream) in due {
            match streams.by_id(stream) {
                Some(stream) => draft.fire_alarm(at, stream)?,
                None => draft.sweep(at, stream)?,
            }
        }
        Ok(true)
    }
}

/// Tells those who follow of changes that are durable now.
///
/// Whoever begins to follow after this look finds the changes in the rows.
fn tell(reader: &Reader, changes: &[Told]) {
    let mut due = Vec::new();
    for change in changes {
        let followers = &change.bucket.changes;
        if !followers.has_readers() {
            continue;
        }
        match change.entry(reader) {
            Ok(entry) => {
                if followers.push(&Arc::new(entry)) {
                    due.push(followers);
                }
            }
            Err(fault) => warn!(%fault, "a change that was written cannot be read"),
        }
    }
    for followers in due {
        followers.wake();
    }
}

/// Trouble.
impl Writer {
    fn in_trouble(&self) -> bool {
        self.shared
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    /// Remembers whether the last batch went well, and says so when that changes.
    fn note<T>(&self, result: &Result<T, Fault>) {
        let mut trouble = self
            .shared
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match (result, &*trouble) {
            (Ok(_), Some(_)) => {
                info!("the store can be written again");
                *trouble = None;
            }
            (Err(fault), None) => {
                warn!(%fault, "the store cannot be written");
                *trouble = Some(fault.clone());
            }
            (Err(fault), Some(_)) => {
                debug!(%fault, "the store still cannot be written");
                *trouble = Some(fault.clone());
            }
            (Ok(_), None) => {}
        }
    }
}

/// However the thread ends, nobody waits for it in vain.
impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.queue.clear();
        let buckets = self
            .shared
            .buckets
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        for state in buckets.all() {
            state.changes.end(End::Closed);
            state.changes.wake();
        }
        for state in self.shared.streams().all() {
            state.end(End::Closed);
        }
    }
}
