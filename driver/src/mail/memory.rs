//! Mail into memory, for tests.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::letter::Letter;
use super::transport::MailTransport;
use crate::Error;
use crate::backend::BoxFuture;

/// A transport that keeps what was sent. A clone is a handle on the same letters.
#[derive(Clone, Debug)]
pub struct MemoryMail {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    letters: Mutex<Vec<Letter>>,
    count: watch::Sender<usize>,
}

impl MemoryMail {
    /// Makes an empty one.
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                letters: Mutex::default(),
                count: watch::Sender::new(0),
            }),
        }
    }

    /// Returns all letters, in the order in which they were sent.
    pub fn letters(&self) -> Vec<Letter> {
        self.shared
            .letters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until there are `count` letters at least, and returns all.
    ///
    /// # Cancel safety
    /// Cancel safe: it only looks.
    pub async fn wait_for(&self, count: usize) -> Vec<Letter> {
        let mut counted = self.shared.count.subscribe();
        // It fails only without a sender, which `self` holds.
        let _ = counted.wait_for(|have| *have >= count).await;
        self.letters()
    }
}

impl Default for MemoryMail {
    fn default() -> Self {
        Self::new()
    }
}

impl MailTransport for MemoryMail {
    fn deliver<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let mut letters = self
                .shared
                .letters
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            letters.push(letter.clone());
            let count = letters.len();
            drop(letters);
            self.shared.count.send_replace(count);
            Ok(())
        })
    }

    fn describe(&self) -> String {
        "memory".to_owned()
    }
}
