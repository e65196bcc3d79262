//! Publish and subscribe within the process, for the embedded store.
//!
//! Subscriptions of one subject are found by it; those with wildcards are tried one by one. Each
//! has a queue of its own, bounded in messages and in bytes, from which the oldest go when it
//! overflows: a publisher never waits.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use super::backend::{Delivery, PubSubBackend, SubscriptionBackend};
use crate::boxed::BoxFuture;
use crate::{Error, Filter};

/// Most messages that wait for a subscriber.
const MAX_WAITING: usize = 1024;

/// Most bytes of payload that wait for a subscriber; one message is held whatever its size.
const MAX_WAITING_BYTES: usize = 4 * 1024 * 1024;

/// Publish and subscribe within the process.
#[derive(Default)]
pub struct LocalPubSub {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    listeners: Mutex<Listeners>,
    next_inbox: AtomicU64,
    /// Whose turn it is in the queue groups.
    turn: AtomicU64,
}

#[derive(Default)]
struct Listeners {
    subjects: HashMap<Filter, Vec<Arc<Inbox>>>,
    patterns: HashMap<Filter, Vec<Arc<Inbox>>>,
    closed: bool,
}

/// One subscription's queue.
struct Inbox {
    group: Option<String>,
    queue: Mutex<Queue>,
    arrived: Notify,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Delivery>,
    bytes: usize,
    /// Messages dropped from the front of the queue and not reported yet.
    missed: u64,
    closed: bool,
}

impl LocalPubSub {
    /// Makes one in which nobody listens yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Shared {
    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a message out and returns how many got it.
    fn publish(&self, message: &Delivery) -> Result<usize, Error> {
        let receivers = self
            .listeners()
            .receivers(&message.subject, self.turn.fetch_add(1, Ordering::Relaxed))?;
        for inbox in &receivers {
            inbox.push(message.clone());
        }
        Ok(receivers.len())
    }

    fn subscribe(
        self: &Arc<Self>,
        pattern: &Filter,
        group: Option<&str>,
    ) -> Result<LocalSubscription, Error> {
        let inbox = Arc::new(Inbox {
            group: group.map(str::to_owned),
            queue: Mutex::default(),
            arrived: Notify::new(),
        });
        let mut listeners = self.listeners();
        if listeners.closed {
            return Err(Error::closed());
        }
        listeners
            .of(pattern)
            .entry(pattern.clone())
            .or_default()
            .push(inbox.clone());
        Ok(LocalSubscription {
            shared: self.clone(),
            pattern: pattern.clone(),
            inbox,
        })
    }
}

impl Listeners {
    fn of(&mut self, pattern: &Filter) -> &mut HashMap<Filter, Vec<Arc<Inbox>>> {
        if pattern.as_key().is_some() {
            &mut self.subjects
        } else {
            &mut self.patterns
        }
    }

    /// Everyone who listens alone, and one of each group.
    fn receivers(&self, subject: &str, turn: u64) -> Result<Vec<Arc<Inbox>>, Error> {
        if self.closed {
            return Err(Error::closed());
        }
        let exact = self.subjects.get(&Filter::key(subject)).into_iter();
        let wild = self
            .patterns
            .iter()
            .filter(|(pattern, _)| pattern.matches(subject))
            .map(|(_, inboxes)| inboxes);
        let mut receivers = Vec::new();
        let mut groups: HashMap<&str, Vec<&Arc<Inbox>>> = HashMap::new();
        for inbox in exact.chain(wild).flatten() {
            match &inbox.group {
                Some(group) => groups.entry(group).or_default().push(inbox),
                None => receivers.push(inbox.clone()),
            }
        }
        for members in groups.values() {
            receivers.push(members[(turn % members.len() as u64) as usize].clone());
        }
        Ok(receivers)
    }
}

