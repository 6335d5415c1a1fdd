//! A state at rest in pieces, one for each stream that can rest: so it is written and read without opening any.
//!
//! A piece is the name of its stream, the end of a line, and what is held of it. Everything else of a state is what its
//! serde form holds.

use super::Held;
use crate::state::State;
use crate::values::StreamId;
use std::sync::Arc;

impl State {
    /// All that can rest, in the order of ids. What is open is packed for that, and stays open.
    pub fn pieces(&self) -> impl Iterator<Item = Vec<u8>> {
        let transitions = self.transitions.iter().map(|(id, held)| piece(&StreamId::Transition(id.clone()), held.to_bytes()));
        let proposals = self.proposals.iter().map(|(id, held)| piece(&StreamId::Proposal(id.clone()), held.to_bytes()));
        transitions.chain(proposals).chain(self.world.stories().map(|(stream, held)| piece(stream, held.to_bytes())))
    }

    /// Takes in a piece that this very program wrote; says `false`, and takes nothing in, where it is none.
    pub fn take_piece(&mut self, piece: &[u8]) -> bool {
        self.try_take_piece(piece).is_some()
    }

    fn try_take_piece(&mut self, piece: &[u8]) -> Option<()> {
        let end = piece.iter().position(|byte| *byte == b'\n')?;
        let stream: StreamId = std::str::from_utf8(&piece[..end]).ok()?.parse().ok()?;
        let held = &piece[end + 1..];
        match stream {
            StreamId::Transition(id) => drop(self.transitions.insert(id, Arc::new(Held::from_bytes(held)?))),
            StreamId::Proposal(id) => drop(self.proposals.insert(id, Arc::new(Held::from_bytes(held)?))),
            other => self.world.hold(other, Arc::new(Held::from_bytes(held)?)),
        }
        Some(())
    }
}

fn piece(stream: &StreamId, held: Vec<u8>) -> Vec<u8> {
    [stream.to_string().as_bytes(), b"\n", &held].concat()
}
