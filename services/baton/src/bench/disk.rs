//! What the disk alone costs: one small write and one real sync, on a file beside the stores.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

/// About what one event adds to the store.
const WRITE_BYTES: u64 = 2_048;

/// The file is written once from end to end before anything is measured, so that a sync has no new
/// blocks or length to note: the cheapest real sync there is, and the hardest to be compared with.
const WRITES: u64 = 2_048;

/// A file to sync.
pub(crate) struct SyncedFile {
    file: File,
    next: u64,
}

impl SyncedFile {
    /// Makes it in a directory.
    ///
    /// # Errors
    /// When it can not be written.
    pub(crate) fn make(path: &Path) -> std::io::Result<Self> {
        let file = File::options().create_new(true).write(true).open(path)?;
        file.write_all_at(&vec![0; (WRITE_BYTES * WRITES) as usize], 0)?;
        file.sync_all()?;
        Ok(Self { file, next: 0 })
    }

    /// The time of one write and its sync, in microseconds.
    ///
    /// # Errors
    /// When the write or the sync fails.
    pub(crate) fn sync(&mut self) -> std::io::Result<f64> {
        let bytes = vec![self.next as u8; WRITE_BYTES as usize];
        let begin = Instant::now();
        self.file.write_all_at(&bytes, self.next % WRITES * WRITE_BYTES)?;
        self.file.sync_data()?;
        self.next += 1;
        Ok(begin.elapsed().as_secs_f64() * 1e6)
    }
}
