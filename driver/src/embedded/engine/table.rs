//! The table: one file with all rows up to a checkpoint.
//!
//! It is a redb database, chosen for a file that opens after every simulated power loss, as long as
//! each of its commits is synced, which they are here. Its own rows begin with a zero byte, which
//! no row of the store does.
//!
//! redb trusts its file: a damaged page can make it panic, and an attempt to repair writes. So a
//! table is tried out before it is opened, on a thread whose panic is an answer, and on a copy
//! whose changes stay in memory: a damaged file is left as it was.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::{BufMut, Bytes, BytesMut};
use redb::{Builder, Database, ReadOnlyTable, ReadableDatabase, StorageBackend, TableDefinition};
use tracing::warn;

use super::record::{Salt, Sequence};
use super::trial::Trial;
use super::{Batch, Direction, Go, Range};
use crate::embedded::disk::{Disk, DiskFile};
use crate::embedded::fault::Fault;

/// The name of a table in the making.
const NEW_NAME: &str = "table.new";

const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");

const MARK: &[u8] = b"\0mark";

/// How much of the table is kept in memory, at most.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// Up to this size a table is checked from end to end before it is opened; a larger one is tried by
/// opening it, and damage further in shows when it is read.
const CHECKED_BYTES: u64 = 64 * 1024 * 1024;

/// How many rows are put in one commit.
const COMMIT_ROWS: usize = 2048;

/// What the table knows of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) salt: Salt,
    /// The last record whose rows are in the table.
    pub(super) sequence: Sequence,
}

impl Mark {
    fn encode(self) -> Bytes {
        let mut row = BytesMut::with_capacity(24);
        row.put_slice(&self.salt.0);
        row.put_u64_le(self.sequence);
        row.freeze()
    }

    fn decode(row: &[u8]) -> Option<Self> {
        let (salt, sequence) = row.split_first_chunk()?;
        let sequence = Sequence::from_le_bytes(sequence.try_into().ok()?);
        Some(Self {
            salt: Salt(*salt),
            sequence,
        })
    }
}

pub(super) struct Table {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// `None` when it is closed, or could not be opened again after a failure. Readers hold the
    /// lock, so that nobody reads a file that was let go of.
    database: RwLock<Option<Database>>,
}

impl Table {
    pub(super) const NAME: &str = "table.redb";

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns true when there is one.
    pub(super) fn exists(disk: &dyn Disk) -> Result<bool, Fault> {
        disk.exists(Table::NAME)
            .map_err(|error| Fault::io("looking for", &disk.path(Table::NAME), error))
    }

    /// Makes an empty table. A crash leaves none, or a whole one.
    pub(super) fn create(disk: &dyn Disk) -> Result<(), Fault> {
        let path = disk.path(NEW_NAME);
        disk.remove(NEW_NAME)
            .map_err(|error| Fault::io("removing", &path, error))?;
        let database = open_database(disk, NEW_NAME)?;
        let mark = Mark {
            salt: Salt::random(),
            sequence: 0,
        };
        put(&database, &Batch::new(), mark).map_err(|error| fault("making", &path, error))?;
        drop(database);
        disk.rename(NEW_NAME, Table::NAME)
            .map_err(|error| Fault::io("renaming", &path, error))
    }

    /// Tries whether the table can be opened, on a copy whose changes stay in memory, and returns
    /// its mark. Reads all of it if it is not too large.
    pub(super) fn try_out(disk: &dyn Disk) -> Result<Mark, Fault> {
        let path = disk.path(Table::NAME);
        let file = disk.open(Table::NAME);
        let file = file.map_err(|error| Fault::io("opening", &path, error))?;
        let len = file
            .len()
            .map_err(|error| Fault::io("measuring", &path, error))?;
        if len == 0 {
            // redb would make a new database of it.
            return Err(Fault::damaged(&path, "it is empty"));
        }
        let trial = move || {
            let mut database = open_on(Trial::new(file, len))?;
            let sound = len > CHECKED_BYTES || database.check_integrity()?;
            let mark = View(&database).rows()?.0.get(MARK)?;
            Ok((sound, mark.and_then(|mark| Mark::decode(mark.value()))))
        };
        let thread = std::thread::Builder::new()
            .name("pleach-trial".into())
            .spawn(trial);
        let thread = thread.map_err(|error| Fault::io("starting a thread for", &path, error))?;
        match thread.join() {
            Ok(Ok((true, Some(mark)))) => Ok(mark),
            Ok(Ok((true, None))) => Err(Fault::damaged(&path, "its mark is missing")),
            Ok(Ok((false, _))) => Err(Fault::damaged(&path, "its checksums do not match")),
            Ok(Err(error)) => Err(fault("opening", &path, error)),
            Err(_panic) => Err(Fault::damaged(&path, "its pages make no sense")),
        }
    }

    /// Opens a table that was [tried out](Self::try_out).
    pub(super) fn open(disk: Arc<dyn Disk>) -> Result<Self, Fault> {
        let path = disk.path(Table::NAME);
        let database = open_database(&*disk, Table::NAME)?;
        Ok(Self {
            disk,
            path,
            database: RwLock::new(Some(database)),
        })
    }

