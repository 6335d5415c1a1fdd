//! What must be so of the whole log, after every recovery and at the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_domain::state::State;
use baton_domain::values::{Position, StreamId};
use baton_engine::{LogEntry, dump};
use baton_ledger::simulation::{Faults, Restart};
use baton_ledger::{Disclosure, Ledger, StoredRecord};

use super::{World, lock};
use crate::asked::{Asked, is_of};
use crate::now;

impl World {
    /// Holds the whole log against everything that was seen and said. `shown` is the last state of the
    /// server that ended.
    pub(super) fn check(&mut self, shown: Option<&State>) -> Result<(), String> {
        let stored = self.stored()?;
        self.check_disclosures(&stored)?;
        let life = self.life();
        lock(&self.seen).check(&stored, &life.ledger, &self.trusted)?;
        self.read_on()?;
        let same = |(entry, record): (&LogEntry, &StoredRecord)| entry.leaf_hash == record.leaf_hash;
        if self.log.len() != stored.len() || !self.log.iter().zip(&stored).all(same) {
            return Err("the log is not what clients have read of it".to_owned());
        }
        let log = &self.log;
        check_order(log)?;
        for (at, asked) in self.asked.iter().enumerate() {
            asked.check(log).map_err(|why| format!("request {at}: {why}"))?;
        }
        let known = |entry: &LogEntry| {
            entry.recorded.position.0 == 0 || self.asked.iter().any(|asked| asked.id == entry.recorded.command_id)
        };
        if let Some(stranger) = log.iter().find(|entry| !known(entry)) {
            return Err(format!("nobody asked for position {}", stranger.recorded.position));
        }
        // Words that are erased stay in states that were built before.
        if let Some(shown) = shown
            && self.erased.is_empty()
            && self.dice.chance(50)
        {
            same_state(shown, log)?;
        }
        // By now it is decided what became of the requests without an answer.
        for asked in self.asked.iter_mut().filter(|asked| asked.waiting == 0 && asked.acknowledged.is_none()) {
            let found = log.iter().any(|entry| is_of(entry, asked.id));
            self.tally.kept_without_answer += u64::from(found && asked.unknown);
            asked.unknown = false;
            asked.absent = !found;
        }
        Ok(())
    }

    pub(super) fn check_disclosures(&self, stored: &[StoredRecord]) -> Result<(), String> {
        for record in stored {
            let position = record.position.0;
            let wrong = matches!(
                (&record.disclosure, self.erased.get(&position)),
                (Disclosure::Unreadable, _) | (Disclosure::Open(_), Some(true)) | (Disclosure::Erased, None)
            );
            if wrong {
                return Err(format!(
                    "beside position {position}: {:?}, erased: {:?}",
                    record.disclosure,
                    self.erased.get(&position)
                ));
            }
        }
        Ok(())
    }

    /// Faults end; every client gets his answer; and then the power goes once more.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        self.machine.say(format_args!("everything settles"));
        self.faults = Faults::default();
        self.machine.set_faults(self.faults);
        self.machine.set_full(false);
        self.recover(Restart::Power)?;
        for at in 0..self.asked.len() {
            if self.asked[at].unsettled() {
                self.submit(at, true);
            }
        }
        self.write()?;
        let unanswered = self.asked.iter().position(Asked::unsettled);
        if let Some(at) = unanswered {
            return Err(format!("request {at} gets no answer although nothing is wrong any more"));
        }
        self.look();
        self.seen().violation()?;
        let live = self.life().engine.snapshot();
        self.read_on()?;
        if self.erased.is_empty() && self.dice.chance(100) {
            same_state(&live, &self.log)?;
        }
        self.recover(Restart::Power)
    }

    /// Does something while nothing goes wrong.
    pub(super) fn quietly<T>(&mut self, what: impl FnOnce(&mut Self) -> T) -> T {
        self.machine.set_faults(Faults::default());
        let result = what(self);
        self.machine.set_faults(self.faults);
        result
    }

    /// Clients read on in the log, to its end.
    pub(super) fn read_on(&mut self) -> Result<(), String> {
        loop {
            let from = Position(self.log.len() as u64);
            let page = now(self.life().engine.read(from, 256)).map_err(|error| error.to_string())?;
            if page.is_empty() {
                return Ok(());
            }
            self.log.extend(page);
        }
    }

    pub(super) fn stored(&self) -> Result<Vec<StoredRecord>, String> {
        let ledger = &self.life().ledger;
        let mut log: Vec<StoredRecord> = Vec::new();
        loop {
            let page = now(ledger.read(baton_ledger::Position(log.len() as u64), 256)).map_err(|error| error.to_string())?;
            if page.is_empty() {
                return Ok(log);
            }
            log.extend(page);
        }
    }
}

fn check_order(log: &[LogEntry]) -> Result<(), String> {
    let mut revisions: BTreeMap<&StreamId, u64> = BTreeMap::new();
    for (due, entry) in log.iter().enumerate() {
        let recorded = &entry.recorded;
        if recorded.position.0 != due as u64 {
            return Err(format!("position {} where {due} is due", recorded.position));
        }
        let revision = revisions.entry(&recorded.stream).or_insert(0);
        *revision += 1;
        if recorded.revision.0 != *revision {
            return Err(format!("revision {} of {} where {revision} is due", recorded.revision, recorded.stream));
        }
    }
    Ok(())
}

/// A state is what the log adds up to, up to where it reaches.
fn same_state(state: &State, log: &[LogEntry]) -> Result<(), String> {
    let mut folded = State::default();
    let prefix = log.get(..state.size as usize).ok_or("a state that reaches beyond the log")?;
    prefix.iter().for_each(|entry| folded.evolve(&Arc::new(entry.recorded.clone())));
    if dump(&folded) == dump(state) { Ok(()) } else { Err("the state is not what the log adds up to".to_owned()) }
}
