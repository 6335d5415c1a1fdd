//! One run: a machine, the server on it, its clients and readers, and everything that goes wrong.

mod checks;
mod clients;
mod lives;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use baton_domain::decide::Refusal;
use baton_domain::values::Position;
use baton_engine::{Answer, Engine, LogEntry, SubmitError, open_log};
use baton_ledger::simulation::{Bug, Counts, Dice, Faults, Machine, Restart, SimLedger};
use baton_ledger::{Ledger, Receipt, SigningKey, TrustedKeys};
use jiff::{SignedDuration, Timestamp};

use crate::asked::{Asked, Excuses, Flight};
use crate::commands::{ADMIN, SHARED, organisation};
use crate::seen::{Seen, excused};
use crate::{now, poll, poll_once};

/// What clients and readers met, besides what the machine counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) acknowledged: u64,
    pub(crate) repeated: u64,
    pub(crate) unknown: u64,
    pub(crate) refused: u64,
    pub(crate) stale: u64,
    pub(crate) reused: u64,
    pub(crate) full: u64,
    pub(crate) poisoned: u64,
    pub(crate) not_written: u64,
    pub(crate) kept_without_answer: u64,
    pub(crate) erased: u64,
    pub(crate) clean_stops: u64,
    pub(crate) refused_opens: u64,
    pub(crate) receipts: u64,
}

/// The server while it runs.
struct Life {
    ledger: Arc<SimLedger>,
    engine: Engine,
    writer: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// The writer has ended.
    ended: bool,
    /// What had gone wrong when nobody waited for an answer last.
    settled: Counts,
    /// A write or sync of the log failed in it: it acknowledges nothing more.
    failed: bool,
    /// Something failed for which it may acknowledge nothing more.
    poisoned: bool,
}

pub(crate) struct World {
    dice: Dice,
    faults: Faults,
    machine: Machine,
    key: SigningKey,
    trusted: TrustedKeys,
    seen: Arc<Mutex<Seen>>,
    clock: Arc<AtomicI64>,
    life: Option<Life>,
    asked: Vec<Asked>,
    flights: Vec<Flight>,
    /// The log, as far as clients have read it, in whatever life of the server.
    log: Vec<LogEntry>,
    /// Positions that were to be erased, and whether that was said to be done.
    erased: BTreeMap<u64, bool>,
    erases: bool,
    pub(crate) tally: Tally,
}

impl World {
    /// A log that was opened and holds the shared organisations, on a machine where nothing went wrong yet.
    pub(crate) fn new(mut dice: Dice, key: &SigningKey, bug: Option<Bug>, keep_lines: bool) -> Result<Self, String> {
        let machine = Machine::new(dice.fork(), bug, keep_lines);
        let faults = swarm(&mut dice);
        let erases = dice.chance(300);
        machine.say(format_args!("{faults:?}"));
        let ledger = SimLedger::create(&machine, key.clone()).map_err(|refused| format!("{refused:?}"))?;
        let mut world = World {
            dice,
            faults,
            machine,
            key: key.clone(),
            trusted: TrustedKeys::parse(key.verifier_key()).unwrap(),
            seen: Arc::default(),
            clock: Arc::new(AtomicI64::new(0)),
            life: None,
            asked: Vec::new(),
            flights: Vec::new(),
            log: Vec::new(),
            erased: BTreeMap::new(),
            erases,
            tally: Tally::default(),
        };
        now(open_log(&ledger, ADMIN.parse().unwrap(), None, time(0))).map_err(|error| error.to_string())?;
        world.begin_life(ledger).map_err(|error| format!("the first start: {error}"))?;
        let commands = SHARED.iter().map(|stream| organisation(stream.rsplit(':').next().unwrap(), 5)).collect();
        world.ask(ADMIN, commands, Vec::new());
        world.write()?;
        Ok(world)
    }

    /// Lets this many things happen, then lets everything settle and holds the whole log against what was seen and said.
    pub(crate) fn run(&mut self, steps: usize) -> Result<(), String> {
        self.machine.set_faults(self.faults);
        for _ in 0..steps {
            self.step()?;
            self.seen().violation()?;
            self.machine.violation().map_or(Ok(()), Err)?;
            if self.machine.is_down() {
                let how = *self.dice.pick(&[Restart::Power, Restart::Power, Restart::Process]);
                self.recover(how)?;
            }
        }
        self.settle()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.machine.counts()
    }

