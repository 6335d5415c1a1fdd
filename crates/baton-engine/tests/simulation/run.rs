//! Running seeds: one, or many on all processors.

use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use baton_ledger::SigningKey;
use baton_ledger::simulation::{Bug, Counts, Dice};

use crate::world::{Tally, World};

/// Things that happen in a run before everything settles.
const STEPS: usize = 25;

/// How a run ended.
pub(crate) struct Ran {
    pub(crate) violation: Option<String>,
    /// Of everything that happened.
    pub(crate) hash: u64,
    pub(crate) lines: Vec<String>,
    pub(crate) counts: Counts,
    pub(crate) tally: Tally,
}

/// A key to sign with.
pub(crate) fn key() -> SigningKey {
    SigningKey::generate("baton.test/1").unwrap()
}

/// Runs one seed. A panic is a violation like any other.
pub(crate) fn run(seed: u64, key: &SigningKey, bug: Option<Bug>, keep_lines: bool) -> Ran {
    // The writer's pauses are taken from a clock that stands still: no pause ever ends, so that nothing depends
    // on how fast this machine is.
    let clock = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let _entered = clock.enter();
    let mut world = match World::new(Dice::new(seed), key, bug, keep_lines) {
        Ok(world) => world,
        Err(why) => {
            let violation = Some(format!("at the beginning: {why}"));
            return Ran { violation, hash: 0, lines: Vec::new(), counts: Counts::default(), tally: Tally::default() };
        }
    };
    let result = catch_unwind(AssertUnwindSafe(|| world.run(STEPS)));
    let violation = match result {
        Ok(result) => result.err(),
        Err(panic) => Some(format!("a panic: {}", panic.downcast_ref::<String>().cloned().unwrap_or_default())),
    };
    let (hash, lines) = world.trace();
    Ran { violation, hash, lines, counts: world.counts(), tally: world.tally }
}

/// What many seeds came to.
pub(crate) struct Search {
    pub(crate) ran: u64,
    /// Seeds that broke a promise, and how, in the order of seeds.
    pub(crate) found: Vec<(u64, String)>,
    pub(crate) sum: Sum,
    pub(crate) seconds: f64,
}

/// Runs seeds on all processors until so many of them broke a promise.
pub(crate) fn search(seeds: Range<u64>, bug: Option<Bug>, enough: usize) -> Search {
    let begin = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let together = Mutex::new((Vec::new(), Sum::default()));
    let work = || {
        let key = key();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || together.lock().unwrap().0.len() >= enough {
                return;
            }
            let ran = run(seed, &key, bug, false);
            let mut together = together.lock().unwrap();
            together.1.add(&ran);
            together.0.extend(ran.violation.map(|why| (seed, why)));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    let (mut found, sum) = together.into_inner().unwrap();
    found.sort();
    Search { ran: sum.runs, found, sum, seconds: begin.elapsed().as_secs_f64() }
}

/// Everything that happened in many runs.
#[derive(Default)]
pub(crate) struct Sum {
    runs: u64,
    happened: Vec<(&'static str, u64)>,
}

impl Sum {
    fn add(&mut self, ran: &Ran) {
        let (counts, tally) = (&ran.counts, &ran.tally);
        let of_run = [
            ("operations", counts.operations),
            ("stops within an operation", counts.stops),
            ("power losses", counts.power_losses),
            ("kills", counts.kills),
            ("failed writes", counts.failed_writes),
            ("full disk", counts.full),
            ("failed syncs", counts.failed_syncs),
            ("failed reads", counts.failed_reads),
            ("flipped bits", counts.flipped_bits),
            ("slow appends", counts.slow_appends),
            ("opened again after a failed write", counts.reopened[0]),
            ("opened again after a failed sync", counts.reopened[1]),
            ("torn batches", counts.torn_batches),
            ("lost ends", counts.lost_ends),
            ("acknowledged", tally.acknowledged),
            ("repeats answered", tally.repeated),
            ("outcome unknown", tally.unknown),
            ("kept without an answer", tally.kept_without_answer),
            ("refused by rules", tally.refused),
            ("stale", tally.stale),
            ("id reused", tally.reused),
            ("refused for space", tally.full),
            ("poisoned", tally.poisoned),
            ("not written", tally.not_written),
            ("erased", tally.erased),
            ("clean stops", tally.clean_stops),
            ("refused to open", tally.refused_opens),
            ("receipts", tally.receipts),
        ];
        self.runs += 1;
        if self.happened.is_empty() {
            self.happened = of_run.to_vec();
        } else {
            self.happened.iter_mut().zip(of_run).for_each(|(sum, of_run)| sum.1 += of_run.1);
        }
    }

    /// What never happened.
    pub(crate) fn never(&self) -> Vec<&'static str> {
        self.happened.iter().filter(|(_, count)| *count == 0).map(|(what, _)| *what).collect()
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let happened: Vec<String> = self.happened.iter().map(|(what, count)| format!("{what} {count}")).collect();
        f.write_str(&happened.join(", "))
    }
}
