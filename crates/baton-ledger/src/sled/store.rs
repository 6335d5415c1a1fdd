//! The storage engine, opened with the settings of the ledger and dropped without a panic.

use std::path::Path;
use std::time::{Duration, Instant};

use super::damage::{caught, sort};
use crate::log::chunk::SEGMENT;
use crate::storage::{Fault, Visitor};

/// How long a predecessor in this process may take to let go of the engine's own lock.
pub(super) const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// An open sled database.
pub(super) struct Store(Option<::sled::Db>);

impl Store {
    /// Opens or creates the store in a directory. No background flusher: a flush is ours alone.
    pub(super) fn open(dir: &Path, cache_bytes: u64) -> Result<Store, Fault> {
        let config = ::sled::Config::new().path(dir).segment_size(SEGMENT).cache_capacity(cache_bytes).flush_every_ms(None);
        let begin = Instant::now();
        loop {
            match sort(|| config.open()) {
                // sled's own lock outlives a dropped handle while its thread pool winds down. We
                // hold the lock of the data directory, so it can only be our own predecessor.
                Err(Fault::Io(error)) if is_lock(&error) && begin.elapsed() < LOCK_PATIENCE => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                opened => return opened.map(|db| Store(Some(db))),
            }
        }
    }

    /// Visits every pair in the order of keys.
    pub(super) fn visit(&self, visitor: &mut Visitor<'_>) -> Result<(), Fault> {
        let mut values = self.db().iter();
        while let Some((key, value)) = sort(|| values.next().transpose())? {
            visitor(&key, &value).map_err(Fault::Damage)?;
        }
        Ok(())
    }

    pub(super) fn db(&self) -> &::sled::Db {
        self.0.as_ref().expect("the database is there until the store is dropped")
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // sled syncs when it is dropped and panics if that fails; nothing rests on that sync.
        let db = self.0.take();
        if let Err(why) = caught(move || drop(db)) {
            tracing::warn!(why, "the storage engine did not shut down in order");
        }
    }
}

fn is_lock(error: &std::io::Error) -> bool {
    error.to_string().contains("could not acquire lock")
}
