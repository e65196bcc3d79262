//! All open connections of a server.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::StatusCode;
use slab::Slab;
use tokio::sync::Notify;

use super::budget::Budget;
use super::link::Link;
use super::sweep::{Clock, Limits, Rules, Times, Verdict, judge};
use crate::observe::Gauge;

/// Makes the bytes of an answer to a request that was not let in.
type Refuse = Box<dyn Fn(StatusCode) -> Bytes + Send + Sync>;

/// All open connections of a server, and what they share.
pub(super) struct Connections {
    open: Mutex<Slab<Arc<Link>>>,
    /// Whoever comes now is asked to finish with its first answer.
    is_draining: AtomicBool,
    /// Told when the last connection is gone.
    empty: Notify,
    clock: Clock,
    rules: Rules,
    budget: Budget,
    gauge: Gauge,
    refuse: Refuse,
}

impl Connections {
    pub(super) fn new(limits: &Limits, budget: Budget, gauge: Gauge, refuse: Refuse) -> Self {
        let clock = Clock::new(limits);
        let rules = Rules::new(limits, &clock);
        Self {
            open: Mutex::default(),
            is_draining: AtomicBool::new(false),
            empty: Notify::new(),
            clock,
            rules,
            budget,
            gauge,
            refuse,
        }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Returns the bytes of an answer to a request that was not let in.
    pub(super) fn refusal(&self, status: StatusCode) -> Bytes {
        (self.refuse)(status)
    }

    /// Enters a new connection, if there is room for it.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Lease> {
        if !self.budget.enter() {
            return None;
        }
        let link = Arc::new(Link::new(self.clone()));
        let key = self.lock().insert(link.clone());
        if self.is_draining.load(Ordering::Acquire) {
            link.finish();
        }
        self.gauge.add(1);
        Some(Lease { link, key })
    }

    /// Returns how many connections are open.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Advances the clock by a tick, and ends the connections that overstay.
    pub(super) fn sweep(&self, streams_are_over: bool) {
        self.clock.advance();
        let times = match streams_are_over {
            true => Times::StreamsOver,
            false if self.budget.is_pressed() => Times::Pressed,
            false => Times::Ordinary,
        };
        let judged: Vec<(Arc<Link>, Verdict)> = self
            .lock()
            .iter()
            .map(|(_, link)| (link, judge(&link.snapshot(), &self.rules, times)))
            .filter(|(_, verdict)| *verdict != Verdict::Keep)
            .map(|(link, verdict)| (link.clone(), verdict))
            .collect();
        for (link, verdict) in judged {
            match verdict {
                Verdict::Keep => {}
                Verdict::Finish => link.finish(),
                Verdict::Cut => link.cut(),
            }
        }
    }

    /// Asks every connection to end after what is in flight, those that are still to come too.
    pub(super) fn finish_all(&self) {
        // Before the table is read: whoever enters it later sees this.
        self.is_draining.store(true, Ordering::Release);
        self.all().iter().for_each(|link| link.finish());
    }

    /// Cuts every connection, and returns how many there were.
    pub(super) fn cut_all(&self) -> usize {
        let all = self.all();
        all.iter().for_each(|link| link.cut());
        all.len()
    }

    /// Waits until no connection is open.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn emptied(&self) {
        loop {
            let told = self.empty.notified();
            if self.lock().is_empty() {
                return;
            }
            told.await;
        }
    }

    fn all(&self) -> Vec<Arc<Link>> {
        self.lock().iter().map(|(_, link)| link.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Slab<Arc<Link>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("open", &self.len())
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

/// The place of one connection among all, held by its socket: when that is dropped, the connection is gone.
#[derive(Debug)]
pub(super) struct Lease {
    link: Arc<Link>,
    key: usize,
}

impl Lease {
    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let connections = self.link.connections();
        self.link.gone();
        connections.gauge.add(-1);
        let is_last = {
            let mut open = connections.lock();
            open.remove(self.key);
            open.is_empty()
        };
        if is_last {
            connections.empty.notify_waiters();
        }
    }
}