    pub(crate) fn trace(&self) -> (u64, Vec<String>) {
        (self.machine.trace_hash(), self.machine.trace_lines())
    }

    fn step(&mut self) -> Result<(), String> {
        if self.life().poisoned && self.dice.chance(250) {
            return self.recover(Restart::Process);
        }
        match self.dice.below(1_000) {
            0..330 => self.ask_something(),
            330..400 => self.ask_again(),
            400..430 => self.repeat_what_is_recorded(),
            430..690 => return self.write(),
            690..760 => self.look(),
            760..800 => self.take_receipt()?,
            800..870 => self.note_head(),
            870..900 if self.erases => self.erase()?,
            900..930 => {
                let full = self.dice.chance(400);
                self.machine.say(format_args!("the disk is full: {full}"));
                self.machine.set_full(full);
            }
            930..950 => self.machine.stop(),
            950..970 => return self.stop_cleanly(),
            970..975 => return self.ask_much(),
            _ => self.look(),
        }
        Ok(())
    }

    // What the server does.

    /// The writer works through its queue, and what is answered reaches the clients after each batch.
    fn write(&mut self) -> Result<(), String> {
        self.work(false)
    }

    fn work(&mut self, closing: bool) -> Result<(), String> {
        let woken = Arc::default();
        loop {
            let (before, poisoned) = (self.counts(), self.life().poisoned);
            let life = self.life_mut();
            life.ended = life.ended || poll_once(life.writer.as_mut(), &woken).is_some();
            let failed = self.life().failed;
            self.note_failures(before);
            if closing {
                // What fails now may well be the closing, after everything was acknowledged.
                self.life_mut().failed = failed;
            }
            if self.machine.is_down() {
                return Ok(());
            }
            self.take_answers(poisoned)?;
            if self.counts().reopened != before.reopened {
                let life = self.life_mut();
                (life.failed, life.poisoned) = (false, false);
            }
            if self.life().ended || !woken.take() {
                return Ok(());
            }
        }
    }

    /// Learns from what the machine counted whether the log may, or must, take no more.
    fn note_failures(&mut self, before: Counts) {
        let after = self.counts();
        let life = self.life_mut();
        life.failed |= after.failed_writes > before.failed_writes || after.failed_syncs > before.failed_syncs;
        life.poisoned |= life.failed || after.full > before.full || after.failed_reads > before.failed_reads;
    }

    /// `poisoned` is what the log was before the writer worked last.
    fn take_answers(&mut self, poisoned: bool) -> Result<(), String> {
        let mut arrived = Vec::new();
        for mut flight in std::mem::take(&mut self.flights) {
            match poll(flight.answer.as_mut()) {
                Some(result) => arrived.push((flight.asked, flight.same_content, result)),
                None => self.flights.push(flight),
            }
        }
        let (before, after) = (self.life().settled, self.counts());
        if self.flights.is_empty() {
            self.life_mut().settled = after;
        }
        if arrived.is_empty() {
            return Ok(());
        }
        // Who hears that the disk is full hears that writing goes on by itself: no failure, then, that lasts.
        let full = arrived.iter().any(|(_, _, result)| matches!(result, Err(SubmitError::Full)));
        let only_full = Counts { operations: before.operations, full: before.full, ..after } == before;
        self.life_mut().poisoned &= poisoned || !(full && only_full);
        let excuses = Excuses {
            failed: self.life().failed,
            poisoned: self.life().poisoned,
            flipped: after.flipped_bits > before.flipped_bits,
            refusing: self.life().poisoned || full,
        };
        self.quietly(World::read_on)?;
        for (at, same_content, result) in arrived {
            self.machine.say(format_args!("request {at} is answered: {}", short(&result)));
            self.count(&result);
            if let Ok(answer) = &result
                && let Some(checkpoint) = &answer.checkpoint
            {
                self.seen().checkpoint(checkpoint)?;
            }
            let checked = self.asked[at].take(&result, same_content, &self.log, &excuses);
            checked.map_err(|why| format!("request {at}: {why}"))?;
        }
        Ok(())
    }

    fn count(&mut self, result: &Result<Answer, SubmitError>) {
        use SubmitError as E;
        let tally = &mut self.tally;
        match result {
            Ok(answer) if answer.already_recorded => tally.repeated += 1,
            Ok(_) => tally.acknowledged += 1,
            Err(E::OutcomeUnknown) => tally.unknown += 1,
            Err(E::Refused(Refusal::StaleRevision { .. }, _)) => tally.stale += 1,
            Err(E::Refused(..)) => tally.refused += 1,
            Err(E::RequestReused { .. }) => tally.reused += 1,
            Err(E::Full) => tally.full += 1,
            Err(E::Poisoned { .. }) => tally.poisoned += 1,
            Err(E::NotWritten { .. }) => tally.not_written += 1,
            Err(_) => {}
        }
    }

