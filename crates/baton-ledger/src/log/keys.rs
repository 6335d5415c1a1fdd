//! The key file: a random key for every disclosure, so that one can be erased and stay erased.
//!
//! Keys live outside the store, which keeps old bytes for ever: overwriting 32 bytes here makes one
//! disclosure unreadable in the store, in every copy of it and in every archive. Slots are filled
//! with the system's randomness and synced in blocks *ahead* of use, so that an append still needs
//! one sync. A slot is used for one record and never again. Backups must not hold this file.
//!
//! ```text
//! 32 bytes   "BATONKEY", u32 format (2, big-endian), zeros
//! 32 bytes   slot 0: the key of `keyed_digest`
//! 32 bytes   slot 1, 2, ...: one disclosure each: its key, or the mark that it was erased
//! ```
//!
//! The mark is an HMAC-SHA256 of the slot's number under slot 0, different in every slot and every file. Zeros
//! would do to destroy a key, but a disk that lost a block has zeros too, and so has a copy that was cut
//! short by a loss of power: they would pass for an erasure that nobody authorised. Zeros are damage.
//!
//! A disclosure is sealed with XChaCha20-Poly1305 under its slot's key and a random nonce; the
//! associated data is the leaf hash, so a ciphertext cannot be moved beside another leaf.

use std::collections::VecDeque;
use std::io;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::TryRngCore;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};

use super::chunk::{Entry, Sealed};
use crate::contract::Disclosure;
use crate::hash::{LeafHash, hmac_sha256};
use crate::names::Position;
use crate::storage::Blob;

/// How many slots are filled and synced at once.
pub(crate) const BLOCK: u64 = 1_024;

const MAGIC: &[u8; 8] = b"BATONKEY";
const FORMAT: u32 = 2;
const SLOT_LEN: u64 = 32;
const DIGEST_SLOT: u64 = 0;
const FIRST_SLOT: u64 = 1;
const ZEROS: [u8; 32] = [0; 32];
/// What the mark of an erased slot is made from, before its number.
const ERASED: &[u8] = b"baton-ledger erased slot";

/// How much is read at a time for a digest, in bytes.
const PIECE: u64 = 256 * 1024;

/// The open key file, for reading keys.
pub(crate) struct KeyFile {
    file: Box<dyn Blob>,
    digest_key: [u8; 32],
}

impl KeyFile {
    /// Writes a new key file with a digest key into an empty file. Durable, but for the directory
    /// entry, when it returns.
    pub(crate) fn begin(file: &dyn Blob) -> io::Result<()> {
        file.write_at(&header(), 0)?;
        file.write_at(&random::<{ SLOT_LEN as usize }>()?, offset(DIGEST_SLOT))?;
        file.sync()
    }

    /// Takes a key file over; the text says why it cannot be used.
    pub(crate) fn open(file: Box<dyn Blob>) -> Result<Self, String> {
        let mut found = [0; 32];
        file.read_at(&mut found, 0).map_err(|_| "it is cut short".to_owned())?;
        if found != header() {
            return Err(format!("it is not a key file of format {FORMAT}"));
        }
        let mut digest_key = ZEROS;
        file.read_at(&mut digest_key, offset(DIGEST_SLOT)).map_err(|_| "it is cut short".to_owned())?;
        if digest_key == ZEROS {
            return Err("its digest key is zero".to_owned());
        }
        Ok(KeyFile { file, digest_key })
    }

    /// How many slots the file holds, slot 0 included.
    pub(crate) fn slots(&self) -> io::Result<u64> {
        Ok((self.file.len()? / SLOT_LEN).saturating_sub(1))
    }

    /// A digest of the whole file, every slot included: another one after anything was erased in it.
    pub(crate) fn digest(&self) -> io::Result<[u8; 32]> {
        let (length, mut hasher) = (self.file.len()?, Sha256::new());
        let mut piece = vec![0; PIECE as usize];
        for at in (0..length).step_by(PIECE as usize) {
            let piece = &mut piece[..(length - at).min(PIECE) as usize];
            self.file.read_at(piece, at)?;
            hasher.update(&*piece);
        }
        Ok(hasher.finalize().into())
    }

