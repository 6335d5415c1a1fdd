//! Ends and beginnings of the server's lives: starts, crashes, and the recovery after each.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use baton_domain::state::State;
use baton_engine::{Engine, Options, StartError};
use baton_ledger::Ledger;
use baton_ledger::simulation::{Counts, Faults, Refused, Restart, SimLedger};

use super::{Life, World, lock, time};
use crate::now;

impl World {
    pub(super) fn begin_life(&mut self, ledger: SimLedger) -> Result<(), StartError> {
        let ledger = Arc::new(ledger);
        let clock = Arc::clone(&self.clock);
        let tick = move || time(clock.fetch_add(1, Ordering::Relaxed));
        let (engine, writer) = now(Engine::start_driven(Arc::clone(&ledger) as Arc<dyn Ledger>, Options::default(), tick))?;
        // Readers look around every write and sync, through whatever they could reach.
        let (seen, machine) = (Arc::clone(&self.seen), self.machine.clone());
        let (watched, watching): (Weak<SimLedger>, Engine) = (Arc::downgrade(&ledger), engine.clone());
        self.machine.watch(Some(Arc::new(move || {
            if let Some(ledger) = watched.upgrade() {
                lock(&seen).look(&machine, &ledger, &watching);
            }
        })));
        self.life = Some(Life {
            ledger,
            engine,
            writer: Box::pin(writer),
            ended: false,
            settled: self.counts(),
            failed: false,
            poisoned: false,
        });
        Ok(())
    }

    /// The process is gone: nothing that was not answered will be.
    pub(super) fn end_life(&mut self) -> Option<Arc<State>> {
        self.machine.watch(None);
        for flight in self.flights.drain(..) {
            self.asked[flight.asked].waiting -= 1;
            self.asked[flight.asked].unknown = true;
        }
        self.life.take().map(|life| life.engine.snapshot())
    }

    /// The server comes back, as often as it takes, and everything is held against the log.
    pub(super) fn recover(&mut self, how: Restart) -> Result<(), String> {
        let shown = self.end_life();
        self.machine.restart(how);
        if self.dice.chance(120) {
            self.lose_the_end()?;
        }
        let mut attempts = 0;
        loop {
            attempts += 1;
            if attempts == 6 {
                // Faults end some day.
                self.machine.set_faults(Faults::default());
                self.machine.set_full(false);
            }
            let before = self.counts();
            match SimLedger::open(&self.machine, self.key.clone()) {
                Ok(ledger) => match self.begin_life(ledger) {
                    Ok(()) => break,
                    Err(error) => self.excuse(&error.to_string(), before, |after, before| {
                        after.flipped_bits + after.failed_reads > before.flipped_bits + before.failed_reads
                    })?,
                },
                Err(Refused::Down) => {}
                Err(Refused::Damaged(why)) => {
                    self.excuse(&why, before, |after, before| after.flipped_bits > before.flipped_bits)?
                }
                Err(Refused::Failed(why) | Refused::File(why)) => self.excuse(&why, before, |after, before| after != before)?,
                Err(refused) => return Err(format!("after a restart: {refused:?}")),
            }
            self.tally.refused_opens += 1;
            let _ = self.end_life();
            if self.dice.chance(700) {
                self.machine.set_full(false);
            }
            let how = *self.dice.pick(&[Restart::Power, Restart::Process]);
            self.machine.restart(how);
        }
        self.quietly(|world| world.check(shown.as_deref()))
    }

    fn excuse(&self, why: &str, before: Counts, excused: impl Fn(Counts, Counts) -> bool) -> Result<(), String> {
        // Operations are counted as well, and excuse nothing.
        let after = Counts { operations: before.operations, ..self.counts() };
        if excused(after, before) || self.machine.is_down() {
            Ok(())
        } else {
            Err(format!("refused to start for no reason: {why}"))
        }
    }

    /// The store loses its end in silence: whatever else goes wrong, the log must not be opened on the rest.
    fn lose_the_end(&mut self) -> Result<(), String> {
        if !self.machine.lose_end() {
            return Ok(());
        }
        let faulty = self.dice.chance(500);
        if !faulty {
            self.machine.set_faults(Faults::default());
            self.machine.set_full(false);
        }
        let opened = SimLedger::open(&self.machine, self.key.clone()).map(|ledger| ledger.head().size);
        match opened {
            Ok(size) => return Err(format!("a store that lost its end was opened with {size} records")),
            Err(Refused::Loss { .. }) => {}
            Err(_) if faulty => {}
            Err(other) => return Err(format!("a store that lost its end was refused as {other:?}")),
        }
        self.machine.set_faults(self.faults);
        self.machine.put_back_end();
        self.machine.restart(Restart::Process);
        Ok(())
    }
}
