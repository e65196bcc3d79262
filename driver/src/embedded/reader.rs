//! Reading buckets from rows.

mod stream;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::clock::{Clock, Millis};
use super::engine::{Direction, Engine, Go, Range};
use super::fault::Fault;
use super::row::{self, BucketId, BucketRow, Head, Keys, Malformed, Settings, StoreRow, Stored};
use crate::kv::{Entry, Revision, Since, Snapshot};
use crate::{Error, Filter};

/// Reads buckets. All calls may block.
pub(super) struct Reader {
    engine: Arc<dyn Engine>,
    clock: Clock,
    /// The store, for errors.
    place: PathBuf,
}

impl Reader {
    pub(super) fn new(engine: Arc<dyn Engine>, clock: Clock, place: &Path) -> Self {
        Self {
            engine,
            clock,
            place: place.to_owned(),
        }
    }

    pub(super) fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// A row that the layout did not write is damage.
    pub(super) fn sound<T>(&self, decoded: Result<T, Malformed>) -> Result<T, Fault> {
        decoded.map_err(|Malformed| self.unsound("a row is malformed"))
    }

    /// Says that rows do not go together as the layout writes them.
    pub(super) fn unsound(&self, detail: &str) -> Fault {
        Fault::damaged(&self.place, detail)
    }
}

/// The store and its buckets.
impl Reader {
    pub(super) fn store_row(&self, row: Option<Bytes>) -> Result<StoreRow, Fault> {
        let fresh = StoreRow {
            format: row::FORMAT,
            next_bucket: BucketId(1),
        };
        row.map_or(Ok(fresh), |row| self.sound(StoreRow::decode(&row)))
    }

    pub(super) fn head_row(&self, row: Option<Bytes>) -> Result<Head, Fault> {
        row.map_or(Ok(Head::default()), |row| self.sound(Head::decode(&row)))
    }

    /// Refuses a store that a later version of this layout wrote.
    pub(super) fn check_format(&self) -> Result<(), Fault> {
        let store = self.store_row(self.engine.get(&row::store_key())?)?;
        if store.format != row::FORMAT {
            let detail = format!(
                "its format is {}, of which this program knows {}",
                store.format,
                row::FORMAT
            );
            return Err(Fault::damaged(&self.place, detail));
        }
        Ok(())
    }

    /// Returns all buckets with their names.
    pub(super) fn buckets(&self) -> Result<Vec<(String, BucketRow)>, Fault> {
        self.collect(&[row::buckets()], |key, row| {
            Ok(Some((row::bucket_name(key)?, BucketRow::decode(row)?)))
        })
    }

    pub(super) fn head(&self, bucket: BucketId) -> Result<Head, Fault> {
        self.head_row(self.engine.get(&row::head_key(bucket))?)
    }

    /// Returns up to `most` timers that have gone off by `now`, earliest first.
    pub(super) fn due_timers(
        &self,
        now: Millis,
        most: usize,
    ) -> Result<Vec<(Millis, BucketId, String)>, Fault> {
        let mut due = Vec::new();
        self.visit(&[row::timers()], |key, _| {
            let (at, bucket, key) = row::timer_of(key)?;
            if at > now || due.len() == most {
                return Ok(Go::Stop);
            }
            due.push((at, bucket, key.to_owned()));
            Ok(Go::On)
        })?;
        Ok(due)
    }

    /// Returns when the first timer or alarm goes off.
    pub(super) fn first_timer(&self) -> Result<Option<Millis>, Fault> {
        let page = self.engine.page(&row::timers(), Direction::Forward, 1)?;
        let first = page.first().map(|(key, _)| row::timer_of(key));
        let first = self.sound(first.transpose())?.map(|(at, ..)| at);
        Ok(first.into_iter().chain(self.first_alarm()?).min())
    }

    /// Returns all keys of a bucket, those with nothing but a marker too.
    pub(super) fn all_keys(&self, bucket: BucketId) -> Result<Vec<String>, Fault> {
        self.collect(&[row::latest_rows(bucket, Keys::Prefix(""))], |key, _| {
            Ok(Some(row::entry_key(key)?.to_owned()))
        })
    }
}

/// Entries.
impl Reader {
    /// Returns the latest entry of a key, unless it is a value that has expired.
    pub(super) fn entry(
        &self,
        bucket: BucketId,
        settings: &Settings,
        key: &str,
    ) -> Result<Option<Entry>, Fault> {
        let Some(row) = self.engine.get(&row::latest_key(bucket, key))? else {
            return Ok(None);
        };
        let stored = self.sound(Stored::decode(&row))?;
        if stored.has_expired(settings, || self.clock.now()) {
            return Ok(None);
        }
        Ok(Some(stored.into_entry(key.to_owned())))
    }

