//! What may be erased: events with words, with every copy of those words, and no reasons under a legal hold.
//!
//! Words are copied in two ways only: a proposal holds those of the events recorded by its approval, and
//! a correction brings those of its statement anew. Whoever names an event names its copies too, so that
//! two persons have seen everything that goes. Nothing here reads what the words say; words that somebody
//! wrote twice are the business of those who authorise.

use super::Draft;
use crate::event::{Command, ErasedRecord, ErasureAuthorised, Event, EventType, Nature, Recorded, holds_words, sealed_fields};
use crate::holds;
use crate::proposal::Ended;
use crate::state::State;
use crate::unmet::Unmet;
use crate::values::{HoldId, Position, ProposalId, Revision, StreamId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// At most this many positions are listed in a refusal or warning.
const LISTED: usize = 100;

impl Draft<'_> {
    /// What an erasure takes, in the order of positions, or every rule in its way.
    pub(super) fn erasure(&self, e: &ErasureAuthorised) -> Result<Vec<ErasedRecord>, Vec<Unmet>> {
        let named: BTreeSet<Position> = e.positions.iter().copied().collect();
        if named.is_empty() {
            return Err(vec![Unmet::hard("NOTHING_TO_ERASE", "", "an erasure names at least one position")]);
        }
        let found = self.state.at_positions(&named);
        let mut unmet: Vec<Unmet> = named.iter().filter_map(|p| self.barred(*p, found.get(p))).collect();
        let missing = missing(self.state, &found);
        if !missing.is_empty() {
            unmet.push(Unmet::hard(
                "ERASURE_INCOMPLETE",
                "",
                format!("the same words stand at positions {} as well: name these too", listed(&missing)),
            ));
        }
        if unmet.is_empty() { Ok(found.values().map(|recorded| record(recorded)).collect()) } else { Err(unmet) }
    }

    /// Why the words at one position may not be erased.
    fn barred(&self, position: Position, found: Option<&Arc<Recorded>>) -> Option<Unmet> {
        let hard = |code: &str, what: String| Some(Unmet::hard(code, "", what));
        if position.0 >= self.state.size {
            return hard("UNKNOWN_POSITION", format!("there is no event at position {position} yet"));
        }
        if let Some(by) = self.state.erased.get(&position) {
            return hard("ALREADY_ERASED", format!("the words at position {position} were erased by event {by}"));
        }
        let Some(recorded) = found.filter(|recorded| holds_words(recorded.as_ref())) else {
            return hard("NOTHING_TO_ERASE", format!("the event at position {position} holds no words"));
        };
        if erases(&recorded.statement.event) {
            let what = format!("the words at position {position} say why others are gone, and stay");
            return hard("ERASURE_EXPLAINS", what);
        }
        let open = |id: &ProposalId| self.state.proposals.get(id).is_some_and(|held| held.head().waits());
        if let (Event::Proposed(_), StreamId::Proposal(id)) = (&recorded.statement.event, &recorded.stream)
            && open(id)
        {
            return hard("PROPOSAL_OPEN", format!("proposal {id} at position {position} is open: approve or decline it first"));
        }
        let holds = holds::protecting(self.state, recorded);
        if !holds.is_empty() {
            let holds: Vec<&str> = holds.iter().map(HoldId::as_str).collect();
            let what = format!(
                "the words at position {position} give reasons for a decision under legal hold {}: they may be withheld, not erased",
                holds.join(", ")
            );
            return hard("ERASURE_UNDER_HOLD", what);
        }
        None
    }

    /// Where the same words may stand once more, as far as can be told without reading them: other events
    /// of the same act, and other proposals of the same event in the same stream.
    pub(super) fn elsewhere(&self, records: &[ErasedRecord]) -> Option<String> {
        let gone: BTreeSet<Position> = records.iter().map(|r| r.position).collect();
        let erased: Vec<_> = records.iter().filter_map(|record| self.state.named(record)).collect();
        let acts: BTreeSet<_> = erased.iter().filter_map(|r| r.statement.act.as_ref()).collect();
        let of = |c: &Command, r: &Recorded| {
            c.stream == r.stream && c.statement.event.event_type() == r.statement.event.event_type() && holds_words(c)
        };
        let alike = |r: &Recorded| match &r.statement.event {
            Event::Proposed(p) => p.commands.iter().any(|c| erased.iter().any(|e| of(c, e))),
            _ => r.statement.act.as_ref().is_some_and(|act| acts.contains(act)),
        };
        let left = |r: &Arc<Recorded>| !gone.contains(&r.position) && !self.state.erased.contains_key(&r.position);
        let is_found = |r: &Arc<Recorded>| left(r) && alike(r) && holds_words(r.as_ref());
        let found: BTreeSet<Position> = match acts.is_empty() {
            true => self.state.proposed().filter(is_found).map(|r| r.position).collect(),
            false => self.state.worded().filter(is_found).map(|r| r.position).collect(),
        };
        (!found.is_empty()).then(|| {
            format!("positions {} are of the same act or propose the same: see whether they hold the same words", listed(&found))
        })
    }
}

