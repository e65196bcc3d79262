//! A disk in memory that remembers what was done to it, and can be full, broken, or without power.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use super::super::disk::{Disk, DiskFile};

/// A disk in memory. A clone is the same disk.
#[derive(Clone, Debug, Default)]
pub(super) struct FakeDisk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<String, usize>,
    files: Vec<Vec<u8>>,
    /// Names and files as they were at first, all of it durable.
    first: (BTreeMap<String, usize>, Vec<Vec<u8>>),
    /// What was done since.
    journal: Vec<Done>,
    trouble: Trouble,
}

impl State {
    fn beginning_with(names: BTreeMap<String, usize>, files: Vec<Vec<u8>>) -> Self {
        let first = (names.clone(), files.clone());
        Self {
            names,
            files,
            first,
            journal: Vec::new(),
            trouble: Trouble::None,
        }
    }
}

/// What is wrong with the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Trouble {
    #[default]
    None,
    /// No file can grow; what is there can be written over.
    Full,
    /// Writes go through, syncs fail, and so does what they should have made durable.
    NoSync,
    /// Nothing can be written.
    ReadOnly,
}

/// Something that was done to a file.
#[derive(Clone, Debug)]
enum Done {
    Named {
        name: String,
        file: usize,
    },
    Unnamed {
        name: String,
    },
    Write {
        file: usize,
        offset: usize,
        data: Vec<u8>,
    },
    SetLen {
        file: usize,
        len: usize,
    },
    Sync {
        file: usize,
    },
}

/// Disks write this much at once or not at all.
const SECTOR_BYTES: usize = 512;

impl FakeDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(super) fn set_trouble(&self, trouble: Trouble) {
        self.state().trouble = trouble;
    }

    /// Returns how much was done to it.
    pub(super) fn done(&self) -> usize {
        self.state().journal.len()
    }

    /// Returns all files and what is in them.
    pub(super) fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state();
        state
            .names
            .iter()
            .map(|(name, file)| (name.clone(), state.files[*file].clone()))
            .collect()
    }

    /// Returns the disk as it is found when the process is killed now.
    pub(super) fn after_a_kill(&self) -> Self {
        let state = self.state();
        let left = State::beginning_with(state.names.clone(), state.files.clone());
        Self(Arc::new(Mutex::new(left)))
    }

    /// Changes what is in a file, behind everybody's back.
    pub(super) fn tamper(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let file = state.names[name];
        change(&mut state.files[file]);
    }

    /// Takes a file away, behind everybody's back.
    pub(super) fn lose(&self, name: &str) {
        self.state().names.remove(name).expect("the file is there");
    }

    /// Returns the disk as it may be found when the power failed after so much was done.
    ///
    /// What was synced is there. Of what was not, `chance` says what is: it is asked for a number below
    /// its argument.
    pub(super) fn without_power(&self, done: usize, mut chance: impl FnMut(u32) -> u32) -> Self {
        let state = self.state();
        let journal = &state.journal[..done];
        let (mut names, mut files) = state.first.clone();
        files.resize(state.files.len(), Vec::new());
        let mut last_syncs = vec![0; state.files.len()];
        for (at, step) in journal.iter().enumerate() {
            if let Done::Sync { file } = step {
                last_syncs[*file] = at;
            }
        }
        for (at, step) in journal.iter().enumerate() {
            let synced = |file: usize| at < last_syncs[file];
            match step {
                Done::Named { name, file } => drop(names.insert(name.clone(), *file)),
                Done::Unnamed { name } => drop(names.remove(name)),
                Done::Sync { .. } => {}
                Done::SetLen { file, len } => {
                    if synced(*file) || chance(2) == 0 {
                        files[*file].resize(*len, 0);
                    }
                }
                Done::Write { file, offset, data } => {
                    let whole = synced(*file) || chance(3) == 0;
                    // A sector is there or not; which of them are is up to the disk.
                    let mut from = 0;
                    while from < data.len() {
                        let sector_end = (offset + from + 1).next_multiple_of(SECTOR_BYTES);
                        let to = (sector_end - offset).min(data.len());
                        if whole || chance(2) == 0 {
                            write(&mut files[*file], offset + from, &data[from..to]);
                        }
                        from = to;
                    }
                }
            }
        }
        Self(Arc::new(Mutex::new(State::beginning_with(names, files))))
    }
}

fn write(file: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[offset..end].copy_from_slice(data);
}

impl State {
    fn check_writable(&self) -> io::Result<()> {
        match self.trouble {
            Trouble::ReadOnly => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
            Trouble::None | Trouble::Full | Trouble::NoSync => Ok(()),
        }
    }

    fn name(&mut self, name: &str, file: usize) {
        self.names.insert(name.to_owned(), file);
        self.journal.push(Done::Named {
            name: name.to_owned(),
            file,
        });
    }

    fn unname(&mut self, name: &str) -> Option<usize> {
        let file = self.names.remove(name);
        self.journal.push(Done::Unnamed {
            name: name.to_owned(),
        });
        file
    }
}

impl Disk for FakeDisk {
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        let file = match state.names.get(name) {
            Some(file) => *file,
            None => {
                state.check_writable()?;
                state.files.push(Vec::new());
                let file = state.files.len() - 1;
                state.name(name, file);
                file
            }
        };
        Ok(Box::new(FakeFile {
            disk: self.clone(),
            file,
        }))
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        Ok(self.state().names.contains_key(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.check_writable()?;
        let file = state.unname(from).ok_or(io::ErrorKind::NotFound)?;
        state.name(to, file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.check_writable()?;
        state.unname(name);
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("disk").join(name)
    }

    fn release(&self) {}
}

#[derive(Debug)]
struct FakeFile {
    disk: FakeDisk,
    file: usize,
}

impl DiskFile for FakeFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state().files[self.file].len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let state = self.disk.state();
        let bytes = state.files[self.file].get(offset as usize..offset as usize + buffer.len());
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        state.check_writable()?;
        let (file, offset) = (self.file, offset as usize);
        // A disk takes what fits before it says that it is full.
        let fits = match state.trouble {
            Trouble::Full => state.files[file]
                .len()
                .saturating_sub(offset)
                .min(data.len()),
            _ => data.len(),
        };
        write(&mut state.files[file], offset, &data[..fits]);
        state.journal.push(Done::Write {
            file,
            offset,
            data: data[..fits].to_vec(),
        });
        if fits < data.len() {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.check_writable()?;
        let (file, len) = (self.file, len as usize);
        if state.trouble == Trouble::Full && len > state.files[file].len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.files[file].resize(len, 0);
        state.journal.push(Done::SetLen { file, len });
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        if state.trouble == Trouble::NoSync {
            return Err(io::Error::other("the disk does not answer"));
        }
        state.journal.push(Done::Sync { file: self.file });
        Ok(())
    }
}
