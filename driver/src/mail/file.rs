//! Mail into files.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::letter::Letter;
use super::transport::MailTransport;
use crate::Error;
use crate::backend::BoxFuture;

/// Writes a file for each letter.
pub(super) struct Files {
    pub(super) directory: PathBuf,
}

impl MailTransport for Files {
    fn deliver<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let directory = self.directory.clone();
            let name = format!("{}-{}.eml", letter.head.date, file_name(letter.id()));
            let content = letter.to_mime()?;
            let path = directory.join(&name);
            let written =
                tokio::task::spawn_blocking(move || write(&directory, &name, &content)).await;
            written
                .map_err(io::Error::other)
                .flatten()
                .map_err(|error| {
                    let path = path.display();
                    Error::unavailable(format!("the mail {path} can't be written"))
                        .with_source(error)
                })
        })
    }

    fn describe(&self) -> String {
        format!("file:{}", self.directory.display())
    }
}

/// Writes the file beside its place and moves it there, so that nobody finds half of it. What is in it is for its reader alone.
fn write(directory: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let unfinished = directory.join(format!(".{name}.part"));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, directory.join(name))
}

/// An id has a domain in it that came from outside.
fn file_name(id: &str) -> String {
    id.chars()
        .take(120)
        .map(|char| {
            if char.is_ascii_alphanumeric() || "@.-".contains(char) {
                char
            } else {
                '_'
            }
        })
        .collect()
}
