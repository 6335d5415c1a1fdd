//! The storage engine with nothing on top: values in the order in which they came, each durable when it is in.
//!
//! What a ledger costs is measured against it, so engine, settings and sync are the ledger's own and nothing
//! else is: no lock of the directory, no position, no sum, no proof, no copy before an open. No server keeps
//! anything in it.
//!
//! **Durable when?** When `append` returns. **Ordered how?** By a counter, which is the key, big-endian.
//! **Who retries?** Nobody; after an error nothing is known of the value.

use std::io;
use std::path::Path;

use super::DEFAULT_CACHE;
use super::damage::sort;
use super::open::sync_names;
use super::store::Store;
use super::sync::{SyncMode, Syncer};
use crate::bounds::MAX_CHUNK;
use crate::storage::Fault;

/// Values under a counter in the storage engine of a [`SledLedger`](super::SledLedger), to measure a ledger against.
pub struct BareStore {
    // The syncer first, as in a ledger: its file must be unwatched before the store lets go of it.
    syncer: Syncer,
    store: Store,
    next: u64,
}

impl BareStore {
    /// Opens the store in a directory, or makes it there.
    ///
    /// # Errors
    /// When the system refuses, or what lies there is no such store.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let store = Store::open(dir, DEFAULT_CACHE).map_err(io_error)?;
        let syncer = Syncer::new(dir, SyncMode::Real, None)?;
        // As at the open of a ledger: the engine syncs neither its configuration nor its directories.
        sync_names(dir.parent().unwrap_or(dir), dir)?;
        let last = sort(|| store.db().last()).map_err(io_error)?;
        let next = match last {
            Some((key, _)) => counter(&key).ok_or_else(|| damage("a key is no counter".to_owned()))? + 1,
            None => 0,
        };
        Ok(Self { syncer, store, next })
    }

    /// Puts a value and makes it durable with one sync; gives the number under which it is found.
    ///
    /// # Errors
    /// When it is larger than [`MAX_CHUNK`], which the engine might put into a side file that it never syncs;
    /// or the system refuses.
    pub fn append(&mut self, value: &[u8]) -> io::Result<u64> {
        if value.len() > MAX_CHUNK {
            let why = format!("a value of {} bytes, and {MAX_CHUNK} is the most", value.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let number = self.next;
        sort(|| self.store.db().insert(number.to_be_bytes(), value).map(drop)).map_err(io_error)?;
        self.syncer.sync(self.store.db())?;
        self.next += 1;
        Ok(number)
    }

    /// The value under a number.
    ///
    /// # Errors
    /// When it can not be read.
    pub fn get(&self, number: u64) -> io::Result<Option<Vec<u8>>> {
        let value = sort(|| self.store.db().get(number.to_be_bytes())).map_err(io_error)?;
        Ok(value.map(|value| value.to_vec()))
    }
}

fn counter(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.try_into().ok()?))
}

fn io_error(fault: Fault) -> io::Error {
    match fault {
        Fault::Io(error) => error,
        Fault::Damage(why) => damage(why),
    }
}

fn damage(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn values_are_found_under_their_numbers_after_the_store_was_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("bare");
        let mut store = BareStore::open(&at).unwrap();
        assert_eq!((store.append(b"one").unwrap(), store.append(b"two").unwrap()), (0, 1));
        drop(store);
        let mut store = BareStore::open(&at).unwrap();
        assert_eq!(store.append(b"three").unwrap(), 2, "the counter goes on");
        let values: Vec<_> = (0..4).map(|number| store.get(number).unwrap()).collect();
        assert_eq!(values, [Some(b"one".to_vec()), Some(b"two".to_vec()), Some(b"three".to_vec()), None]);
    }

    #[test]
    fn values_of_the_largest_size_stay_in_the_file_that_is_synced_and_larger_ones_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = BareStore::open(dir.path()).unwrap();
        for number in 0..40 {
            assert_eq!(store.append(&[number as u8; MAX_CHUNK]).unwrap(), number);
        }
        let refused = store.append(&[0; MAX_CHUNK + 1]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        assert_eq!(std::fs::read_dir(dir.path().join("blobs")).unwrap().count(), 0, "no side file");
        assert_eq!(store.append(b"next").unwrap(), 40, "what was refused took no number");
    }
}
