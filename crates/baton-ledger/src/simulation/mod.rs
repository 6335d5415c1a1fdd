//! Test equipment: a machine whose disk fails as real ones do, by the dice of a seed, and the log on it.
//!
//! [`Machine`] holds a store and the small files beside it and decides, operation by operation, what
//! goes wrong: writes and syncs that fail, power that goes, reads that err or bring other bytes, space
//! that runs out. [`SimLedger`] is the real log over it, opened through the same rules as the one on
//! sled. It promises that a seed means the same run for ever: every decision is a draw of its own
//! generator, an append that waits does so until it is polled again, and no thread is started. [`Bug`] is what a test plants to see whether it
//! would be found.
//!
//! It deliberately says nothing of sled itself, of directories, locks and copies: what is simulated is
//! what the traits of `storage` promise, no more. Random bytes of keys, nonces and salts come from the
//! system all the same, so a run may look at none of them but to compare.
//!
//! | What is simulated | How |
//! |---|---|
//! | power loss | of what the store was not synced, a prefix survives; of a small file, any sectors |
//! | the process killed | a prefix of the store's writes reaches the page cache, and is not durable there |
//! | failed write | nothing is kept, or it is kept all the same |
//! | failed sync | some of it is durable; the rest can be read on, and no later sync makes it durable |
//! | full disk | said beforehand, or met by the write |
//! | reads | fail once, or bring a flipped bit once |
//! | silent loss | the end of the store is gone, durable or not |
//!
//! | File | Subject |
//! |---|---|
//! | `machine.rs`, `machine/devices.rs` | what becomes of each operation; the store and the files a log is given |
//! | `store.rs`, `blob.rs` | what is durable of a store and of a file, and what survives |
//! | `ledger.rs` | the log on it, opened under guard |
//! | `bugs.rs` | bugs to plant |
//! | `dice.rs`, `trace.rs` | the generator of a seed; what happened, for replays |

mod blob;
mod bugs;
mod dice;
mod ledger;
mod machine;
mod store;
mod trace;

pub use bugs::Bug;
pub use dice::Dice;
pub use ledger::{Refused, SimLedger};
pub use machine::{Counts, Faults, Machine, Restart};
