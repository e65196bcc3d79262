//! A bucket as it stood at one revision.

use crate::live::EventId;
use pleach_driver::{Entry, Revision};
use std::{collections::BTreeMap, error, sync::Arc};

/// All that lived in a bucket at one revision, by key.
#[derive(Debug)]
pub struct Snapshot<T> {
    id: EventId,
    items: BTreeMap<Arc<str>, Item<T>>,
}

/// One value of a bucket.
#[derive(Debug)]
pub struct Item<T> {
    /// The revision at which it was written.
    pub revision: u64,
    /// The value, shared by all who follow it.
    pub value: Arc<T>,
}

impl<T> Snapshot<T> {
    /// Returns the id of this state, for the events that show it.
    pub fn id(&self) -> EventId {
        self.id
    }

    /// Returns the newest revision in the state; a delete or an expiry has one too.
    pub fn revision(&self) -> u64 {
        self.id.revision
    }

    /// Returns the id of what stands at `item`'s revision, for the events that show it alone.
    pub fn id_of(&self, item: &Item<T>) -> EventId {
        EventId {
            revision: item.revision,
            ..self.id
        }
    }

    /// Returns what stands at `key`.
    pub fn get(&self, key: &str) -> Option<&Item<T>> {
        self.items.get(key)
    }

    /// Returns all keys with what stands there, in the order of the keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Item<T>)> {
        self.items.iter().map(|(key, item)| (&**key, item))
    }

    /// Returns how many values there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns true when nothing lives in the bucket.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Moves up to where the watch stands: the newest change may have been a delete, of which no value tells.
    pub(super) fn reach(&mut self, revision: Revision) {
        self.id.revision = self.id.revision.max(revision.0);
    }

    pub(super) fn empty(epoch: u64) -> Self {
        Self {
            id: EventId::new(epoch, 0),
            items: BTreeMap::new(),
        }
    }

    /// Takes one change in. A value that `read` refuses counts as none.
    pub(super) fn apply(
        &mut self,
        entry: &Entry,
        read: &impl Fn(&Entry) -> Result<T, Box<dyn error::Error + Send + Sync>>,
    ) {
        self.reach(entry.revision);
        let value = entry.is_live().then(|| read(entry));
        match value {
            Some(Ok(value)) => {
                let item = Item {
                    revision: entry.revision.0,
                    value: Arc::new(value),
                };
                self.items.insert(entry.key.as_str().into(), item);
            }
            Some(Err(error)) => {
                tracing::error!(key = entry.key, revision = entry.revision.0, %error, "a value cannot be read; it is left out");
                self.items.remove(entry.key.as_str());
            }
            None => {
                self.items.remove(entry.key.as_str());
            }
        }
    }
}

/// Copies the keys and shares the values.
impl<T> Clone for Snapshot<T> {
    fn clone(&self) -> Self {
        Self {
            id: self.id,
            items: self.items.clone(),
        }
    }
}

impl<T> Clone for Item<T> {
    fn clone(&self) -> Self {
        Self {
            revision: self.revision,
            value: self.value.clone(),
        }
    }
}
