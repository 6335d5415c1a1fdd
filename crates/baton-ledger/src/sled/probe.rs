//! Trying a store out in a child process, because the storage engine panics, or waits for ever,
//! in threads of its own when it meets damaged files.
//!
//! The child is the same binary: it calls [`probe_store`] on a scratch copy and exits with its
//! answer. Everything but "sound", a crash and a missed time limit included, means damaged.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::store::Store;
use crate::log::scan::scan;
use crate::log::succession::no_succession;
use crate::proof::{Checkpoint, SignedCheckpoint};
use crate::storage::Fault;

/// Exit code of a probe that could open and verify everything.
pub const PROBE_SOUND: i32 = 0;

/// Exit code of a probe that found damage, or could not look.
pub const PROBE_DAMAGED: i32 = 10;

const POLL: Duration = Duration::from_millis(5);

/// How to start the child process that probes a store.
#[derive(Clone, Debug)]
pub struct ProbeCommand {
    /// The program; usually this very binary.
    pub program: PathBuf,
    /// Its arguments; the directory to probe is added at the end.
    pub args: Vec<OsString>,
    /// After this long the child is ended and the store counts as damaged.
    pub time_limit: Duration,
}

/// Opens the store in `dir` and verifies every record: the work of the child process.
///
/// Returns [`PROBE_SOUND`] or [`PROBE_DAMAGED`], for use as exit code. The storage engine may
/// change the files on the way, so `dir` must be a scratch copy. Says on standard error what it
/// found.
pub fn probe_store(dir: &Path) -> i32 {
    let verified = Store::open(dir, super::DEFAULT_CACHE).and_then(|store| {
        // Whose checkpoints these are is asked at the open itself; here only whether all can be read.
        let nobody = SignedCheckpoint::unsigned(Checkpoint::empty("probe"));
        scan(|visitor| store.visit(visitor), nobody, no_succession).map(drop)
    });
    match verified {
        Ok(()) => PROBE_SOUND,
        Err(Fault::Io(error)) => {
            eprintln!("failed to read {}: {error}", dir.display());
            PROBE_DAMAGED
        }
        Err(Fault::Damage(why)) => {
            eprintln!("{} is damaged: {why}", dir.display());
            PROBE_DAMAGED
        }
    }
}

impl ProbeCommand {
    /// Runs the probe on a scratch copy; the text says why the store does not count as sound.
    pub(super) fn run(&self, scratch: &Path) -> Result<(), String> {
        let child = Command::new(&self.program).args(&self.args).arg(scratch).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let mut child = child.map_err(|error| format!("the probe could not be started: {error}"))?;
        let begin = Instant::now();
        loop {
            match child.try_wait() {
                Ok(Some(status)) if status.code() == Some(PROBE_SOUND) => return Ok(()),
                Ok(Some(status)) => return Err(format!("the probe of a copy ended with {status}")),
                Ok(None) if begin.elapsed() < self.time_limit => std::thread::sleep(POLL),
                Ok(None) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    let limit = self.time_limit;
                    return Err(format!("the probe of a copy did not end within {limit:?}"));
                }
                Err(error) => return Err(format!("the probe could not be watched: {error}")),
            }
        }
    }
}
