//! What readers ever saw, remembered for ever: none of it may be taken back or changed.

use std::collections::BTreeMap;

use baton_engine::Engine;
use baton_ledger::simulation::{Counts, Machine, SimLedger};
use baton_ledger::{
    Disclosure, Ledger, Position, ReadError, SignedCheckpoint, StoredRecord, TrustedKeys, check_consistency, leaf_hash,
};

use crate::now;

/// The memory of all readers together.
#[derive(Default)]
pub(crate) struct Seen {
    /// Hash of the leaf at each position, of the bytes as they were served.
    leaves: BTreeMap<u64, [u8; 32]>,
    /// The largest size that anything ever announced.
    size: u64,
    /// Every checkpoint, by size.
    checkpoints: BTreeMap<u64, SignedCheckpoint>,
    /// Size of the newest checkpoint.
    newest: u64,
    violation: Option<String>,
}

impl Seen {
    /// What a reader saw that he should not have.
    pub(crate) fn violation(&self) -> Result<(), String> {
        self.violation.clone().map_or(Ok(()), Err)
    }

    /// Looks at everything that is shown: sizes, the newest checkpoint, the records that are new, and an old one.
    pub(crate) fn look(&mut self, machine: &Machine, ledger: &SimLedger, engine: &Engine) {
        if machine.is_down() {
            return;
        }
        let looked = self.try_look(machine, ledger, engine);
        if let Err(why) = looked {
            self.violation.get_or_insert(why);
        }
    }

    fn try_look(&mut self, machine: &Machine, ledger: &SimLedger, engine: &Engine) -> Result<(), String> {
        self.announced(engine.snapshot().size);
        self.announced(*engine.follow().borrow());
        self.checkpoint(&ledger.follow().borrow().clone())?;
        self.checkpoint(&ledger.checkpoint())?;
        let next = self.leaves.last_key_value().map_or(0, |(position, _)| position + 1);
        self.read(machine, ledger, next, 64)?;
        // And one that was read before: somewhere, depending on how much there is.
        self.read(machine, ledger, (next * 7 / 11).saturating_sub(1), 1)
    }

    fn read(&mut self, machine: &Machine, ledger: &SimLedger, from: u64, limit: usize) -> Result<(), String> {
        let before = machine.counts();
        let page = now(ledger.read(Position(from), limit));
        match page {
            Ok(page) => page.iter().try_for_each(|record| self.record(record)),
            Err(error) => excused(&error, machine, before),
        }
    }

    fn announced(&mut self, size: u64) {
        self.size = self.size.max(size);
    }

    /// Remembers a record, or holds it against what was there before.
    pub(crate) fn record(&mut self, record: &StoredRecord) -> Result<(), String> {
        let position = record.position.0;
        let hash = leaf_hash(&record.leaf);
        if record.disclosure == Disclosure::Unreadable {
            return Err(format!("what lies beside position {position} cannot be opened"));
        }
        if *self.leaves.entry(position).or_insert(hash) != hash {
            return Err(format!("position {position} held another leaf before"));
        }
        self.announced(position + 1);
        Ok(())
    }

    /// Remembers a checkpoint that was handed out.
    pub(crate) fn checkpoint(&mut self, signed: &SignedCheckpoint) -> Result<(), String> {
        let size = signed.checkpoint().size;
        if size < self.newest {
            return Err(format!("a checkpoint of size {size} after one of {}", self.newest));
        }
        self.newest = size;
        self.announced(size);
        let known = self.checkpoints.entry(size).or_insert_with(|| signed.clone());
        if known.checkpoint().root != signed.checkpoint().root {
            return Err(format!("two roots at size {size}"));
        }
        Ok(())
    }

    /// Holds the whole memory against the log as it is now.
    pub(crate) fn check(&self, log: &[StoredRecord], ledger: &SimLedger, trusted: &TrustedKeys) -> Result<(), String> {
        self.violation()?;
        if (log.len() as u64) < self.size {
            return Err(format!("{} records were seen and {} are there", self.size, log.len()));
        }
        for (position, hash) in &self.leaves {
            if log[*position as usize].leaf_hash != *hash {
                return Err(format!("position {position} is not what a reader saw"));
            }
        }
        let now = ledger.checkpoint();
        let now = now.checkpoint();
        for (size, signed) in self.checkpoints.iter().filter(|(size, _)| **size > 0) {
            let proof = ledger.prove_consistency(*size, now.size).map_err(|error| error.to_string())?;
            if !check_consistency(&proof, *size, signed.checkpoint().root, now.size, now.root) {
                return Err(format!("the log is not consistent with its checkpoint of size {size}"));
            }
        }
        // A signature costs more than the rest: the newest stands for all.
        let newest = self.checkpoints.values().next_back();
        newest.map_or(Ok(()), |signed| trusted.verify(signed.note().as_bytes()).map(drop).map_err(|error| error.to_string()))
    }
}

/// A read may fail only when a fault was met on the way.
pub(crate) fn excused(error: &ReadError, machine: &Machine, before: Counts) -> Result<(), String> {
    let after = machine.counts();
    let excused = match error {
        ReadError::Damaged { .. } => after.flipped_bits > before.flipped_bits,
        ReadError::Io { .. } => after.failed_reads > before.failed_reads,
    };
    if excused || machine.is_down() { Ok(()) } else { Err(format!("a read failed for no reason: {error}")) }
}