    fn note_head(&mut self) {
        let before = self.counts();
        self.life().ledger.note_head();
        self.note_failures(before);
    }

    fn stop_cleanly(&mut self) -> Result<(), String> {
        let engine = self.life().engine.clone();
        let mut shutdown = Box::pin(async move { engine.shutdown().await });
        let _ = poll(shutdown.as_mut());
        // Appends that wait go on when they are polled again.
        for _ in 0..20 {
            self.work(true)?;
            if self.machine.is_down() {
                return Ok(());
            }
        }
        let closed = poll(shutdown.as_mut()).ok_or("a shutdown that does not end")?;
        self.machine.say(format_args!("shut down, clean: {}", closed.is_ok()));
        self.tally.clean_stops += u64::from(closed.is_ok());
        let how = *self.dice.pick(&[Restart::Power, Restart::Process]);
        self.recover(how)
    }

    // What readers and others do.

    fn look(&mut self) {
        let life = self.life();
        self.seen().look(&self.machine, &life.ledger, &life.engine);
    }

    fn take_receipt(&mut self) -> Result<(), String> {
        let size = self.life().engine.snapshot().size;
        let position = Position(self.dice.below(size));
        let before = self.counts();
        let receipt = match now(self.life().ledger.receipt(baton_ledger::Position(position.0))) {
            Ok(receipt) => receipt.ok_or("a durable record without a receipt")?,
            Err(error) => return excused(&error, &self.machine, before),
        };
        let record = match now(self.life().ledger.read(baton_ledger::Position(position.0), 1)) {
            Ok(page) => page.into_iter().next().ok_or("a durable record that is not there")?,
            Err(error) => return excused(&error, &self.machine, before),
        };
        self.seen().record(&record)?;
        self.tally.receipts += 1;
        Receipt::verify(&receipt.to_text(), record.leaf_hash, &self.trusted).map(drop).map_err(|error| error.to_string())
    }

    /// Erases what lies beside some record; after an error, once more.
    fn erase(&mut self) -> Result<(), String> {
        let position = self.dice.below(self.life().engine.snapshot().size);
        self.erased.entry(position).or_insert(false);
        for _ in 0..2 {
            let result = now(self.life().ledger.erase(&[baton_ledger::Position(position)]));
            self.machine.say(format_args!("erasing position {position}, done: {}", result.is_ok()));
            if self.machine.is_down() {
                return Ok(());
            }
            if result.is_ok() {
                self.erased.insert(position, true);
                self.tally.erased += 1;
                return Ok(());
            }
            // Keys that could not be erased, or not for certain, end the taking of records as a failed write does.
            self.life_mut().poisoned = true;
        }
        Ok(())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }

    fn life(&self) -> &Life {
        self.life.as_ref().expect("the server runs between recoveries")
    }

    fn life_mut(&mut self) -> &mut Life {
        self.life.as_mut().expect("the server runs between recoveries")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The watcher holds the engine, and so everything.
        self.machine.watch(None);
    }
}

/// Some kinds of faults, rare or frequent: a run in which everything fails gets nowhere.
fn swarm(dice: &mut Dice) -> Faults {
    let mut rate = |rates: &[u32]| *dice.pick(rates);
    Faults {
        stops: rate(&[0, 2, 5, 12]),
        stops_in_sync: rate(&[0, 0, 30, 100]),
        failed_writes: rate(&[0, 0, 5, 20]),
        failed_syncs: rate(&[0, 0, 10, 40]),
        failed_reads: rate(&[0, 0, 5, 30]),
        flipped_bits: rate(&[0, 0, 5, 30]),
        slow_appends: rate(&[0, 100, 500]),
    }
}

fn short(result: &Result<Answer, SubmitError>) -> String {
    match result {
        Ok(answer) => {
            format!("at {:?}, recorded before: {}", answer.entries.first().map(|entry| entry.position), answer.already_recorded)
        }
        Err(error) => error.to_string(),
    }
}

fn time(second: i64) -> Timestamp {
    let begin: Timestamp = "2026-10-02T12:00:00Z".parse().unwrap();
    begin + SignedDuration::from_secs(second)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