    /// Returns what is kept of a key, oldest first.
    pub(super) fn history(
        &self,
        bucket: BucketId,
        settings: &Settings,
        key: &str,
    ) -> Result<Vec<Entry>, Fault> {
        let ranges = [
            row::older_rows(bucket, Keys::One(key)),
            row::latest_rows(bucket, Keys::One(key)),
        ];
        // The latest entry comes last; when it has expired the key is as good as purged.
        let mut expired = false;
        let entries = self.collect(&ranges, |_, row| {
            let stored = Stored::decode(row)?;
            expired = stored.has_expired(settings, || self.clock.now());
            Ok((!expired).then(|| stored.into_entry(key.to_owned())))
        })?;
        Ok(if expired { Vec::new() } else { entries })
    }

    /// Returns the keys with a living value that `filter` matches.
    pub(super) fn keys(
        &self,
        bucket: BucketId,
        settings: &Settings,
        filter: &Filter,
    ) -> Result<Vec<String>, Fault> {
        self.collect(&[row::latest_rows(bucket, keys_of(filter))], |key, row| {
            let stored = Stored::decode(row)?;
            let key = row::entry_key(key)?;
            let alive = stored.is_value() && !stored.has_expired(settings, || self.clock.now());
            Ok((alive && filter.matches(key)).then(|| key.to_owned()))
        })
    }

    /// Returns entries as they stood at one revision. The inner error: it cannot be resumed from.
    pub(super) fn snapshot(
        &self,
        bucket: BucketId,
        settings: &Settings,
        filter: &Filter,
        since: Since,
    ) -> Result<Result<Snapshot, Error>, Fault> {
        // The head lies in the same view of the rows, so that the revision is that of the entries.
        let mut ranges = vec![
            Range::single(row::head_key(bucket)),
            row::latest_rows(bucket, keys_of(filter)),
        ];
        if since != Since::Latest {
            ranges.push(row::older_rows(bucket, keys_of(filter)));
        }
        let mut head = Head::default();
        let mut entries = self.collect(&ranges, |key, row| {
            if row::is_head(key) {
                head = Head::decode(row)?;
                return Ok(None);
            }
            let key = row::entry_key(key)?;
            if !filter.matches(key) {
                return Ok(None);
            }
            let stored = Stored::decode(row)?;
            let wanted = match since {
                Since::Latest => stored.is_value(),
                Since::After(after) => stored.revision > after,
            };
            let alive = !stored.has_expired(settings, || self.clock.now());
            Ok((wanted && alive).then(|| stored.into_entry(key.to_owned())))
        })?;
        if let Since::After(after) = since
            && let Err(error) = check_resume(after, head)
        {
            return Ok(Err(error));
        }
        entries.sort_unstable_by_key(|entry| entry.revision);
        Ok(Ok(Snapshot {
            entries,
            revision: head.last,
        }))
    }
}

/// Scans.
impl Reader {
    fn visit(
        &self,
        ranges: &[Range],
        mut visit: impl FnMut(&[u8], &Bytes) -> Result<Go, Malformed>,
    ) -> Result<(), Fault> {
        let mut malformed = None;
        self.engine.scan(ranges, &mut |key, row| {
            visit(key, row).unwrap_or_else(|error| {
                malformed = Some(error);
                Go::Stop
            })
        })?;
        malformed.map_or(Ok(()), |error| self.sound(Err(error)))
    }

    fn collect<T>(
        &self,
        ranges: &[Range],
        mut pick: impl FnMut(&[u8], &Bytes) -> Result<Option<T>, Malformed>,
    ) -> Result<Vec<T>, Fault> {
        let mut picked = Vec::new();
        self.visit(ranges, |key, row| {
            picked.extend(pick(key, row)?);
            Ok(Go::On)
        })?;
        Ok(picked)
    }
}

fn keys_of(filter: &Filter) -> Keys<'_> {
    match filter.as_key() {
        Some(key) => Keys::One(key),
        None => Keys::Prefix(filter.literal_prefix()),
    }
}

fn check_resume(after: Revision, head: Head) -> Result<(), Error> {
    if after > head.last {
        let detail = format!(
            "revision {after} is not of this bucket, which is at {}",
            head.last
        );
        return Err(Error::too_old(detail));
    }
    if after < head.floor {
        let detail = format!(
            "after revision {after}, markers up to {} are gone",
            head.floor
        );
        return Err(Error::too_old(detail));
    }
    Ok(())
}
