//! Legal holds: while one applies to a stream, reasons for its decisions are withheld, never erased.
//!
//! A hold is about a stream as a whole. It is not a statement, so it is lifted and never voided.

use crate::event::{Event, EventType, Recorded};
use crate::proposal::Head;
use crate::state::State;
use crate::story::Story;
use crate::values::{HoldId, Revision, StreamId};
use std::collections::BTreeSet;

/// Whether the words of this event give the reasons for a decision, or are the record of one.
pub fn gives_reasons(kind: EventType) -> bool {
    use EventType as T;
    matches!(
        kind,
        T::GateDecided
            | T::ItemMinuted
            | T::DecisionPackFrozen
            | T::RoundOpened
            | T::ExpressionOfInterestWithdrawn
            | T::TerminationNoticeServed
            | T::DelegationEnded
    )
}

/// The holds that apply to a stream, in the order of ids.
pub fn in_force(story: &Story) -> BTreeSet<HoldId> {
    let mut holds = BTreeSet::new();
    for recorded in story.truth() {
        match &recorded.statement.event {
            Event::LegalHoldPlaced(e) => {
                holds.insert(e.hold.clone());
            }
            Event::LegalHoldLifted(e) => {
                holds.remove(&e.hold);
            }
            _ => {}
        }
    }
    holds
}

/// The holds that keep the words of this event from being erased: it gives reasons for a decision, is
/// about a statement that does, or proposed such an event and was not approved. What an approved
/// proposal held stands in the events recorded by it as well, and is protected there.
pub(crate) fn protecting(state: &State, recorded: &Recorded) -> BTreeSet<HoldId> {
    match (&recorded.statement.event, &recorded.stream) {
        (Event::Proposed(e), StreamId::Proposal(id)) => {
            let approved = state.proposals.get(id).is_some_and(|held| matches!(held.head(), Head::Approved));
            let proposed = e.commands.iter().filter(|_| !approved);
            proposed.flat_map(|c| on(state, &c.stream, &c.statement.event)).collect()
        }
        (event, stream) => on(state, stream, event),
    }
}

fn on(state: &State, stream: &StreamId, event: &Event) -> BTreeSet<HoldId> {
    let Some(story) = state.story(stream) else { return BTreeSet::new() };
    let decides = |target: Revision| story.entry(target).is_some_and(|e| gives_reasons(e.statement().event.event_type()));
    let protected = match event {
        Event::StatementCorrected(e) => decides(e.target),
        Event::StatementVoided(e) => decides(e.target),
        Event::EvidenceAttached(e) => e.about.is_some_and(decides),
        event => gives_reasons(event.event_type()),
    };
    if protected { in_force(&story) } else { BTreeSet::new() }
}
