//! The append-only log under Baton: opaque records, in one order, kept or refused.
//!
//! A [`Ledger`] takes batches of records, makes each batch durable as a whole and gives every
//! record a gapless [`Position`] in the log and a contiguous [`Revision`] in its stream. It
//! promises that what was acknowledged is found again, that nothing is shown before it is
//! durable, that damaged bytes are reported and never served, and that all of it can be proved to
//! somebody who trusts nobody here: each batch ends in a signed checkpoint of the tree over the log.
//!
//! It deliberately knows nothing about what the records say: no domain, no wire format, no clock
//! and no retry. Deciding, encoding and retrying are the business of the caller.
//!
//! | Implementation | Keeps records | For |
//! |---|---|---|
//! | [`MemoryLedger`] | until the process ends | tests, dry runs |
//! | [`SledLedger`] | on disk, synced before `append` returns | servers |
//! | [`simulation::SimLedger`] | on a simulated disk that fails | tests of what survives |
//!
//! All pass the same contract suite (`tests/contract.rs`). [`BareStore`] is none of them: it is the storage engine with
//! no ledger on it, to measure a ledger against. No type of the storage engine appears in a signature of this crate.

pub mod archive;
pub mod bounds;
pub mod bundle;
mod contract;
mod error;
mod hash;
mod head;
mod index;
mod log;
mod memory;
mod names;
mod proof;
mod requests;
pub mod simulation;
mod sled;
mod storage;

pub use contract::{
    AppendSet, Appended, AppendedRecord, Batch, Disclosure, Expected, Ledger, Record, RequestKey, RequestRecord, StoredRecord,
    WriteSnapshot,
};
pub use error::{AppendError, CloseError, EraseError, NameError, OpenError, ReadError, ReopenError};
pub use hash::{LeafHash, leaf_hash};
pub use head::Head;
pub use log::raw::RawChunk;
pub use log::succession::{KeyChange, ReadSuccession, Succession, no_succession};
pub use memory::MemoryLedger;
pub use names::{Position, Revision, StreamName};
pub use proof::{
    Checkpoint, CheckpointError, EMPTY_ROOT, KeyError, NodeHash, ProofError, Receipt, ReceiptError, SignedCheckpoint, SigningKey,
    TILE_WIDTH, Tile, Tree, TrustedKeys, check_consistency, check_inclusion,
};
pub use sled::{
    BareStore, Inspection, OpenOptions, PROBE_DAMAGED, PROBE_SOUND, ProbeCommand, RewriteHook, RewriteStep, SledLedger, SyncHook,
    SyncMode, SyncPoint, WriteHook, claim, claim_fork, end_fork, inspect, inspect_probed, is_claimed, is_fork_claimed,
    noted_checkpoint, probe_store,
};
pub use storage::files::free_bytes;
