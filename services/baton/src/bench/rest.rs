//! What is measured with nobody calling: starting a server, opening a store, rebuilding projections.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::child::Baton;
use super::samples::Samples;
use super::store::{self, Open};
use crate::exit::Failure;

/// What is noted of a start that reads all of the log.
const IN_FULL: [&str; 3] = ["start in full s", "resident in full MB", "peak in full MB"];

/// What is noted of a start after a server stopped in order.
const FROM_SNAPSHOT: [&str; 3] = ["start s", "resident MB", "peak MB"];

/// Measures `rounds` rounds on a log that was stopped clean, and leaves it so. Starts are left out where
/// `starts` says so.
///
/// # Errors
/// When a server does not start, or a log can not be read.
pub(crate) async fn measure(
    dir: &Path,
    rounds: u32,
    starts: bool,
    samples: &mut Samples,
    progress: &impl Fn(&str),
) -> Result<(), Failure> {
    let mut held = None;
    for round in 1..=rounds {
        progress(&format!("starts and rebuilds, round {round} of {rounds}"));
        if starts {
            // No engine stopped before the first, so it finds no snapshot; the second finds what the first left.
            start(dir.to_owned(), &IN_FULL, samples).await?;
            start(dir.to_owned(), &FROM_SNAPSHOT, samples).await?;
        }
        let snapshot = store::snapshot_bytes(dir);

        let begin = Instant::now();
        let ledger = store::open(dir).await?;
        samples.add("open s", begin.elapsed().as_secs_f64());
        if starts {
            samples.add("snapshot bytes", snapshot as f64 / ledger.head().size as f64);
        }
        store::close(ledger).await?;

        // As before any rebuild: without a snapshot, every record is read when the store is opened.
        let begin = Instant::now();
        let ledger = store::open(dir).await?;
        samples.add("open in full s", begin.elapsed().as_secs_f64());
        let held = match &held {
            Some(held) => held,
            None => held.insert(store::hold(&ledger).await?),
        };
        samples.add("rebuild verified", rebuild(&ledger).await?);
        samples.add("rebuild held", rebuild(held).await?);
        store::close(ledger).await?;
    }
    Ok(())
}

/// Starts a server as a process of its own and stops it again.
async fn start(dir: PathBuf, [seconds_of, resident_of, peak_of]: &[&str; 3], samples: &mut Samples) -> Result<(), Failure> {
    let started = tokio::task::spawn_blocking(move || {
        let baton = Baton::start(&dir)?;
        let measured = (baton.seconds, baton.process.memory("VmRSS"), baton.process.memory("VmHWM"));
        baton.process.stop()?;
        Ok::<_, Failure>(measured)
    });
    let (seconds, resident, peak) =
        started.await.map_err(|error| Failure::Unavailable(format!("starting a server ended early: {error}")))??;
    samples.add(*seconds_of, seconds);
    // In MB, of a million bytes, as the design counts.
    resident.into_iter().for_each(|bytes| samples.add(*resident_of, bytes / 1e6));
    peak.into_iter().for_each(|bytes| samples.add(*peak_of, bytes / 1e6));
    Ok(())
}

/// Rebuilds every projection of a log; gives events a second.
async fn rebuild(ledger: &Open) -> Result<f64, Failure> {
    let begin = Instant::now();
    let engine = store::start(ledger).await?;
    let seconds = begin.elapsed().as_secs_f64();
    let state = engine.snapshot();
    let size = state.size as f64;
    drop(engine);
    // Its threads let go of the state soon. It goes here, and not on a processor that what is measured next wants.
    for _ in 0..5_000 {
        if Arc::strong_count(&state) == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(state);
    Ok(size / seconds)
}
