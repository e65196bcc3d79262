//! Where templates and view tables come from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use include_dir::Dir;

/// A folder of templates with its `views.toml` or `views.json`: embedded in the binary, on disk, or both.
///
/// Made by [`embed!`](crate::embed) in most applications and libraries.
#[derive(Debug, Clone)]
pub struct Source {
    pub(crate) embedded: Option<Embedded>,
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Embedded {
    List(&'static [(&'static str, &'static str)]),
    Folder(&'static Dir<'static>),
}

impl Source {
    /// Takes files from memory: pairs of a path with slashes, relative to the folder, and the text.
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

    /// Backs the expansion of [`embed!`](crate::embed).
    #[doc(hidden)]
    pub fn of_macro(files: &'static Dir<'static>, path: &str, manifest_dir: &str) -> Self {
        let folder = PathBuf::from(path.replace("$CARGO_MANIFEST_DIR", manifest_dir));
        Self {
            embedded: Some(Embedded::Folder(files)),
            folder: Some(folder),
        }
    }
}

/// Embeds a folder of templates in the binary: `embed!("$CARGO_MANIFEST_DIR/views")` makes a [`Source`].
///
/// The folder's path is remembered too, so that [`Builder::reload`](crate::Builder::reload) can read it anew while one
/// works on it. The compiler notices changed files by itself, new files when the crate is next compiled.
#[macro_export]
macro_rules! embed {
    ($path:tt) => {{
        use $crate::__include_dir as include_dir;
        static FILES: include_dir::Dir<'static> = include_dir::include_dir!($path);
        $crate::Source::of_macro(&FILES, $path, env!("CARGO_MANIFEST_DIR"))
    }};
}

/// The text files of a source by path. (The skeleton of what follows.)
pub(crate) type Files = BTreeMap<String, String>;
