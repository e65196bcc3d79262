//! Where templates and view tables come from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use include_dir::{Dir, DirEntry};

use crate::fault::Fault;
use crate::library::is_template;

/// A folder of templates with its `views.toml` or `views.json`: embedded in the binary, on disk, or both.
///
/// [`embed!`](crate::embed) makes the usual one, which is both.
#[derive(Debug, Clone)]
pub struct Source {
    embedded: Option<Embedded>,
    folder: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy)]
enum Embedded {
    List(&'static [(&'static str, &'static str)]),
    Folder(&'static Dir<'static>),
}

/// The files of a source by path, with slashes whatever the system.
pub(crate) type Files = BTreeMap<String, String>;

impl Source {
    /// Takes files from memory: pairs of a path, relative to the folder, and the text.
    pub fn embedded(files: &'static [(&'static str, &'static str)]) -> Self {
        Self {
            embedded: Some(Embedded::List(files)),
            folder: None,
        }
    }

    /// Takes files from a folder on disk.
    pub fn dir(path: impl Into<PathBuf>) -> Self {
        Self {
            embedded: None,
            folder: Some(path.into()),
        }
    }

    /// What [`embed!`](crate::embed) expands to.
    #[doc(hidden)]
    pub fn of_macro(files: &'static Dir<'static>, path: &str, manifest_dir: &str) -> Self {
        let folder = path.replace("$CARGO_MANIFEST_DIR", manifest_dir);
        Self {
            embedded: Some(Embedded::Folder(files)),
            folder: Some(folder.into()),
        }
    }

    /// Reads all files: from the folder if that is asked for and there is one, or if nothing is embedded.
    pub(crate) fn read(&self, prefer_folder: bool) -> Result<Files, Fault> {
        let mut files = Files::new();
        match (&self.folder, self.embedded) {
            (Some(folder), embedded) if embedded.is_none() || prefer_folder && folder.is_dir() => {
                read_folder(folder, folder, &mut files)
                    .map_err(|error| Fault::in_file(&folder.display().to_string(), error))?;
            }
            (_, Some(Embedded::List(list))) => {
                let wanted = list.iter().filter(|(path, _)| is_wanted(path));
                files.extend(wanted.map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
            }
            (_, Some(Embedded::Folder(dir))) => read_embedded(dir, &mut files)?,
            (_, None) => {}
        }
        Ok(files)
    }

    /// Whether the files may change while the program runs.
    pub(crate) fn has_folder(&self) -> bool {
        self.folder.as_deref().is_some_and(Path::is_dir)
    }
}

/// Names of view tables.
pub(crate) fn is_table(path: &str) -> bool {
    matches!(path, "views.toml" | "views.json")
}

/// Hidden files are those of editors and version control.
fn is_wanted(path: &str) -> bool {
    !path.split('/').any(|name| name.starts_with('.')) && (is_table(path) || is_template(path))
}

fn read_folder(root: &Path, folder: &Path, files: &mut Files) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read_folder(root, &path, files)?;
        } else if let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str) {
            let name = name.replace('\\', "/");
            if is_wanted(&name) {
                let text = fs::read_to_string(&path)
                    .map_err(|error| io::Error::new(error.kind(), format!("`{name}`: {error}")))?;
                files.insert(name, text);
            }
        }
    }
    Ok(())
}

fn read_embedded(dir: &'static Dir<'static>, files: &mut Files) -> Result<(), Fault> {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => read_embedded(dir, files)?,
            DirEntry::File(file) => {
                let name = file.path().to_string_lossy().replace('\\', "/");
                if is_wanted(&name) {
                    let text = file
                        .contents_utf8()
                        .ok_or_else(|| Fault::in_file(&name, "is not UTF-8"))?;
                    files.insert(name, text.to_owned());
                }
            }
        }
    }
    Ok(())
}

/// Embeds a folder of templates in the binary: `embed!("$CARGO_MANIFEST_DIR/views")` makes a [`Source`].
///
/// The source remembers the folder too, so that [`Builder::reload`](crate::Builder::reload) can follow it while one
/// works on it. The compiler notices changed files by itself, and new ones when the crate is next compiled.
#[macro_export]
macro_rules! embed {
    ($path:tt) => {{
        use $crate::__include_dir as include_dir;
        static FILES: include_dir::Dir<'static> = include_dir::include_dir!($path);
        $crate::Source::of_macro(&FILES, $path, env!("CARGO_MANIFEST_DIR"))
    }};
}