    pub(crate) fn keyed_digest(&self, bytes: &[u8]) -> [u8; 32] {
        hmac_sha256(&self.digest_key, bytes)
    }

    /// Opens what lies beside a leaf.
    pub(crate) fn disclose(&self, sealed: &Sealed, leaf: &LeafHash) -> io::Result<Disclosure> {
        let key = match self.key(sealed.slot) {
            Ok(key) => key,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Ok(Disclosure::Unreadable);
            }
            Err(error) => return Err(error),
        };
        let payload = Payload { msg: &sealed.ciphertext, aad: leaf };
        let opened = XChaCha20Poly1305::new(&key.into()).decrypt(XNonce::from_slice(&sealed.nonce), payload);
        Ok(match opened {
            Ok(words) => Disclosure::Open(words),
            Err(_) if key == mark(&self.digest_key, sealed.slot) => Disclosure::Erased,
            Err(_) => Disclosure::Unreadable,
        })
    }

    /// Those of these records, which begin at `first`, whose words are neither opened by their key nor erased, each with its
    /// slot; an error of the disk is no opening.
    pub(crate) fn closed(&self, first: Position, entries: &[Entry]) -> impl Iterator<Item = (Position, u64)> {
        (first.0..).zip(entries).filter_map(|(position, entry)| {
            let sealed = entry.sealed.as_ref()?;
            let opened = self.disclose(sealed, &entry.leaf_hash);
            let closed = !matches!(opened, Ok(Disclosure::Open(_) | Disclosure::Erased));
            closed.then_some((Position(position), sealed.slot))
        })
    }

    /// Overwrites slots with their marks: what was sealed under them stays closed for ever. Durable when it returns.
    ///
    /// A slot that reads as erased is written again: after a sync that failed, a mark can be read that is
    /// not on the disk, and only what is written anew is synced by the next one.
    pub(crate) fn erase(&self, slots: &[u64]) -> io::Result<()> {
        for slot in slots {
            assert!(*slot >= FIRST_SLOT, "the digest key is no key of a disclosure");
            self.file.write_at(&mark(&self.digest_key, *slot), offset(*slot))?;
        }
        if slots.is_empty() { Ok(()) } else { self.file.sync() }
    }

    /// Erases slots in the bytes of this file, for a copy of it, and says how many were not erased yet. A copy that is too
    /// short for a slot is made longer: what lies between was no key either.
    ///
    /// # Errors
    /// When there is no memory for a copy with such a slot.
    pub(crate) fn erase_in(&self, bytes: &mut Vec<u8>, slots: impl IntoIterator<Item = u64>) -> io::Result<usize> {
        // A copy that ended in the middle of a slot never gave that slot away.
        bytes.truncate(bytes.len() - bytes.len() % SLOT_LEN as usize);
        let mut erased = 0;
        for slot in slots.into_iter().filter(|slot| *slot >= FIRST_SLOT) {
            let at = offset(slot) as usize;
            let length = bytes.len().max(at.saturating_add(SLOT_LEN as usize));
            bytes.try_reserve(length - bytes.len()).map_err(|_| no_room_for(slot))?;
            bytes.resize(length, 0);
            let key = &mut bytes[at..at + SLOT_LEN as usize];
            let mark = mark(&self.digest_key, slot);
            if *key != mark {
                key.copy_from_slice(&mark);
                erased += 1;
            }
        }
        Ok(erased)
    }

    /// The bytes of a key file for a log whose own is lost: every slot below `next` bears the mark, so that
    /// what was sealed under them reads as erased.
    pub(crate) fn lost(next: u64) -> io::Result<Vec<u8>> {
        let digest_key = random()?;
        let mut bytes = header().to_vec();
        bytes.try_reserve(offset(next) as usize).map_err(|_| no_room_for(next))?;
        bytes.extend(digest_key);
        (FIRST_SLOT..next).for_each(|slot| bytes.extend(mark(&digest_key, slot)));
        Ok(bytes)
    }

    fn key(&self, slot: u64) -> io::Result<[u8; 32]> {
        let mut key = ZEROS;
        self.file.read_at(&mut key, offset(slot))?;
        Ok(key)
    }
}

