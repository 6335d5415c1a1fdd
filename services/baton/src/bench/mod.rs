//! The bench: what Baton costs, beside what the same work costs without it, in one run.
//!
//! It makes its own logs in a directory of its own, serves them on loopback, calls them as any client
//! would, and gives [`Figure`](figures::Figure)s: medians over rounds in which everything is measured by
//! turns. The server, what it is compared with and the clients share this process and its processors;
//! servers whose start or memory is measured, and those compared with another product, are processes of
//! their own. Everything it made is removed when it ends, by whatever way.
//!
//! It judges nothing but its own figures against the bounds of the design, holds no bound in seconds that
//! a test depends on, and needs no network.
//!
//! | Phase | File | Measures |
//! |---|---|---|
//! | fill | `fill`, `events` | filling, bytes on disk |
//! | rest | `rest`, `child` | start, memory, opening, rebuilding |
//! | calls | `calls`, `load`, `echo`, `append`, `disk` | Record, reads, streams, and what they are compared with |
//! | syncs | `syncs` | syncs per batch |
//! | beside another | `umadb` | the same load on UmaDB |

mod append;
mod calls;
mod child;
mod disk;
mod echo;
mod events;
mod figures;
mod fill;
mod guard;
mod load;
mod report;
mod rest;
mod samples;
mod scratch;
mod store;
mod syncs;
mod umadb;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use prost::Message;

use calls::{Amount, Calls, Scope, Served};
pub(crate) use child::end_all;
use disk::SyncedFile;
pub(crate) use figures::Figure;
use fill::{Filled, Plan};
pub(crate) use guard::fallen;
pub(crate) use report::{drawn, json, reasons};
use samples::Samples;
pub(crate) use scratch::Scratch;

use crate::exit::Failure;

/// A list is asked of this many transitions, where there are events enough.
const TRANSITIONS: u64 = 10_000;
/// Fewest events of a run: the paths and lists that are asked for must be there.
pub(crate) const FEWEST: u64 = 50_000;
/// Most requests of the run beside another product.
const MOST_CLIENTS: usize = 256;

/// What a run is to measure.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// Events of the log.
    pub(crate) events: u64,
    /// Rounds; medians are over them.
    pub(crate) rounds: u32,
    /// Whether each round is to be short.
    pub(crate) quick: bool,
    /// The program `umadb`, where there is one.
    pub(crate) umadb: Option<PathBuf>,
}

/// The program `umadb` on the PATH.
pub(crate) fn installed_umadb() -> Option<PathBuf> {
    child::on_path("umadb")
}

/// Measures everything in a directory of its own.
///
/// # Errors
/// When anything fails: a run with holes in it is no run. What is only missing on this machine is a
/// figure without a value.
pub(crate) async fn run(scratch: &Scratch, run: &Run, progress: impl Fn(&str)) -> Result<Vec<Figure>, Failure> {
    let mut samples = Samples::default();
    let (large, small) = (scratch.path("large"), scratch.path("small"));
    let plan = Plan { events: run.events, transitions: TRANSITIONS };
    let (filled, seconds) = fill(&large, plan, &progress).await?;
    samples.add("fill", run.events as f64 / seconds);
    let (filled_small, _) = fill(&small, Plan { events: report::SMALL, transitions: 0 }, &progress).await?;
    let before = size(&large, 0, &mut samples).await?;

    rest::measure(&large, run.rounds, true, &mut samples, &progress).await?;

    let amount = amount(run);
    let mut called = Samples::default();
    let logs = [(large.as_path(), filled), (small.as_path(), filled_small)];
    call(scratch, logs, amount, run.rounds, &mut called, &progress).await?;
    let disk = store::disk_bytes(&large)?;
    let ledger = store::open(&large).await?;
    let (payload, _) = store::payload(&ledger, run.events).await?;
    store::close(ledger).await?;
    samples.add("disk added", disk.saturating_sub(before) as f64 / payload as f64);

    progress("syncs");
    add_shared(&small, 50, &mut samples).await?;
    let no_syncs = match syncs::per_batch(&small, &scratch.path("trace")).await {
        Ok(count) => {
            samples.add("syncs", count);
            None
        }
        Err(why) => Some(why),
    };
    let no_umadb = beside_umadb(scratch, run, amount, &mut samples, &progress).await?;
    samples.absorb(called);

    let about = report::About { events: run.events, transitions: filled.transitions, rounds: run.rounds, no_syncs, no_umadb };
    Ok(report::figures(&samples, &about))
}

/// Measures the few ratios of the guard.
///
/// # Errors
/// When anything fails.
pub(crate) async fn guard(scratch: &Scratch, progress: impl Fn(&str)) -> Result<Vec<Figure>, Failure> {
    const ROUNDS: u32 = 3;
    let mut samples = Samples::default();
    let (large, small) = (scratch.path("large"), scratch.path("small"));
    let (filled, _) = fill(&large, Plan { events: 4_500, transitions: 1_200 }, &progress).await?;
    let (filled_small, _) = fill(&small, Plan { events: 1_000, transitions: 0 }, &progress).await?;
    rest::measure(&small, ROUNDS, false, &mut samples, &progress).await?;
    add_shared(&small, 5, &mut samples).await?;
    let window = Duration::from_millis(100);
    let amount = Amount { scope: Scope::Ratios, window, singles: 40, appends: 5, as_ofs: 0, lists: 0, streamed: 0 };
    let mut called = Samples::default();
    let logs = [(large.as_path(), filled), (small.as_path(), filled_small)];
    call(scratch, logs, amount, ROUNDS, &mut called, &progress).await?;
    samples.absorb(called);
    Ok(guard::figures(&samples))
}

