//! What the disk alone costs: one small write and one real sync, on a file beside the stores.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

use super::figures::median;

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

    /// The median time of `count` writes with a sync each, in microseconds.
    ///
    /// # Errors
    /// When a write or a sync fails.
    pub(crate) fn measure(&mut self, count: u64) -> std::io::Result<f64> {
        let mut times = Vec::new();
        for _ in 0..count {
            let bytes = vec![self.next as u8; WRITE_BYTES as usize];
            let begin = Instant::now();
            self.file.write_all_at(&bytes, self.next % WRITES * WRITE_BYTES)?;
            self.file.sync_data()?;
            times.push(begin.elapsed().as_secs_f64() * 1e6);
            self.next += 1;
        }
        Ok(median(&times).unwrap_or_default())
    }
}
