//! Rest: what nobody asks for is packed, so that memory does not grow with every event for ever.

mod held;
mod packed;
mod pieces;

pub use held::{Held, Rests};

use crate::event::Command;
use crate::state::State;
use crate::values::StreamId;
use crate::world::World;
use std::sync::Arc;

impl State {
    /// Opens what deciding on a command takes, and folding in what comes of it: for a thread that nobody waits for,
    /// before one comes to it that everybody waits for.
    pub fn open_for(&self, command: &Command) {
        match &command.stream {
            StreamId::Transition(id) => drop(self.transition(id)),
            StreamId::Proposal(id) => drop(self.proposal(id)),
            stream if World::takes_story(stream, command.statement.event.event_type()) => drop(self.world.story(stream)),
            _ => {}
        }
    }

    /// Packs what was not asked for since the last rest: of transitions until those left open have at most `keep_open`
    /// events, of stories and proposals all, because hardly anybody reads them; and `at_most` events in all. Whatever
    /// is read of any of them stays the same; the next to ask for one opens it. Takes a moment for each of them, and 2 to
    /// 3 microseconds for each event that is packed: not for a thread that others wait for.
    pub fn rest(&self, keep_open: u64, at_most: u64) {
        let (mut idle, mut open) = (Vec::new(), 0);
        self.world.stories().for_each(|(_, held)| note(held, &mut idle, &mut 0));
        self.proposals.values().for_each(|held| note(held, &mut idle, &mut 0));
        let mut packed = 0;
        for held in idle.drain(..) {
            if packed >= at_most {
                return;
            }
            packed += held.pack();
        }
        self.transitions.values().for_each(|held| note(held, &mut idle, &mut open));
        for held in idle {
            if open <= keep_open || packed >= at_most {
                return;
            }
            open -= held.unpacked();
            packed += held.pack();
        }
    }
}

/// What may rest, whatever it is.
trait Idle {
    fn unpacked(&self) -> u64;
    fn pack(&self) -> u64;
}

impl<T: Rests> Idle for Held<T> {
    fn unpacked(&self) -> u64 {
        Held::unpacked(self)
    }

    fn pack(&self) -> u64 {
        Held::pack(self)
    }
}

/// Counts what is not packed of it, and lists it if nobody asks for it.
fn note<'s, T: Rests>(held: &'s Arc<Held<T>>, idle: &mut Vec<&'s dyn Idle>, open: &mut u64) {
    let unpacked = held.unpacked();
    *open += unpacked;
    if unpacked > 0 && !held.was_asked() {
        idle.push(&**held);
    }
}
