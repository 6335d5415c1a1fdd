//! The shell around the rules: commit path, codec, projections, reads.
//!
//! The domain decides and the ledger keeps; this crate stands between them. One writer takes requests in
//! order, decides each on its own newest state, appends a batch in one write, and only then publishes the
//! state and answers; meanwhile it decides the next batch. It promises that no answer, refusals and repeats
//! included, and no snapshot ever rests on anything that is not durable.
//!
//! It deliberately holds no rule of its own, speaks no network protocol and retries nothing.
//!
//! | Question | Answer |
//! |---|---|
//! | Durable when? | before [`Engine::submit`] returns `Ok` |
//! | Ordered how? | as the writer takes requests from its queue; all commands of a request in a row |
//! | Who retries? | the caller, with the same command id and content: the first receipt comes back |
//! | After a crash? | everything acknowledged is there; what was under way is there whole or not at all |

mod batch;
pub mod codec;
mod dump;
mod engine;
mod erasure;
mod error;
mod export;
mod fold;
mod log;
mod open;
mod outcome;
mod proofs;
mod published;
mod reopening;
mod resting;
mod restore;
mod snapshot;
mod submission;
mod succession;
mod system;
mod writer;

pub use dump::dump;
pub use engine::{Engine, Options};
pub use error::{NotYet, OpenLogError, ReadError, ShutdownError, StartError, SubmitError, SystemEventError};
pub use log::LogEntry;
pub use open::open_log;
pub use published::Writes;
pub use restore::erased_by;
pub use submission::{Answer, Entry, MAX_COMMANDS, MAX_EXPECTED, Submission, Validated};
pub use succession::key_succession;
pub use system::{newest_fork, record_fork, record_key_rotation};

#[cfg(test)]
mod tests;
