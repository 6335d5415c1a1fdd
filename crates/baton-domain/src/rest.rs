//! Rest: transitions that nobody asks for are packed, so that memory does not grow with every event for ever.

use crate::state::State;
use crate::transition::Held;
use std::sync::Arc;

impl State {
    /// Packs transitions that were not asked for since the last rest, until those left open have at most `keep_open`
    /// events, or `at_most` are packed. Whatever is read of any of them stays the same; the next to ask for one opens
    /// it. Takes a moment for each transition, and 2 to 3 microseconds for each event that is packed: not for a
    /// thread that others wait for.
    pub fn rest(&self, keep_open: u64, at_most: u64) {
        let open = self.transitions.values().filter(|held| held.is_open());
        let (mut events, mut idle): (u64, Vec<&Arc<Held>>) = (0, Vec::new());
        for held in open {
            events += held.revision().0;
            if !held.was_asked() {
                idle.push(held);
            }
        }
        let target = keep_open.max(events.saturating_sub(at_most));
        for held in idle {
            if events <= target {
                break;
            }
            held.pack();
            events -= held.revision().0;
        }
    }
}