/// Whether this erases, or proposes to.
fn erases(event: &Event) -> bool {
    match event {
        Event::ErasureAuthorised(_) => true,
        Event::Proposed(e) => e.commands.iter().any(|c| c.statement.event.event_type() == EventType::ErasureAuthorised),
        _ => false,
    }
}

fn record(recorded: &Recorded) -> ErasedRecord {
    let mut fields = sealed_fields(recorded);
    fields.sort();
    ErasedRecord { position: recorded.position, stream: recorded.stream.clone(), revision: recorded.revision, fields }
}

/// Positions with copies of the words found that are neither named nor erased.
fn missing(state: &State, found: &BTreeMap<Position, Arc<Recorded>>) -> BTreeSet<Position> {
    let mut reached: BTreeMap<Position, Arc<Recorded>> = found.clone();
    let mut next: Vec<Arc<Recorded>> = found.values().map(Arc::clone).collect();
    while let Some(recorded) = next.pop() {
        for copy in copies(state, &recorded) {
            if !state.erased.contains_key(&copy.position) && !reached.contains_key(&copy.position) {
                reached.insert(copy.position, Arc::clone(&copy));
                next.push(copy);
            }
        }
    }
    let mut positions: BTreeSet<Position> = reached.into_keys().collect();
    let originals: Vec<_> = found.values().filter_map(|recorded| originals(state, recorded)).collect();
    for recorded in originals {
        // A proposal goes with any one of its events: erased alone, all that it proposed would still be read.
        if !recorded.iter().any(|p| positions.contains(p) || state.erased.contains_key(p)) {
            positions.extend(recorded);
        }
    }
    positions.retain(|p| !found.contains_key(p));
    positions
}

/// The events that hold the words of this one once more.
fn copies(state: &State, recorded: &Recorded) -> Vec<Arc<Recorded>> {
    if !holds_words(recorded) {
        return Vec::new();
    }
    let proposal = recorded.approval.as_ref().and_then(|id| state.proposal(id)).map(|p| Arc::clone(&p.proposed));
    let mut copies: Vec<_> = proposal.into_iter().collect();
    match &recorded.statement.event {
        Event::StatementCorrected(e) if holds_words(&e.to) => copies.extend(versions(state, recorded, e.target)),
        event if event.event_type().nature() == Nature::Statement => copies.extend(versions(state, recorded, recorded.revision)),
        _ => {}
    }
    copies
}

/// A statement and its corrections, as far as they bring words.
fn versions(state: &State, recorded: &Recorded, target: Revision) -> Vec<Arc<Recorded>> {
    let Some(story) = state.story(&recorded.stream) else { return Vec::new() };
    let Some(entry) = story.entry(target) else { return Vec::new() };
    let corrects = |r: &&Arc<Recorded>| match &r.statement.event {
        Event::StatementCorrected(c) => c.target == target && holds_words(&c.to),
        _ => false,
    };
    let all = std::iter::once(&entry.recorded).filter(|r| holds_words(r.as_ref())).chain(story.truth().filter(corrects));
    all.cloned().collect()
}

/// For an approved proposal that proposed words: the positions of the events with these words. They were
/// recorded one for each command, directly after the approval.
fn originals(state: &State, recorded: &Recorded) -> Option<Vec<Position>> {
    let (Event::Proposed(e), StreamId::Proposal(id)) = (&recorded.statement.event, &recorded.stream) else {
        return None;
    };
    let proposal = state.proposal(id)?;
    let Some(Ended::Approved(approved)) = &proposal.ended else { return None };
    let with_words = e.commands.iter().zip(approved.position.0 + 1..).filter(|(c, _)| holds_words(*c));
    let positions: Vec<Position> = with_words.map(|(_, position)| Position(position)).collect();
    (!positions.is_empty()).then_some(positions)
}

fn listed(positions: &BTreeSet<Position>) -> String {
    let mut listed: Vec<String> = positions.iter().take(LISTED).map(ToString::to_string).collect();
    if positions.len() > LISTED {
        listed.push(format!("… {} more", positions.len() - LISTED));
    }
    listed.join(", ")
}
