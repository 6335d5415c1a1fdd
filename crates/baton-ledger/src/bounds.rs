//! Every bound of the ledger, with its reason.
//!
//! A bound is refused with [`AppendError::TooLarge`](crate::AppendError::TooLarge) before anything
//! is written; reads are cut short instead. Each bound has a test at the bound and one past it.

/// Longest stream name, in characters (all of them ASCII, so bytes too). Fits a length byte.
pub const MAX_STREAM_NAME: usize = 200;

/// Longest caller in a request key, in bytes of UTF-8. Fits a length byte.
pub const MAX_CALLER: usize = 200;

/// Largest leaf, in bytes. Fits the two length bytes of the tile formats of transparency logs.
pub const MAX_LEAF: usize = 65_535;

/// Largest disclosure (the secret plaintext beside a leaf), in bytes.
pub const MAX_DISCLOSURE: usize = 65_535;

/// Largest leaf and disclosure of one record together, in bytes, so that a record always fits
/// into one stored chunk ([`MAX_CHUNK`]) with the tiles of the tree that it completes.
pub const MAX_RECORD: usize = 96_000;

/// Most sets (requests) in a batch: what the writer takes from its queue at once.
pub const MAX_BATCH_SETS: usize = 256;

/// Most records in a batch: memory of the writer, and key slots an unclean stop may leave unused.
pub const MAX_BATCH_RECORDS: usize = 4_096;

/// Most bytes of leaves and disclosures in a batch: how long one write may keep others waiting.
pub const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;

/// Most expectations in a set.
pub const MAX_EXPECTED: usize = 1_024;

/// Largest stored chunk, in bytes. Reason: see `log/chunk.rs`; the storage engine would put
/// larger ones into side files that it never syncs.
pub const MAX_CHUNK: usize = 120 * 1024;

/// Most records in the answer to one read; a larger limit is cut to this.
pub const MAX_READ_RECORDS: usize = 1_024;

/// A read stops after the record with which it reaches this many bytes of leaves and disclosures.
pub const MAX_READ_BYTES: usize = 8 * 1024 * 1024;

/// Longest origin of a log, in bytes: it stands in every checkpoint and proof.
pub const MAX_ORIGIN: usize = 100;

/// Largest checkpoint the ledger writes, in bytes: an origin, a size, a root and a signature, twice over.
pub const MAX_CHECKPOINT: usize = 1_024;

/// Largest note that is read as a checkpoint, in bytes: others may have added their signatures.
pub const MAX_NOTE: usize = 16 * 1024;

/// Largest text that is read as a receipt, in bytes: a note, and 64 hashes of 45 characters.
pub const MAX_RECEIPT: usize = 20 * 1024;
