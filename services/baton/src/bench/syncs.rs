//! How many syncs a committed batch costs, counted by the kernel's own calls; and how many requests share
//! one, counted by the ledger.
//!
//! With one request in flight every request is a batch of its own. A server runs under `strace`; what is
//! counted are the syncs of the store that begin between the first request and the last answer. The head
//! file beside the store is synced at most once a second whatever is committed, and is not counted.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tonic::Status;

use super::child::{Baton, on_path};
use super::load::{Server, Until, drive};
use super::{calls, fill, store};
use crate::exit::Failure;

/// Batches that are counted.
pub(crate) const BATCHES: u64 = 200;

/// Syncs of the store for each batch.
///
/// # Errors
/// In words, why it could not be counted.
pub(crate) async fn per_batch(data: &Path, trace: &Path) -> Result<f64, String> {
    let strace = on_path("strace").ok_or("strace is not installed, and the syncs are counted with it")?;
    let (data, to) = (data.to_owned(), trace.to_owned());
    let started = tokio::task::spawn_blocking(move || Baton::start_traced(&data, &strace, &to)).await;
    let baton = started.map_err(|error| error.to_string())?.map_err(|failure| failure.to_string())?;
    let counted = commit(&baton).await.map_err(|failure| failure.to_string());
    let stopped = tokio::task::spawn_blocking(move || baton.process.stop()).await;
    stopped.map_err(|error| error.to_string())?.map_err(|failure| failure.to_string())?;
    let (begin, end) = counted?;
    let lines = std::fs::read_to_string(trace).map_err(|error| format!("the trace can not be read: {error}"))?;
    match count(&lines, begin, end) {
        0 => Err("the trace shows no sync of the store: it was not written in full, or the store lies elsewhere".to_owned()),
        syncs => Ok(syncs as f64 / BATCHES as f64),
    }
}

/// Requests in flight when it is counted how many share a sync.
pub(crate) const SHARING: usize = 64;

/// Records with many requests in flight, through the engine alone; gives requests and the syncs they took.
///
/// # Errors
/// When a request fails.
pub(crate) async fn shared(data: &Path, each: u64) -> Result<(f64, f64), Failure> {
    let (ledger, syncs) = store::open_counting(data).await?;
    let engine = store::start(&ledger).await?;
    let before = syncs.load(Ordering::Relaxed);
    let run = uuid::Uuid::new_v4().simple().to_string();
    let submitting = engine.clone();
    let round = drive(SHARING, Until::Sent(each), move |client, _| {
        let (engine, stream) = (submitting.clone(), format!("sharing-{run}-{client}"));
        async move { fill::submit_note(&engine, &stream).await.map_err(|failure| Status::unavailable(failure.to_string())) }
    })
    .await?;
    let syncs = syncs.load(Ordering::Relaxed) - before;
    drop(engine);
    store::close(ledger).await?;
    Ok((round.calls as f64, syncs as f64))
}

/// Commits batches of one request; from when to when, in seconds since 1970.
async fn commit(baton: &Baton) -> Result<(f64, f64), Failure> {
    let server = Server::connect(baton.address, 1).await?;
    calls::notes(&server, calls::RECORD, 1, Until::Sent(1)).await?;
    let begin = now();
    calls::notes(&server, calls::RECORD, 1, Until::Sent(BATCHES)).await?;
    Ok((begin, now()))
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64()
}

/// Syncs of a file in a folder `store` that begin in this time.
fn count(trace: &str, begin: f64, end: f64) -> usize {
    let counted = |line: &&str| {
        let mut words = line.split_whitespace().skip(1);
        let at = words.next().and_then(|at| at.parse::<f64>().ok());
        let call = words.next().unwrap_or_default();
        // A line with "resumed" is the end of a call that another line began.
        let syncs = ["fdatasync(", "fsync(", "sync_file_range("].iter().any(|name| call.starts_with(name));
        syncs && line.contains("/store/") && at.is_some_and(|at| at >= begin && at <= end)
    };
    trace.lines().filter(counted).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "\
100 9.500000 fdatasync(7</d/store/db>) = 0
100 10.100000 fdatasync(7</d/store/db>) = 0
101 10.200000 fdatasync(9</d/head>) = 0
100 10.300000 fdatasync(7</d/store/db> <unfinished ...>
102 10.310000 fsync(9</d/head>) = 0
100 10.400000 <... fdatasync resumed>) = 0
100 10.500000 sync_file_range(7</d/store/db>, 0, 0, 7) = 0
100 10.600000 write(7</d/store/db>, \"x\", 1) = 1
100 11.500000 fdatasync(7</d/store/db>) = 0
";

    #[test]
    fn syncs_of_the_store_are_counted_once_and_only_in_their_time() {
        assert_eq!(count(TRACE, 10.0, 11.0), 3);
        assert_eq!(count(TRACE, 0.0, 20.0), 5);
        assert_eq!(count("", 0.0, 20.0), 0);
    }
}
