//! Archives and backups: a copy of the log in plain files, that grows beside it, is checked without it,
//! and gives the log back.
//!
//! ```text
//! ARCHIVE/FORMAT                        form of the directory, and the log's key check
//! ARCHIVE/chunks/<position>.segment     the stored chunks of the log, byte for byte
//! ARCHIVE/tile/...                      the tree and the leaves, as a C2SP tlog-tiles log (`bundle`)
//! ARCHIVE/checkpoint                    the newest checkpoint that everything above reaches
//! ```
//!
//! **Durable when?** Everything is synced before the checkpoint that covers it, which is renamed into
//! its place last. **After a crash?** What lies beyond the checkpoint is taken over batch by batch
//! if it is whole, and cut off if not; nothing below it is ever written again. **Who retries?** The
//! caller: an archive that failed is opened again and goes on from what is on disk.
//!
//! It promises that an archive is only continued by its own log, that damage is named with its file,
//! and that what is restored gives the same leaves, positions, receipts and answers to repeats. It
//! holds ciphertexts and no key: without a copy of the key file names and free text stay closed.

mod check;
mod error;
mod keys;
mod layout;
mod restore;
mod segments;
mod tiles;
mod writer;

pub use check::{Checked, check};
pub use error::{ArchiveError, RestoreError};
pub use keys::{KeyCopy, copy_keys};
pub use restore::{RestoreKeys, Restored, Restoring, restore};
pub use writer::Archive;
