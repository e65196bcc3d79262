//! The backends that the conformance suite is run over.

use std::path::PathBuf;
use std::time::Duration;

use pleach_driver::Driver;
use tempfile::TempDir;

/// A place that a driver can be opened on. What a test makes there is its own.
pub(crate) trait Backend {
    /// Opens the place; opened again after a close, it has what was there before, if the backend is
    /// durable.
    async fn open(&self) -> Driver;
}

/// A test waits for what it wants and fails by its own patience, not by the store's deadline on a busy
/// machine.
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct Memory;

impl Backend for Memory {
    async fn open(&self) -> Driver {
        Driver::builder("memory:")
            .deadline(DEADLINE)
            .open()
            .await
            .unwrap()
    }
}

/// A directory that is removed at the end.
pub(crate) struct Directory(TempDir);

impl Directory {
    pub(crate) fn fresh() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub(crate) fn url(&self) -> String {
        format!("file:{}", self.path().display())
    }
}

impl Backend for Directory {
    async fn open(&self) -> Driver {
        Driver::builder(self.url())
            .deadline(DEADLINE)
            .open()
            .await
            .unwrap()
    }
}
