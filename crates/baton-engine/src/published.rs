//! What readers see: the durable state, its size, and whether writing works.
//!
//! Written by the writer alone. Order: first the state, then its size, so that whoever sees
//! a size finds a state that reaches it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use baton_domain::state::State;
use baton_domain::values::Position;
use tokio::sync::watch;

/// Whether requests can be recorded now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Writes {
    /// They can, as far as is known.
    Open,
    /// A write failed; nothing is recorded until the writer has opened the ledger again, which it keeps
    /// trying. Says what failed.
    Poisoned(String),
    /// The disk is full; writing resumes by itself when there is space.
    Full,
    /// The engine is shut down.
    Closed,
}

pub(crate) struct Published {
    state: ArcSwap<State>,
    size: watch::Sender<u64>,
    writes: watch::Sender<Writes>,
}

impl Published {
    pub(crate) fn new(state: State) -> Self {
        Self {
            size: watch::Sender::new(state.size),
            writes: watch::Sender::new(Writes::Open),
            state: ArcSwap::from_pointee(state),
        }
    }

    pub(crate) fn state(&self) -> Arc<State> {
        self.state.load_full()
    }

    /// Makes a durable state the one that readers see.
    pub(crate) fn publish(&self, state: Arc<State>) {
        let size = state.size;
        self.state.store(state);
        self.size.send_replace(size);
    }

    pub(crate) fn say(&self, writes: Writes) {
        self.writes.send_if_modified(|before| {
            let changed = *before != writes;
            *before = writes;
            changed
        });
    }

    /// As [`say`](Published::say), but what failed first stays the reason for what follows from it.
    pub(crate) fn say_still(&self, writes: Writes) {
        let follows = matches!((&*self.writes.borrow(), &writes), (Writes::Poisoned(_), Writes::Poisoned(_)));
        if !follows {
            self.say(writes);
        }
    }

    pub(crate) fn sizes(&self) -> watch::Receiver<u64> {
        self.size.subscribe()
    }

    pub(crate) fn writes(&self) -> watch::Receiver<Writes> {
        self.writes.subscribe()
    }
}

/// The newest position of a state, if it holds any event.
pub(crate) fn newest(state: &State) -> Option<Position> {
    state.size.checked_sub(1).map(Position)
}
