//! The head, noted once more beside the store, so that a store that lost its tail is noticed.
//!
//! Two slots, written alternately and synced each time, so one whole slot survives a crash at any
//! moment. A thread notes the newest durable head once a second while it changes, outside the way
//! of appends; closing notes it at once and marks a clean stop. So a loss that the storage engine
//! itself does not report is found, except in the last second of what was acknowledged.
//!
//! Slot, 128 bytes at offset 0 or 4096 (a page each, so that one write never touches the other):
//!
//! | Bytes | Content |
//! |---|---|
//! | 0..8 | `BATONHD1` |
//! | 8..16 | sequence, big-endian; the slot with the higher one is newer |
//! | 16..56 | the head: size, last leaf hash |
//! | 56 | 1 after a clean stop, else 0 |
//! | 57..96 | zero |
//! | 96..128 | SHA-256 of the bytes before |

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::hash::sha256;
use crate::head::Head;

const MAGIC: &[u8; 8] = b"BATONHD1";
const SLOT_LEN: usize = 128;
const SUM_AT: usize = 96;
const SLOT_STRIDE: u64 = 4096;

/// What a slot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) head: Head,
    pub(super) clean: bool,
}

/// The open head file.
pub(super) struct HeadFile {
    file: File,
    sequence: u64,
}

impl HeadFile {
    /// Makes a file that notes an empty log, not cleanly stopped. The directory entry is the
    /// caller's to sync.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).truncate(true).read(true).write(true).open(path)?;
        let mut this = HeadFile { file, sequence: 0 };
        this.note(Noted { head: Head::EMPTY, clean: false })?;
        this.file.sync_all()?;
        Ok(this)
    }

    /// Opens a file and reads its newest whole slot; the text says why there is none.
    pub(super) fn open(path: &Path) -> Result<(Self, Noted), String> {
        let open = File::options().read(true).write(true).open(path);
        let file = open.map_err(|error| error.to_string())?;
        let newest = [0, 1].into_iter().filter_map(|slot| read_slot(&file, slot)).max_by_key(|s| s.0);
        match newest {
            Some((sequence, noted)) => Ok((HeadFile { file, sequence }, noted)),
            None => Err("neither of its two slots is whole".to_owned()),
        }
    }

    /// Writes the other slot. Durable when it returns.
    pub(super) fn note(&mut self, noted: Noted) -> io::Result<()> {
        let sequence = self.sequence + 1;
        self.file.write_all_at(&encode(sequence, noted), (sequence % 2) * SLOT_STRIDE)?;
        self.file.sync_data()?;
        self.sequence = sequence;
        Ok(())
    }
}

fn read_slot(file: &File, slot: u64) -> Option<(u64, Noted)> {
    let mut bytes = [0; SLOT_LEN];
    file.read_exact_at(&mut bytes, slot * SLOT_STRIDE).ok()?;
    decode(&bytes)
}

fn encode(sequence: u64, noted: Noted) -> [u8; SLOT_LEN] {
    let mut bytes = [0; SLOT_LEN];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..16].copy_from_slice(&sequence.to_be_bytes());
    bytes[16..56].copy_from_slice(&noted.head.encode());
    bytes[56] = noted.clean.into();
    let sum = sha256(&bytes[..SUM_AT]);
    bytes[SUM_AT..].copy_from_slice(&sum);
    bytes
}

fn decode(bytes: &[u8; SLOT_LEN]) -> Option<(u64, Noted)> {
    if &bytes[..8] != MAGIC || sha256(&bytes[..SUM_AT]) != bytes[SUM_AT..] {
        return None;
    }
    let sequence = u64::from_be_bytes(bytes[8..16].try_into().ok()?);
    let head = Head::decode(bytes[16..56].try_into().ok()?);
    Some((sequence, Noted { head, clean: bytes[56] == 1 }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    impl HeadFile {
        /// A file in which nothing can be noted.
        pub(in crate::sled) fn open_read_only(path: &Path) -> HeadFile {
            HeadFile { file: File::open(path).unwrap(), sequence: 1 }
        }
    }

    fn noted(size: u64) -> Noted {
        Noted { head: Head { size, last_leaf_hash: [7; 32] }, clean: false }
    }

    #[test]
    fn the_newest_slot_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head");
        let mut file = HeadFile::create(&path).unwrap();
        for size in 1..=5 {
            file.note(noted(size)).unwrap();
            assert_eq!(HeadFile::open(&path).unwrap().1, noted(size));
        }
    }

    #[test]
    fn a_torn_slot_leaves_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head");
        let mut file = HeadFile::create(&path).unwrap();
        file.note(noted(1)).unwrap();
        file.note(noted(2)).unwrap();
        let newest_at = (file.sequence % 2) * SLOT_STRIDE;
        file.file.write_all_at(b"torn", newest_at + 20).unwrap();
        assert_eq!(HeadFile::open(&path).unwrap().1, noted(1));
    }

    #[test]
    fn a_file_without_a_whole_slot_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head");
        assert!(HeadFile::open(&path).is_err());
        std::fs::write(&path, [0; 9000]).unwrap();
        assert!(HeadFile::open(&path).is_err());
    }
}