/// Hands out slots, each once; belongs to the writer.
pub(crate) struct Slots {
    next: u64,
    /// The keys in the slots from `next` on, which are filled and synced.
    filled: VecDeque<[u8; SLOT_LEN as usize]>,
}

impl Slots {
    /// Continues at `next`. Whatever the file holds from there on is filled anew: after a crash
    /// it may be zeros that were never synced.
    pub(crate) fn continue_at(next: u64) -> Self {
        let next = next.max(FIRST_SLOT);
        Slots { next, filled: VecDeque::new() }
    }

    /// The slot that is taken next: none from here on was ever handed out.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Makes sure that `count` slots can be taken. Fills and syncs a block when they run out;
    /// on an error none are lost and the same block is written again the next time.
    pub(crate) fn ensure(&mut self, keys: &KeyFile, count: u64) -> io::Result<()> {
        let filled = self.filled.len() as u64;
        if count <= filled {
            return Ok(());
        }
        let (first, fresh) = (self.next + filled, (count - filled).max(BLOCK));
        let mut block = vec![0; (fresh * SLOT_LEN) as usize];
        OsRng.try_fill_bytes(&mut block).map_err(io::Error::other)?;
        // Space first: a sync must not be the one to find out that there is none.
        keys.file.reserve(offset(first), fresh * SLOT_LEN)?;
        keys.file.write_at(&block, offset(first))?;
        keys.file.sync()?;
        self.filled.extend(block.as_chunks().0);
        Ok(())
    }

    /// Seals a disclosure under the next slot, which must have been ensured.
    pub(crate) fn seal(&mut self, leaf: &LeafHash, plaintext: &[u8]) -> Sealed {
        let key = self.filled.pop_front().expect("slots are ensured before they are taken");
        let slot = self.next;
        self.next += 1;
        // Each key seals one disclosure, so this need not come from the system each time.
        let nonce: [u8; 24] = rand::random();
        let payload = Payload { msg: plaintext, aad: leaf };
        let ciphertext = XChaCha20Poly1305::new(&key.into())
            .encrypt(XNonce::from_slice(&nonce), payload)
            .expect("a disclosure is far smaller than the cipher takes");
        Sealed { slot, nonce, ciphertext }
    }
}

/// What stands in a slot whose key is gone on purpose.
fn mark(digest_key: &[u8; 32], slot: u64) -> [u8; 32] {
    hmac_sha256(digest_key, &[ERASED, &slot.to_be_bytes()].concat())
}

fn no_room_for(slot: u64) -> io::Error {
    io::Error::new(io::ErrorKind::OutOfMemory, format!("there is no memory for a key file with slot {slot}"))
}

fn header() -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&FORMAT.to_be_bytes());
    bytes
}

