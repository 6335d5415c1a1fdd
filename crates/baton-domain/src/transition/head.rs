//! A transition as the state holds it, with what is often asked of many.

use super::{Registration, Transition};
use crate::event::Recorded;
use crate::rest::{Held, Rests};
use crate::values::{Revision, TransitionId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is known of a transition without opening it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Head {
    id: TransitionId,
    revision: Revision,
    registration: Option<Arc<Registration>>,
}

impl Rests for Transition {
    type Head = Head;

    fn head(&self) -> Head {
        Head { id: self.id.clone(), revision: self.revision, registration: self.registration.clone() }
    }

    fn events(&self) -> u64 {
        self.revision.0
    }

    fn fold(&mut self, recorded: &Arc<Recorded>) {
        self.evolve(recorded);
    }

    /// Each has another revision; and whoever decides on a transition reads it, so it is open.
    fn may_wait(_: &Recorded) -> bool {
        false
    }
}

impl Held<Transition> {
    /// Its id.
    pub fn id(&self) -> &TransitionId {
        &self.head().id
    }

    /// Newest revision of its stream: how many events it has.
    pub fn revision(&self) -> Revision {
        self.head().revision
    }

    /// What the registration says; `None` only when the stream does not begin with one.
    pub fn registration(&self) -> Option<&Registration> {
        self.head().registration.as_deref()
    }
}
