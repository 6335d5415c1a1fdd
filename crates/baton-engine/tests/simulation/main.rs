//! Ten thousand lives of a server on a machine that fails, each decided by a seed.
//!
//! The writer, the log and the readers are the real ones; simulated are the disk below them
//! (`baton_ledger::simulation`), the clock and the clients. One thread, nothing waits, so a seed is the
//! same run for ever. Checked throughout and after every recovery, each against what was really said and
//! shown:
//!
//! - what was acknowledged is there, once, where it was; what was not is there once or not at all; requests are whole;
//! - what was said to be not recorded is not recorded, until it is asked for again;
//! - positions have no gaps, revisions are contiguous, every expectation of a recorded request held;
//! - nothing that a reader, subscriber or checkpoint ever showed is gone or changed, and sizes never go back;
//! - the log is consistent with every checkpoint that was handed out, and receipts verify;
//! - refusals and repeated answers rest on the durable log; an id with other content is refused;
//! - nothing is acknowledged after a failed write or sync, and nothing is refused for no reason;
//! - damage is reported and never served; a lost end of the store is never opened;
//! - what was erased stays erased; no key is used twice; the state is what the log adds up to.
//!
//! | Variable | |
//! |---|---|
//! | `BATON_SIM_SEED=123` | runs this seed alone and prints all that happened |
//! | `BATON_SIM_SEEDS=100000` | runs so many seeds instead of ten thousand |
//! | `BATON_SIM_FROM=10000` | begins with this one |
//! | `BATON_SIM_BUG=TornBatchKept` | plants a bug |
//!
//! `BATON_SIM_SEED=123 cargo test -p baton-engine --test simulation ten_thousand -- --nocapture`
#![allow(clippy::unwrap_used)]

mod asked;
mod commands;
mod run;
mod seen;
mod world;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use baton_ledger::simulation::Bug;

use crate::run::{Search, key, run, search};

/// Every bug must be found within so many seeds.
const SEEDS_FOR_A_BUG: u64 = 2_000;

#[test]
fn ten_thousand_seeds_break_no_promise() {
    let bug = setting::<String>("BATON_SIM_BUG").map(|name| bug_named(&name));
    if let Some(seed) = setting("BATON_SIM_SEED") {
        return replay(seed, bug);
    }
    let seeds = setting("BATON_SIM_SEEDS").unwrap_or(10_000);
    let from = setting("BATON_SIM_FROM").unwrap_or(0);
    let Search { ran, found, sum, seconds } = search(from..from + seeds, bug, usize::MAX);
    println!("{ran} seeds in {seconds:.1} s, {:.0} a second", ran as f64 / seconds);
    println!("{sum}");
    for (seed, why) in found.iter().take(20) {
        println!("seed {seed}: {why}");
    }
    assert!(found.is_empty(), "{} of {ran} seeds break a promise; replay one with BATON_SIM_SEED={}", found.len(), found[0].0);
    // A simulation in which nothing happens breaks no promise either.
    if ran >= 1_000 {
        let never = sum.never();
        assert!(never.is_empty(), "in {ran} seeds these never happened: {never:?}");
    }
}

#[test]
fn a_seed_is_the_same_run_each_time() {
    for seed in 0..100 {
        // With other keys, salts and nonces, which come from the system.
        let hashes = [false, true].map(|keep_lines| run(seed, &key(), None, keep_lines).hash);
        assert_eq!(hashes[0], hashes[1], "seed {seed}");
    }
    let other = run(1, &key(), None, false).hash;
    assert_ne!(run(0, &key(), None, false).hash, other);
}

#[test]
fn every_planted_bug_is_found() {
    let mut missed = Vec::new();
    for bug in Bug::ALL {
        let search = search(0..SEEDS_FOR_A_BUG, Some(bug), 1);
        match search.found.first() {
            Some((seed, why)) => println!("{bug:?}: found after {} seeds, by seed {seed}: {why}", search.ran),
            None => missed.push(bug),
        }
    }
    assert!(missed.is_empty(), "not found within {SEEDS_FOR_A_BUG} seeds: {missed:?}");
}

fn replay(seed: u64, bug: Option<Bug>) {
    let ran = run(seed, &key(), bug, true);
    ran.lines.iter().for_each(|line| println!("{line}"));
    println!("seed {seed}, trace {:016x}\n{:?}\n{:?}", ran.hash, ran.counts, ran.tally);
    assert_eq!(ran.violation, None, "seed {seed} breaks a promise");
}

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    let value = text.parse().ok();
    Some(value.unwrap_or_else(|| panic!("{name}={text} cannot be read")))
}

fn bug_named(name: &str) -> Bug {
    let bug = Bug::ALL.into_iter().find(|bug| format!("{bug:?}") == name);
    bug.unwrap_or_else(|| panic!("there is no bug {name}; there are {:?}", Bug::ALL))
}

/// Polls once; nobody is woken, because everything that waits is polled again.
fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Polls once, and notes whether the future wants to be polled again at once.
fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>, woken: &Arc<Woken>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(woken)))) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Whether a future was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Woken {
    fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The result of what waits for nobody else.
fn now<F: Future>(future: F) -> F::Output {
    let (mut future, woken) = (std::pin::pin!(future), Arc::new(Woken(AtomicBool::new(true))));
    while woken.take() {
        if let Some(output) = poll_once(future.as_mut(), &woken) {
            return output;
        }
    }
    panic!("nothing waits for others in a simulation")
}
