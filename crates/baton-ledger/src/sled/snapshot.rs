//! The snapshot of a stop in order: what the next start would otherwise have to read every record for.
//!
//! `DATA/snapshot` is written when a log is closed, and destroyed by the next open, whether that can use it or not. It
//! holds the index (`log/snapshot.rs`) and after it whatever the writer above wants to find again, which may be words
//! of people in the clear. Such words may be erased while the log is open, so nothing may be left that they could be read
//! from:
//!
//! | Bytes | Content |
//! |---|---|
//! | 0..8 | `BATONSNP` |
//! | 8..12 | format, 1, big-endian |
//! | 12..44 | salt, random for each file |
//! | 44.. | frames (`frames.rs`), encrypted under a key that follows from the salt, the signing key and the key file |
//!
//! **Who can read or forge it?** Who has the signing key, which lies elsewhere, and the key file as it was at the stop:
//! the key of a snapshot also follows from a digest of that. Erasing changes the key file, so a copy that somebody
//! kept, salt and all, is closed by the first erasure after it; and before that its reader could have read the words
//! themselves. No two files have the same salt, so none have the same key.
//!
//! **How is it destroyed?** Its salt is overwritten in place, synced, and its name removed, before anything can be
//! appended or erased. What is read after that is read through the handle. An open that cannot destroy it is refused.
//!
//! **When is it used?** When the store lies byte for byte as its seal says and the seal (`seal.rs`) names this very
//! snapshot, by the SHA-256 of its head. One of an earlier stop is named by no seal that still fits.
//!
//! **Durable when?** On return of [`keep`], but nothing rests on it: without one the start reads every record.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rand::TryRngCore;
use rand::rngs::OsRng;

use super::frames::{FrameReader, FrameWriter};
use super::layout::{Layout, io_at};
use crate::error::OpenError;
use crate::hash::sha256;
use crate::proof::SigningKey;
use crate::storage::files::{free_bytes, sync_dir, sync_parent};

const MAGIC: &[u8; 8] = b"BATONSNP";
const FORMAT: u32 = 1;
const SALT_AT: usize = 12;
const SALT_LEN: usize = 32;
pub(super) const HEAD_LEN: usize = SALT_AT + SALT_LEN;

/// What the key is derived for.
const PURPOSE: &str = "baton-ledger snapshot 1";

type Head = [u8; HEAD_LEN];

/// A snapshot that is on the disk no more, but for what this handle holds.
pub(super) struct Taken {
    file: File,
    head: Head,
}

/// Takes what is there off the disk. To be called with the directory locked, before anything is appended or erased.
pub(super) fn take(layout: &Layout) -> Result<Option<Taken>, OpenError> {
    let (draft, path) = (layout.new_snapshot(), layout.snapshot());
    destroy_file(&draft).map_err(io_at("destroy", &draft))?;
    destroy_file(&path).map_err(io_at("destroy", &path))
}

/// The name of what is there and its length in bytes, changing nothing. `None` when there is none that can be read.
pub(super) fn look(layout: &Layout) -> Option<(String, u64)> {
    let file = File::options().read(true).custom_flags(libc::O_NOFOLLOW).open(layout.snapshot()).ok()?;
    let mut head = [0; HEAD_LEN];
    file.read_exact_at(&mut head, 0).ok()?;
    Some((name_of(&head), file.metadata().ok()?.len()))
}

/// Destroys what is there, for good.
pub(super) fn destroy(layout: &Layout) -> io::Result<()> {
    destroy_file(&layout.new_snapshot())?;
    destroy_file(&layout.snapshot()).map(drop)
}

/// `None` when there is no file, or not even a whole head of one.
fn destroy_file(path: &Path) -> io::Result<Option<Taken>> {
    // Never through a link: zeros would go into somebody else's file.
    let file = match File::options().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut head = [0; HEAD_LEN];
    let whole = file.read_exact_at(&mut head, 0).is_ok();
    // Only what is there: a longer file would need space, which a full disk has none of.
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    let salt = length.saturating_sub(SALT_AT).min(SALT_LEN);
    file.write_all_at(&[0; SALT_LEN][..salt], SALT_AT as u64)?;
    file.sync_data()?;
    fs::remove_file(path)?;
    sync_parent(path)?;
    Ok(whole.then_some(Taken { file, head }))
}

/// Keeps what `write` writes, and says the name of it. Nothing is left when that fails, or when less than `leave_free`
/// bytes would be free on the disk: a start needs them more than it needs a snapshot.
pub(super) fn keep(
    layout: &Layout,
    key: &SigningKey,
    digest_of_keys: &[u8; 32],
    leave_free: u64,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<String> {
    destroy(layout)?;
    let keep = || {
        let head = new_head()?;
        let draft = layout.new_snapshot();
        let mut file = File::options().create_new(true).write(true).mode(0o600).open(&draft)?;
        file.write_all(&head)?;
        let mut frames = FrameWriter::new(file, &key_of(&head, key, digest_of_keys));
        write(&mut frames)?;
        frames.finish()?.sync_all()?;
        let free = free_bytes(&layout.dir)?;
        if free < leave_free {
            let why = format!("only {free} bytes would be free beside it, and {leave_free} are needed");
            return Err(io::Error::new(io::ErrorKind::StorageFull, why));
        }
        fs::rename(&draft, layout.snapshot())?;
        sync_dir(&layout.dir)?;
        Ok(name_of(&head))
    };
    keep().inspect_err(|_| {
        if let Err(error) = destroy(layout) {
            tracing::warn!(%error, "what there is of a snapshot could not be destroyed; the next start tries again");
        }
    })
}

impl Taken {
    /// The name that the seal of its stop gives it.
    pub(super) fn name(&self) -> String {
        name_of(&self.head)
    }

    /// Reads its content. `digest_of_keys` is that of the key file.
    pub(super) fn open(mut self, key: &SigningKey, digest_of_keys: &[u8; 32]) -> io::Result<FrameReader> {
        if self.head[..SALT_AT] != first_bytes() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is not a snapshot of format {FORMAT}")));
        }
        self.file.seek(SeekFrom::Start(HEAD_LEN as u64))?;
        Ok(FrameReader::new(self.file, &key_of(&self.head, key, digest_of_keys)))
    }
}

fn first_bytes() -> [u8; SALT_AT] {
    let mut bytes = [0; SALT_AT];
    bytes[..MAGIC.len()].copy_from_slice(MAGIC);
    bytes[MAGIC.len()..].copy_from_slice(&FORMAT.to_be_bytes());
    bytes
}

fn new_head() -> io::Result<Head> {
    let mut head = [0; HEAD_LEN];
    head[..SALT_AT].copy_from_slice(&first_bytes());
    OsRng.try_fill_bytes(&mut head[SALT_AT..]).map_err(io::Error::other)?;
    Ok(head)
}

fn name_of(head: &Head) -> String {
    sha256(head).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn key_of(head: &Head, key: &SigningKey, digest_of_keys: &[u8; 32]) -> [u8; 32] {
    key.derive(PURPOSE, &[&head[SALT_AT..], digest_of_keys].concat())
}