fn offset(slot: u64) -> u64 {
    slot.saturating_add(1).saturating_mul(SLOT_LEN)
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    OsRng.try_fill_bytes(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::File;

    use super::*;

    const LEAF: LeafHash = [5; 32];

    fn fresh() -> (tempfile::TempDir, KeyFile, Slots) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&path).unwrap();
        KeyFile::begin(&file).unwrap();
        let keys = KeyFile::open(Box::new(file)).unwrap();
        (dir, keys, Slots::continue_at(0))
    }

    #[test]
    fn each_record_takes_a_slot_of_its_own_and_none_is_the_digest_key() {
        let (_dir, keys, mut slots) = fresh();
        slots.ensure(&keys, 2).unwrap();
        let taken = [(); 2].map(|()| slots.seal(&LEAF, b"a").slot);
        assert_eq!(taken, [1, 2]);
    }

    #[test]
    fn a_block_is_filled_when_its_last_slot_is_passed_and_not_before() {
        let (_dir, keys, mut slots) = fresh();
        slots.ensure(&keys, BLOCK).unwrap();
        assert_eq!(keys.slots().unwrap(), BLOCK + 1);
        slots.ensure(&keys, BLOCK + 1).unwrap();
        assert_eq!(keys.slots().unwrap(), 2 * BLOCK + 1);
    }

    #[test]
    fn slots_that_a_crash_left_zero_are_filled_before_they_are_used() {
        let (_dir, keys, mut slots) = fresh();
        slots.ensure(&keys, 1).unwrap();
        keys.file.write_at(&ZEROS, offset(1)).unwrap();
        let mut reopened = Slots::continue_at(1);
        reopened.ensure(&keys, 1).unwrap();
        let sealed = reopened.seal(&LEAF, b"secret");
        assert_eq!(keys.disclose(&sealed, &LEAF).unwrap(), Disclosure::Open(b"secret".to_vec()));
    }

    #[test]
    fn what_was_sealed_opens_is_erased_with_its_slot_and_unreadable_elsewhere() {
        let (_dir, keys, mut slots) = fresh();
        slots.ensure(&keys, 2).unwrap();
        let sealed = slots.seal(&LEAF, b"secret");
        assert_ne!(sealed.ciphertext[..6], b"secret"[..]);
        assert_eq!(keys.disclose(&sealed, &LEAF).unwrap(), Disclosure::Open(b"secret".to_vec()));
        assert_eq!(keys.disclose(&sealed, &[6; 32]).unwrap(), Disclosure::Unreadable);
        let moved = Sealed { slot: 2, ..sealed.clone() };
        assert_eq!(keys.disclose(&moved, &LEAF).unwrap(), Disclosure::Unreadable);
        let beyond = Sealed { slot: 1 << 40, ..sealed.clone() };
        assert_eq!(keys.disclose(&beyond, &LEAF).unwrap(), Disclosure::Unreadable);
        keys.erase(&[sealed.slot]).unwrap();
        assert_eq!(keys.disclose(&sealed, &LEAF).unwrap(), Disclosure::Erased);
    }

    #[test]
    fn zeros_and_the_mark_of_another_slot_are_damage_and_no_erasure() {
        let (_dir, keys, mut slots) = fresh();
        slots.ensure(&keys, 1).unwrap();
        let sealed = slots.seal(&LEAF, b"secret");
        for damage in [ZEROS, mark(&keys.digest_key, sealed.slot + 1), mark(&ZEROS, sealed.slot)] {
            keys.file.write_at(&damage, offset(sealed.slot)).unwrap();
            assert_eq!(keys.disclose(&sealed, &LEAF).unwrap(), Disclosure::Unreadable);
        }
    }

    #[test]
    fn keys_that_are_lost_read_as_erased_up_to_the_last_that_was_used() {
        let (_dir, _, mut slots) = fresh();
        slots.ensure(&fresh().1, 2).unwrap();
        let (used, unused) = (slots.seal(&LEAF, b"secret"), slots.seal(&LEAF, b"later"));
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, &KeyFile::lost(unused.slot).unwrap()).unwrap();
        let keys = KeyFile::open(Box::new(file)).unwrap();
        assert_eq!(keys.disclose(&used, &LEAF).unwrap(), Disclosure::Erased);
        assert_eq!(keys.disclose(&unused, &LEAF).unwrap(), Disclosure::Unreadable);
    }

    #[test]
    fn slot_that_no_memory_can_hold_is_an_error_and_no_end_of_the_process() {
        let (_dir, keys, _) = fresh();
        for slot in [1 << 50, u64::MAX] {
            assert_eq!(keys.erase_in(&mut vec![0; 96], [slot]).unwrap_err().kind(), io::ErrorKind::OutOfMemory);
            assert_eq!(KeyFile::lost(slot).unwrap_err().kind(), io::ErrorKind::OutOfMemory);
        }
    }
}
