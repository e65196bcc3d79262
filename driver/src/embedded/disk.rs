//! The seam to the file system.
//!
//! All that the store does with files goes through here, so that tests can put a disk beneath it that
//! is full, that fails, or that loses power.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::fault::Fault;

/// A directory of files.
pub(super) trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Opens a file for reading and writing, and makes an empty one if there is none. The new name is
    /// durable on return.
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    fn exists(&self, name: &str) -> io::Result<bool>;

    /// Gives a file another name, in place of the file that had it; durable on return.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file; a missing one is no error.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Returns where a file lies, for errors.
    fn path(&self, name: &str) -> PathBuf;

    /// Lets others use the directory. Nothing is done with its files any more.
    fn release(&self);
}

/// An open file. Nothing that was written is durable before [`sync`](Self::sync) returns.
pub(super) trait DiskFile: fmt::Debug + Send + Sync + 'static {
    fn len(&self) -> io::Result<u64>;

    /// Fills `buffer`; a file that ends before is an error.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes all of `data`, beyond the end too. After an error any part may have been written.
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()>;

    /// Cuts the file off, or lengthens it with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes durable what was written.
    fn sync(&self) -> io::Result<()>;
}

/// The name of the file whose lock keeps other processes out. It holds nothing.
const LOCK: &str = "lock";

/// A real directory, held by this process.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// Locked until it is dropped, also when the process is killed.
    lock: Mutex<Option<File>>,
}

impl Directory {
    /// Makes the directory, for its owner alone, if it is not there, and locks it.
    pub(super) fn hold(path: &Path) -> Result<Self, Fault> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let made = builder.recursive(true).create(path);
        made.map_err(|error| Fault::io("making", path, error))?;
        let lock_path = path.join(LOCK);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path);
        let lock = lock.map_err(|error| Fault::io("opening", &lock_path, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                lock: Mutex::new(Some(lock)),
            }),
            Err(TryLockError::WouldBlock) => Err(Fault::locked(path)),
            Err(TryLockError::Error(error)) => Err(Fault::io("locking", &lock_path, error)),
        }
    }

    /// Makes changes of names durable.
    fn sync_names(&self) -> io::Result<()> {
        // Only Unix can open a directory; elsewhere the file system sees to it.
        if cfg!(unix) {
            File::open(&self.path)?.sync_all()
        } else {
            Ok(())
        }
    }
}

impl Disk for Directory {
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let fresh = !self.exists(name)?;
        let mut options = OpenOptions::new();
        let file = options
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(self.path(name))?;
        if fresh {
            self.sync_names()?;
        }
        Ok(Box::new(file))
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        self.path(name).try_exists()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))?;
        self.sync_names()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn release(&self) {
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buffer, offset)
    }

    #[cfg(unix)]
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(self, data, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            let read = std::os::windows::fs::FileExt::seek_read(self, buffer, offset)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            offset += read as u64;
            buffer = &mut buffer[read..];
        }
        Ok(())
    }

    #[cfg(windows)]
    fn write_at(&self, mut offset: u64, mut data: &[u8]) -> io::Result<()> {
        while !data.is_empty() {
            let written = std::os::windows::fs::FileExt::seek_write(self, data, offset)?;
            offset += written as u64;
            data = &data[written..];
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Self::set_len(self, len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
