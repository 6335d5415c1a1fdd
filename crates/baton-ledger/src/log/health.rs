//! Whether the ledger still takes records, and if not, since what.
//!
//! The first failed write or sync poisons it for the life of the handle: what is on disk cannot be
//! told from memory any more, only by opening the store again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::AppendError;

/// Shared between the writer and the thread of the head file.
#[derive(Clone, Default)]
pub(crate) struct Health(Arc<Mutex<Option<String>>>);

impl Health {
    pub(crate) fn check(&self) -> Result<(), AppendError> {
        match self.why() {
            Some(why) => Err(AppendError::Poisoned { why }),
            None => Ok(()),
        }
    }

    pub(crate) fn why(&self) -> Option<String> {
        self.slot().clone()
    }

    /// Only the first reason is kept; the later ones follow from it.
    pub(crate) fn poison(&self, why: String) {
        let mut slot = self.slot();
        if slot.is_none() {
            tracing::error!(why, "the ledger takes no more records until it is opened again");
            *slot = Some(why);
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