impl Inbox {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, message: Delivery) {
        let mut queue = self.queue();
        queue.bytes += message.payload.len();
        queue.waiting.push_back(message);
        while queue.waiting.len() > MAX_WAITING
            || (queue.bytes > MAX_WAITING_BYTES && queue.waiting.len() > 1)
        {
            queue.missed += 1;
            queue.pop();
        }
        drop(queue);
        self.arrived.notify_one();
    }

    fn close(&self) {
        self.queue().closed = true;
        self.arrived.notify_one();
    }
}

impl Queue {
    fn pop(&mut self) -> Option<Delivery> {
        let message = self.waiting.pop_front()?;
        self.bytes -= message.payload.len();
        Some(message)
    }

    /// Takes the next message, the news that some are missing, or the end; the outer `None`:
    /// nothing yet.
    fn take(&mut self) -> Option<Option<Result<Delivery, Error>>> {
        if self.missed > 0 {
            return Some(Some(Err(Error::lagged(std::mem::take(&mut self.missed)))));
        }
        match self.pop() {
            Some(message) => Some(Some(Ok(message))),
            None if self.closed => Some(None),
            None => None,
        }
    }
}

struct LocalSubscription {
    shared: Arc<Shared>,
    pattern: Filter,
    inbox: Arc<Inbox>,
}

impl LocalSubscription {
    async fn take(&mut self) -> Option<Result<Delivery, Error>> {
        loop {
            // The permit of `notify_one` stays when nobody waits, so that nothing is missed between
            // look and wait.
            let taken = self.inbox.queue().take();
            match taken {
                Some(taken) => return taken,
                None => self.inbox.arrived.notified().await,
            }
        }
    }
}

impl SubscriptionBackend for LocalSubscription {
    fn next(&mut self) -> BoxFuture<'_, Option<Result<Delivery, Error>>> {
        Box::pin(self.take())
    }
}

impl Drop for LocalSubscription {
    fn drop(&mut self) {
        let mut listeners = self.shared.listeners();
        let of_kind = listeners.of(&self.pattern);
        if let Some(inboxes) = of_kind.get_mut(&self.pattern) {
            inboxes.retain(|inbox| !Arc::ptr_eq(inbox, &self.inbox));
            if inboxes.is_empty() {
                of_kind.remove(&self.pattern);
            }
        }
    }
}

impl PubSubBackend for LocalPubSub {
    fn publish<'a>(&'a self, subject: &'a str, payload: Bytes) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.shared.publish(&Delivery {
                subject: subject.to_owned(),
                payload,
                reply: None,
            })?;
            Ok(())
        })
    }

    fn subscribe<'a>(
        &'a self,
        pattern: &'a Filter,
        group: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Box<dyn SubscriptionBackend>, Error>> {
        Box::pin(async move {
            let subscription = self.shared.subscribe(pattern, group)?;
            Ok(Box::new(subscription) as Box<dyn SubscriptionBackend>)
        })
    }

    fn request<'a>(
        &'a self,
        subject: &'a str,
        payload: Bytes,
    ) -> BoxFuture<'a, Result<(String, Bytes), Error>> {
        Box::pin(async move {
            let reply = format!(
                "_INBOX.{}",
                self.shared.next_inbox.fetch_add(1, Ordering::Relaxed)
            );
            let mut answers = self.shared.subscribe(&Filter::key(&reply), None)?;
            let request = Delivery {
                subject: subject.to_owned(),
                payload,
                reply: Some(reply),
            };
            if self.shared.publish(&request)? == 0 {
                return Err(Error::no_responders(subject));
            }
            match answers.take().await {
                Some(answer) => answer.map(|answer| (answer.subject, answer.payload)),
                None => Err(Error::closed()),
            }
        })
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            if self.shared.listeners().closed {
                Err(Error::closed())
            } else {
                Ok(())
            }
        })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let inboxes: Vec<_> = {
                let mut listeners = self.shared.listeners();
                listeners.closed = true;
                listeners
                    .subjects
                    .values()
                    .chain(listeners.patterns.values())
                    .flatten()
                    .cloned()
                    .collect()
            };
            for inbox in inboxes {
                inbox.close();
            }
            Ok(())
        })
    }
}