async fn add_shared(dir: &Path, each: u64, samples: &mut Samples) -> Result<(), Failure> {
    let (requests, syncs) = syncs::shared(dir, each).await?;
    samples.add("shared requests", requests);
    samples.add("shared syncs", syncs);
    Ok(())
}

/// How much each round of calls measures.
fn amount(run: &Run) -> Amount {
    let streamed = run.events.min(100_000);
    let short = Amount {
        scope: Scope::All,
        window: Duration::from_millis(250),
        singles: 100,
        appends: 10,
        as_ofs: 100,
        lists: 3,
        streamed: streamed / 2,
    };
    match run.quick {
        true => short,
        false => Amount { window: Duration::from_secs(1), singles: 200, appends: 20, as_ofs: 200, lists: 5, streamed, ..short },
    }
}

/// Makes a log and fills it; says how long filling took, and leaves it stopped clean.
async fn fill(dir: &Path, plan: Plan, progress: &impl Fn(&str)) -> Result<(Filled, f64), Failure> {
    store::make(dir).await?;
    let ledger = store::open(dir).await?;
    let engine = store::start(&ledger).await?;
    let begin = Instant::now();
    let wanted = figures::grouped(plan.events);
    let filled = fill::fill(&engine, plan, |done| progress(&format!("filling, {} of {wanted}", figures::grouped(done)))).await?;
    let seconds = begin.elapsed().as_secs_f64();
    drop(engine);
    store::close(ledger).await?;
    Ok((filled, seconds))
}

/// Bytes that a log takes on disk, and notes what they are for.
async fn size(dir: &Path, from: u64, samples: &mut Samples) -> Result<u64, Failure> {
    let disk = store::disk_bytes(dir)?;
    let ledger = store::open(dir).await?;
    let (payload, events) = store::payload(&ledger, from).await?;
    store::close(ledger).await?;
    samples.add("disk filled", disk as f64 / payload as f64);
    samples.add("event bytes", payload as f64 / events as f64);
    Ok(disk)
}

/// Serves a large and a small log and measures calls.
async fn call(
    scratch: &Scratch,
    logs: [(&Path, Filled); 2],
    amount: Amount,
    rounds: u32,
    samples: &mut Samples,
    progress: &impl Fn(&str),
) -> Result<(), Failure> {
    let [large, small] = logs;
    let large = Served::start(large.0, large.1).await?;
    let small = Served::start(small.0, small.1).await?;
    let mut disk = SyncedFile::make(&scratch.path("synced"))?;
    let bare = scratch.path("bare");
    let mut calls = Calls { large: &large, small: &small, disk: &mut disk, bare: &bare, amount };
    let measured = calls.measure(rounds, samples, progress).await;
    large.stop().await?;
    small.stop().await?;
    measured
}

/// The same load on Baton and UmaDB by turns, both new, both processes of their own, on one disk.
/// Gives why it was not measured, where it was not.
async fn beside_umadb(
    scratch: &Scratch,
    run: &Run,
    amount: Amount,
    samples: &mut Samples,
    progress: &impl Fn(&str),
) -> Result<Option<String>, Failure> {
    let Some(program) = &run.umadb else {
        return Ok(Some("no program umadb is on the PATH; name one with --umadb".to_owned()));
    };
    let data = scratch.path("beside");
    store::make(&data).await?;
    let baton = tokio::task::spawn_blocking(move || child::Baton::start(&data)).await;
    let baton = baton.map_err(|error| Failure::Unavailable(format!("starting a server ended early: {error}")))??;
    let request_bytes = calls::note("meeting/0123456789ab-100-1", 7).encoded_len();
    let uma = match umadb::Uma::start(program, &scratch.path("umadb"), MOST_CLIENTS, request_bytes).await {
        Ok(uma) => uma,
        // What was measured before is not thrown away for it.
        Err(failure) => return Ok(Some(failure.to_string())),
    };
    let server = load::Server::connect(baton.address, MOST_CLIENTS).await?;
    let window = load::Until::Elapsed(amount.window);
    for round in 0..=run.rounds {
        progress(&format!("beside UmaDB, round {round} of {}", run.rounds));
        for clients in calls::IN_FLIGHT {
            let appended = uma.round(clients, window).await?;
            let recorded = calls::notes(&server, calls::RECORD, clients, window).await?;
            // The first round warms up.
            if round > 0 {
                samples.add_rate(format!("uma {clients}"), &appended);
                samples.add_rate(format!("record beside uma {clients}"), &recorded);
            }
        }
    }
    Ok(None)
}
