//! A copy of a file whose changes stay in memory.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

use crate::embedded::disk::DiskFile;

const BLOCK_BYTES: usize = 4096;

/// A file that is read, and whose changes stay in memory.
#[derive(Debug)]
pub(super) struct Trial {
    file: Box<dyn DiskFile>,
    copy: Mutex<Copy>,
}

#[derive(Debug)]
struct Copy {
    len: u64,
    /// How much of the file shows through where nothing was changed; what was once cut off never
    /// does.
    shown: u64,
    changed: HashMap<u64, Box<[u8]>>,
}

impl Trial {
    pub(super) fn new(file: Box<dyn DiskFile>, len: u64) -> Self {
        let copy = Copy {
            len,
            shown: len,
            changed: HashMap::new(),
        };
        Self {
            file,
            copy: Mutex::new(copy),
        }
    }

    fn copy(&self) -> MutexGuard<'_, Copy> {
        self.copy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `each` with the block, the place in it, and the part of `0..len` that goes there.
    fn blocks(
        offset: u64,
        len: usize,
        mut each: impl FnMut(u64, usize, std::ops::Range<usize>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut done = 0;
        while done < len {
            let at = offset + done as u64;
            let within = (at % BLOCK_BYTES as u64) as usize;
            let part = (BLOCK_BYTES - within).min(len - done);
            each(at / BLOCK_BYTES as u64, within, done..done + part)?;
            done += part;
        }
        Ok(())
    }
}

impl Copy {
    /// Fills `out` with the file as it shows at `offset`, and zeros behind it.
    fn read_file(&self, file: &dyn DiskFile, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let shown = self.shown.saturating_sub(offset).min(out.len() as u64) as usize;
        let (shown, beyond) = out.split_at_mut(shown);
        beyond.fill(0);
        if shown.is_empty() {
            Ok(())
        } else {
            file.read_at(offset, shown)
        }
    }
}

impl StorageBackend for Trial {
    fn len(&self) -> io::Result<u64> {
        Ok(self.copy().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let copy = self.copy();
        if offset
            .checked_add(out.len() as u64)
            .is_none_or(|end| end > copy.len)
        {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if copy.changed.is_empty() {
            return copy.read_file(&*self.file, offset, out);
        }
        Self::blocks(offset, out.len(), |block, within, part| {
            let at = offset + part.start as u64;
            let out = &mut out[part];
            match copy.changed.get(&block) {
                Some(bytes) => out.copy_from_slice(&bytes[within..within + out.len()]),
                None => copy.read_file(&*self.file, at, out)?,
            }
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut copy = self.copy();
        copy.len = len;
        copy.shown = copy.shown.min(len);
        copy.changed.retain(|block, bytes| {
            let begin = block * BLOCK_BYTES as u64;
            let kept = len.saturating_sub(begin).min(BLOCK_BYTES as u64) as usize;
            bytes[kept..].fill(0);
            kept > 0
        });
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut copy = self.copy();
        Self::blocks(offset, data.len(), |block, within, part| {
            if !copy.changed.contains_key(&block) {
                let mut bytes = vec![0; BLOCK_BYTES].into_boxed_slice();
                copy.read_file(&*self.file, block * BLOCK_BYTES as u64, &mut bytes)?;
                copy.changed.insert(block, bytes);
            }
            let data = &data[part];
            if let Some(bytes) = copy.changed.get_mut(&block) {
                bytes[within..within + data.len()].copy_from_slice(data);
            }
            Ok(())
        })?;
        copy.len = copy.len.max(offset + data.len() as u64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Write(u16, Vec<u8>),
        SetLen(u16),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let write = (0..12_000_u16, prop::collection::vec(any::<u8>(), 0..5000));
        let step = prop_oneof![
            write.prop_map(|(offset, data)| Step::Write(offset, data)),
            (0..16_000_u16).prop_map(Step::SetLen),
        ];
        prop::collection::vec(step, 0..8)
    }

    proptest! {
        #[test]
        fn it_behaves_as_the_file_would(begin in 0..10_000_usize, steps in steps()) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("file");
            let mut model: Vec<u8> = (0..begin).map(|index| index as u8 | 1).collect();
            std::fs::write(&path, &model).unwrap();
            let trial = Trial::new(Box::new(std::fs::File::open(&path).unwrap()), begin as u64);
            for step in steps {
                match step {
                    Step::Write(offset, data) => {
                        let end = usize::from(offset) + data.len();
                        model.resize(model.len().max(end), 0);
                        model[usize::from(offset)..end].copy_from_slice(&data);
                        trial.write(offset.into(), &data).unwrap();
                    }
                    Step::SetLen(len) => {
                        model.resize(len.into(), 0);
                        trial.set_len(len.into()).unwrap();
                    }
                }
                let mut read = vec![0; trial.len().unwrap() as usize];
                trial.read(0, &mut read).unwrap();
                prop_assert!(read == model);
            }
            prop_assert_eq!(std::fs::metadata(&path).unwrap().len(), begin as u64);
        }
    }
}
