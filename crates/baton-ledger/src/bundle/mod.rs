//! The log as a directory: the C2SP `tlog-tiles` form, which software of others reads and checks.
//!
//! ```text
//! checkpoint                    the newest signed note; written last
//! tile/<L>/<N>[.p/<W>]          256 hashes of level L (32 bytes each), or the W there are so far
//! tile/entries/<N>[.p/<W>]      256 leaves, or the W there are so far: two bytes of length, then the leaf
//! ```
//!
//! [`Growth`] says what a directory of `old` records lacks to be one of `new`, file by file, and
//! touches no disk. [`DirectoryWriter`] puts files on disk; [`extend`] joins the two for a ledger.
//! [`LogDirectory`] reads.
//!
//! **Durable when?** When [`DirectoryWriter::finish`] returns `Ok`: every file was synced before it
//! got its name, every directory before the checkpoint got its, and the checkpoint last. Whatever
//! `checkpoint` says is therefore there, at any instant and after any crash.
//! **After a crash?** Open the directory again and extend it from the checkpoint that is there:
//! files that are there already with the same bytes are kept, and a file under way is thrown away.
//! **Who retries?** The caller; everything may be repeated.
//! **Never:** a file with other bytes is not overwritten, a checkpoint of another origin or one that
//! the new one does not continue is not replaced, and nothing is erased but partial files whose full
//! file is there and durable.
//!
//! It deliberately decrypts nothing, checks no signature and does not know what leaves say. Whoever
//! reads a directory must check it: the reader only refuses what is malformed.

mod entries;
mod error;
mod grow;
mod read;
mod write;

pub use entries::{ENTRIES_WIDTH, decode_entries, encode_entries, entries_path};
pub use error::BundleError;
pub use grow::{BundleFile, Growth, Step, extend};
pub use read::{FoundTile, LogDirectory, MAX_ENTRIES_BYTES, MAX_LOG};
pub use write::DirectoryWriter;

/// The name of the checkpoint's file.
pub const CHECKPOINT: &str = "checkpoint";
