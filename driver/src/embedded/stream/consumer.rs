//! A consumer of the embedded store.

use std::sync::Arc;
use std::time::Duration;

use super::StreamState;
use crate::Error;
use crate::boxed::BoxFuture;
use crate::embedded::clock::Millis;
use crate::embedded::draft::Handed;
use crate::embedded::store::{Batch, Store};
use crate::stream::{ConsumerBackend, ConsumerConfig, Held, HoldBackend, Sequence, Settle};

/// The longest wait for something that is out: the wall clock, by which it is due, may be put
/// forward.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(super) struct EmbeddedConsumer {
    store: Arc<Store>,
    state: Arc<StreamState>,
    name: Arc<str>,
}

impl EmbeddedConsumer {
    pub(super) async fn open(
        store: &Arc<Store>,
        state: &Arc<StreamState>,
        config: ConsumerConfig,
    ) -> Result<Self, Error> {
        let consumer = Self {
            store: store.clone(),
            state: state.clone(),
            name: config.name().into(),
        };
        let state = state.clone();
        let ensured = store.draft(Batch::Alone, move |draft| {
            draft.ensure_consumer(&state, &config)
        });
        ensured.await?;
        consumer.state.stir();
        Ok(consumer)
    }

    async fn next(&self) -> Result<Held, Error> {
        let mut stirred = self.state.stirred.subscribe();
        loop {
            // Before the look, so that nothing is missed between look and wait.
            stirred.borrow_and_update();
            let (state, name) = (self.state.clone(), self.name.clone());
            let handed = self
                .store
                .draft(Batch::Shared { bytes: 0 }, move |draft| {
                    draft.hand_out(&state, &name)
                })
                .await?;
            let due = match handed {
                Handed::Message(message, attempt) => {
                    let hold = Hold {
                        consumer: self.clone(),
                        sequence: message.sequence,
                        attempt,
                    };
                    return Ok(Held {
                        message,
                        attempt: attempt.into(),
                        hold: Box::new(hold),
                    });
                }
                Handed::Nothing(due) => due,
            };
            let wait = match due {
                Some(due) => self.until(due)?,
                None => LONGEST_WAIT,
            };
            // Stirred, or time to look.
            let _ = tokio::time::timeout(wait, stirred.changed()).await;
        }
    }

    fn until(&self, due: Millis) -> Result<Duration, Error> {
        let now = self.store.reader()?.clock().now().millis();
        let wait = Duration::from_millis(due.0.saturating_sub(now.0));
        Ok(wait.min(LONGEST_WAIT))
    }
}

impl ConsumerBackend for EmbeddedConsumer {
    fn next(&self) -> BoxFuture<'_, Result<Held, Error>> {
        Box::pin(self.next())
    }
}

/// A delivery that waits to be settled.
struct Hold {
    consumer: EmbeddedConsumer,
    sequence: Sequence,
    attempt: u32,
}

impl HoldBackend for Hold {
    fn settle(&self, settle: Settle) -> BoxFuture<'_, Result<(), Error>> {
        let EmbeddedConsumer { store, state, name } = self.consumer.clone();
        let (sequence, attempt, waiting) = (self.sequence, self.attempt, state.clone());
        Box::pin(async move {
            let settled = store.draft_then(
                Batch::Shared { bytes: 0 },
                move |draft| draft.settle_delivery(&state, &name, sequence, attempt, settle),
                move |_, ()| waiting.stir(),
            );
            settled.await
        })
    }
}
