//! Whether the ledger still takes records, and if not, since what.
//!
//! The first failed write or sync poisons it: what is on disk cannot be told from memory any more, only
//! by opening the store again (`reopen.rs`), and only that clears it. What failed is remembered, because
//! after a failed sync opening again is not enough: what the system then returns from its cache need not
//! be on the disk, so the store has to be written anew.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::slot::Slot;
use crate::error::AppendError;

/// What failed, mildest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Failed {
    /// A write, because the disk is full. What was synced before can be trusted.
    Full,
    /// A write. What was synced before can be trusted.
    Write,
    /// A sync. What is read back proves nothing about the disk.
    Sync,
}

/// A failure and its story.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    pub(crate) failed: Failed,
    pub(crate) why: String,
}

/// Shared between the writer and the thread of the head file.
#[derive(Clone, Default)]
pub(crate) struct Health {
    failure: Arc<Mutex<Option<Failure>>>,
    /// Where a failed sync is noted for the next start.
    slot: Option<Arc<Slot>>,
}

impl Health {
    /// Of a ledger on the store in this slot.
    pub(crate) fn of(slot: Arc<Slot>) -> Health {
        Health { failure: Arc::default(), slot: Some(slot) }
    }

    pub(crate) fn check(&self) -> Result<(), AppendError> {
        match self.failure() {
            None => Ok(()),
            Some(Failure { failed: Failed::Full, .. }) => Err(AppendError::Full { nothing_written: true }),
            Some(Failure { why, .. }) => Err(AppendError::Poisoned { why }),
        }
    }

    pub(crate) fn failure(&self) -> Option<Failure> {
        self.guard().clone()
    }

    /// The first failure is kept, and replaced only by a worse one; those of its kind follow from it.
    pub(crate) fn poison(&self, failed: Failed, why: String) {
        let mut failure = self.guard();
        if failure.as_ref().is_some_and(|before| before.failed >= failed) {
            return;
        }
        tracing::error!(why, ?failed, "the ledger takes no more records until it is opened again");
        *failure = Some(Failure { failed, why });
        drop(failure);
        if let (Failed::Sync, Some(slot)) = (failed, &self.slot) {
            slot.mark_doubtful();
        }
    }

    /// Takes records again, after everything was verified, unless something worse than `healed` came in
    /// meanwhile: then false, and that is to be healed.
    pub(crate) fn clear(&self, healed: &Failure) -> bool {
        let mut failure = self.guard();
        let same = failure.as_ref().is_none_or(|now| now.failed <= healed.failed);
        if same {
            *failure = None;
        }
        same
    }

    fn guard(&self) -> MutexGuard<'_, Option<Failure>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(health: &Health) -> Option<Failed> {
        health.failure().map(|failure| failure.failed)
    }

    #[test]
    fn a_worse_failure_takes_the_place_of_a_milder_one_and_never_the_other_way() {
        let health = Health::default();
        for (next, kept) in [
            (Failed::Full, Failed::Full),
            (Failed::Write, Failed::Write),
            (Failed::Full, Failed::Write),
            (Failed::Sync, Failed::Sync),
            (Failed::Write, Failed::Sync),
        ] {
            health.poison(next, format!("{next:?}"));
            assert_eq!(failed(&health), Some(kept));
        }
    }

    #[test]
    fn healing_a_failed_write_does_not_clear_a_failed_sync_that_came_meanwhile() {
        let health = Health::default();
        health.poison(Failed::Write, "a write".to_owned());
        let healed = Failure { failed: Failed::Write, why: "a write".to_owned() };
        health.poison(Failed::Sync, "a sync".to_owned());
        assert!(!health.clear(&healed));
        assert_eq!(failed(&health), Some(Failed::Sync));
        assert!(health.clear(&Failure { failed: Failed::Sync, why: String::new() }));
        assert!(health.check().is_ok());
    }
}