    /// Returns the row at `key`.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        self.view(|table| {
            let row = table.rows()?.0.get(key)?;
            Ok(row.map(|row| Bytes::copy_from_slice(row.value())))
        })
    }

    /// Lets `look` take the rows as they stand at a moment of its choice.
    pub(super) fn view<T>(
        &self,
        look: impl FnOnce(&View<'_>) -> Result<T, redb::Error>,
    ) -> Result<T, Fault> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let Some(database) = &*database else {
            return Err(Fault::io(
                "using",
                &self.path,
                io::Error::other("it is not open"),
            ));
        };
        look(&View(database)).map_err(|error| fault("using", &self.path, error))
    }

    /// Puts rows, and at last the mark that says so; durable on return.
    ///
    /// After a failure the database is opened anew: redb refuses all further work on a file that
    /// failed once, reads too.
    pub(super) fn apply(&self, rows: &Batch, mark: Mark) -> Result<(), Fault> {
        self.reopen_if(Option::is_none);
        let applied = self.view(|table| put(table.0, rows, mark));
        if applied.is_err() {
            self.reopen_if(|_| true);
        }
        applied
    }

    fn reopen_if(&self, needed: impl FnOnce(&Option<Database>) -> bool) {
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if !needed(&database) {
            return;
        }
        // The old one lets go of the file before the new one takes it.
        *database = None;
        match open_database(&*self.disk, Table::NAME) {
            Ok(opened) => *database = Some(opened),
            Err(fault) => warn!(%fault, "the table could not be opened again"),
        }
    }

    /// Lets go of the file.
    pub(super) fn close(&self) {
        *self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// An open table.
pub(super) struct View<'a>(&'a Database);

impl View<'_> {
    /// Returns the rows as they stand now.
    pub(super) fn rows(&self) -> Result<Rows, redb::Error> {
        Ok(Rows(self.0.begin_read()?.open_table(ROWS)?))
    }
}

/// All rows of one moment.
pub(super) struct Rows(ReadOnlyTable<&'static [u8], &'static [u8]>);

impl Rows {
    /// Visits the rows of `range` in order.
    pub(super) fn visit(
        &self,
        range: &Range,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> Go,
    ) -> Result<Go, redb::Error> {
        self.walk(range, Direction::Forward, visit)
    }

    /// Visits the rows of `range` in either order.
    pub(super) fn walk(
        &self,
        range: &Range,
        order: Direction,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> Go,
    ) -> Result<Go, redb::Error> {
        let mut rows = self.0.range::<&[u8]>(&range.from[..]..&range.to[..])?;
        while let Some(row) = match order {
            Direction::Forward => rows.next(),
            Direction::Backward => rows.next_back(),
        } {
            let (key, row) = row?;
            if visit(key.value(), row.value()) == Go::Stop {
                return Ok(Go::Stop);
            }
        }
        Ok(Go::On)
    }
}

/// Puts rows in several commits, each of which writes the pages that the one before it freed: in a
/// single one the file would grow by all pages that change. What a crash leaves of it is harmless,
/// for until the mark is put all rows are replayed from the log.
fn put(database: &Database, rows: &Batch, mark: Mark) -> Result<(), redb::Error> {
    let mut rows = rows.iter().peekable();
    loop {
        let mut transaction = database.begin_write()?;
        // A little slower to write; in return a table of any size opens at once after a crash.
        transaction.set_quick_repair(true);
        let mut table = transaction.open_table(ROWS)?;
        for (key, row) in rows.by_ref().take(COMMIT_ROWS) {
            match row {
                Some(row) => drop(table.insert(&key[..], &row[..])?),
                None => drop(table.remove(&key[..])?),
            }
        }
        let done = rows.peek().is_none();
        if done {
            table.insert(MARK, &mark.encode()[..])?;
        }
        drop(table);
        transaction.commit()?;
        if done {
            return Ok(());
        }
    }
}

fn open_database(disk: &dyn Disk, name: &str) -> Result<Database, Fault> {
    let path = disk.path(name);
    let file = disk
        .open(name)
        .map_err(|error| Fault::io("opening", &path, error))?;
    open_on(Plain(file)).map_err(|error| fault("opening", &path, error))
}

fn open_on(file: impl StorageBackend) -> Result<Database, redb::Error> {
    Ok(Builder::new()
        .set_cache_size(CACHE_BYTES)
        .create_with_backend(file)?)
}

/// Sorts redb's errors.
fn fault(doing: &'static str, path: &Path, error: redb::Error) -> Fault {
    match error {
        redb::Error::Corrupted(detail) => Fault::damaged(path, detail),
        redb::Error::Io(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            ) =>
        {
            Fault::damaged(path, error.to_string())
        }
        redb::Error::Io(error) => Fault::io(doing, path, error),
        error => Fault::failed(doing, path, error),
    }
}

/// A file as redb takes it.
#[derive(Debug)]
struct Plain(Box<dyn DiskFile>);

impl StorageBackend for Plain {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, data)
    }
}
