//! The newest checkpoint, noted once more beside the store, so that a store that lost its tail is
//! noticed and nothing inconsistent with it is ever signed.
//!
//! Two slots, written alternately and synced each time, so one whole slot survives a crash at any
//! moment. A thread notes the newest durable checkpoint once a second while it changes, outside the
//! way of appends; closing notes it at once and marks a clean stop. So a loss that the storage engine
//! itself does not report is found, except in the last second of what was acknowledged.
//!
//! Slot, 2048 bytes at offset 0 or 4096 (a page each, so that one write never touches the other):
//!
//! | Bytes | Content |
//! |---|---|
//! | 0..8 | `BATONHD2` |
//! | 8..16 | sequence, big-endian; the slot with the higher one is newer |
//! | 16 | 1 after a clean stop, else 0 |
//! | 17..19 | length of the checkpoint, big-endian |
//! | 19..2016 | the checkpoint, a signed note; then zeros |
//! | 2016..2048 | SHA-256 of the bytes before |

use std::io;

use crate::bounds::MAX_CHECKPOINT;
use crate::hash::sha256;
use crate::proof::SignedCheckpoint;
use crate::storage::Blob;

const MAGIC: &[u8; 8] = b"BATONHD2";
const SLOT_LEN: usize = 2048;
const SUM_AT: usize = SLOT_LEN - 32;
const NOTE_AT: usize = 19;
const SLOT_STRIDE: u64 = 4096;

const _: () = assert!(NOTE_AT + MAX_CHECKPOINT <= SUM_AT);

/// What a slot says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) checkpoint: SignedCheckpoint,
    pub(crate) clean: bool,
}

/// The open head file.
pub(crate) struct HeadFile {
    file: Box<dyn Blob>,
    sequence: u64,
}

impl HeadFile {
    /// Takes an empty file and notes the checkpoint in it, not cleanly stopped. The directory entry
    /// is the caller's to sync.
    pub(crate) fn create(file: Box<dyn Blob>, checkpoint: SignedCheckpoint) -> io::Result<Self> {
        let mut this = HeadFile { file, sequence: 0 };
        this.reserve()?;
        this.note(&Noted { checkpoint, clean: false })?;
        Ok(this)
    }

    /// Reads the newest whole slot of a file; the text says why there is none, or why that cannot be told:
    /// a slot that cannot be read may be the newest, and the other one would hide a loss.
    pub(crate) fn open(file: Box<dyn Blob>) -> Result<(Self, Noted), String> {
        let slots = [read_slot(&*file, 0), read_slot(&*file, 1)];
        let mut whole = Vec::with_capacity(slots.len());
        for slot in slots {
            whole.extend(slot.map_err(|error| format!("a slot of it cannot be read: {error}"))?);
        }
        match whole.into_iter().max_by_key(|(sequence, _)| *sequence) {
            Some((sequence, noted)) => Ok((HeadFile { file, sequence }, noted)),
            None => Err("neither of its two slots is whole".to_owned()),
        }
    }

    /// Takes the space of both slots, so that noting in place needs none on a full disk.
    pub(crate) fn reserve(&self) -> io::Result<()> {
        self.file.reserve(0, SLOT_STRIDE + SLOT_LEN as u64)
    }

    /// Writes the other slot. Durable when it returns.
    pub(crate) fn note(&mut self, noted: &Noted) -> io::Result<()> {
        let sequence = self.sequence + 1;
        self.file.write_at(&encode(sequence, noted), (sequence % 2) * SLOT_STRIDE)?;
        self.file.sync()?;
        self.sequence = sequence;
        Ok(())
    }
}

/// A slot, if it is there and whole.
fn read_slot(file: &dyn Blob, slot: u64) -> io::Result<Option<(u64, Noted)>> {
    let mut bytes = [0; SLOT_LEN];
    match file.read_at(&mut bytes, slot * SLOT_STRIDE) {
        Ok(()) => Ok(decode(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn encode(sequence: u64, noted: &Noted) -> [u8; SLOT_LEN] {
    let note = noted.checkpoint.note().as_bytes();
    let mut bytes = [0; SLOT_LEN];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..16].copy_from_slice(&sequence.to_be_bytes());
    bytes[16] = noted.clean.into();
    bytes[17..NOTE_AT].copy_from_slice(&(note.len() as u16).to_be_bytes());
    bytes[NOTE_AT..NOTE_AT + note.len()].copy_from_slice(note);
    let sum = sha256(&bytes[..SUM_AT]);
    bytes[SUM_AT..].copy_from_slice(&sum);
    bytes
}

fn decode(bytes: &[u8; SLOT_LEN]) -> Option<(u64, Noted)> {
    if &bytes[..8] != MAGIC || sha256(&bytes[..SUM_AT]) != bytes[SUM_AT..] {
        return None;
    }
    let sequence = u64::from_be_bytes(bytes[8..16].try_into().ok()?);
    let length = u16::from_be_bytes(bytes[17..NOTE_AT].try_into().ok()?);
    let note = bytes[NOTE_AT..SUM_AT].get(..length.into())?;
    let checkpoint = SignedCheckpoint::parse_unverified(note).ok()?;
    Some((sequence, Noted { checkpoint, clean: bytes[16] == 1 }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::File;
    use std::path::Path;

    use super::*;
    use crate::proof::SigningKey;

    fn noted(key: &SigningKey, size: u64) -> Noted {
        Noted { checkpoint: SignedCheckpoint::sign(key, size, [7; 32]), clean: false }
    }

    fn file(path: &Path) -> Box<File> {
        Box::new(File::options().create(true).truncate(false).read(true).write(true).open(path).unwrap())
    }

    fn created() -> (tempfile::TempDir, std::path::PathBuf, HeadFile, SigningKey) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head");
        let key = SigningKey::generate("test").unwrap();
        let head = HeadFile::create(file(&path), SignedCheckpoint::sign(&key, 0, [0; 32])).unwrap();
        (dir, path, head, key)
    }

    #[test]
    fn the_newest_slot_is_read_back() {
        let (_dir, path, mut head, key) = created();
        for size in 1..=5 {
            head.note(&noted(&key, size)).unwrap();
            assert_eq!(HeadFile::open(file(&path)).unwrap().1, noted(&key, size));
        }
    }

    #[test]
    fn a_torn_slot_leaves_the_one_before() {
        let (_dir, path, mut head, key) = created();
        head.note(&noted(&key, 1)).unwrap();
        head.note(&noted(&key, 2)).unwrap();
        let newest_at = (head.sequence % 2) * SLOT_STRIDE;
        head.file.write_at(b"torn", newest_at + 20).unwrap();
        assert_eq!(HeadFile::open(file(&path)).unwrap().1, noted(&key, 1));
    }

    #[test]
    fn a_file_without_a_whole_slot_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head");
        assert!(HeadFile::open(file(&path)).is_err());
        std::fs::write(&path, [0; 9000]).unwrap();
        assert!(HeadFile::open(file(&path)).is_err());
    }
}
