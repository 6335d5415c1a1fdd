//! Truth: corrections, voids, conflicts, added evidence, migration, legal holds. Nothing is overwritten.

use super::Draft;
use crate::event::{
    Command, Event, LegalHoldLifted, LegalHoldPlaced, Placed, RouteMigrated, StatementCorrected, StatementVoided,
};
use crate::holds;
use crate::story::{Story, corrected};
use crate::transition::rules::{self, records_officer_or_administrator};
use crate::unmet::Unmet;
use crate::values::{Revision, StreamId};
use std::collections::BTreeSet;

impl Draft<'_> {
    pub(super) fn take_truth(&mut self, command: &Command) -> Vec<Unmet> {
        let Some(story) = self.state.story(&command.stream) else {
            return vec![Unmet::hard("TARGET_MISMATCH", "", format!("nothing is recorded in {}", command.stream))];
        };
        let st = &command.statement;
        let mut unmet: Vec<Unmet> = rules::future(st, self.today()).into_iter().collect();
        unmet.extend(rules::evidence(st, command.late));
        if !records_officer_or_administrator(&self.state.world, &self.request.person, self.today()) {
            unmet.push(Unmet::hard(
                "NOT_PERMITTED",
                "",
                format!("{} is neither a records officer nor an administrator today", self.request.person),
            ));
        }
        let mut event = st.event.clone();
        unmet.extend(match &mut event {
            Event::StatementCorrected(e) => {
                keep_frozen(&story, e);
                correction(&story, e)
            }
            Event::StatementVoided(e) => void(&story, e),
            Event::ConflictFlagged(e) => flagged(&story, e),
            Event::ConflictSettled(e) => settled(&story, e),
            Event::EvidenceAttached(e) => {
                let mut unmet: Vec<Unmet> = e.about.and_then(|target| exists(&story, target)).into_iter().collect();
                if st.evidence.is_empty() {
                    unmet.push(Unmet::hard("NO_EVIDENCE", "I47", "attached evidence names a document"));
                }
                unmet
            }
            Event::RouteMigrated(e) => self.migration(&command.stream, e),
            Event::LegalHoldPlaced(e) => hold_placed(&story, e),
            Event::LegalHoldLifted(e) => hold_lifted(&story, e),
            _ => Vec::new(),
        });
        self.settle(command, unmet, event, None)
    }

    /// The version to which a transition moves must be published, and no decision taken may become impossible.
    fn migration(&self, stream: &StreamId, e: &mut RouteMigrated) -> Vec<Unmet> {
        let Some(transition) = stream.transition().and_then(|id| self.state.transition(id)) else { return Vec::new() };
        let Some(registration) = transition.registration() else { return Vec::new() };
        let Some(published) = self.state.world.route(&registration.pin.id, &e.to_version) else {
            return vec![Unmet::hard("UNKNOWN_ROUTE", "", format!("version {} is not published", e.to_version))];
        };
        e.to_sha256 = Some(published.sha256.clone());
        let mut unmet = Vec::new();
        if e.reason.is_none() {
            unmet.push(Unmet::hard("REASON_REQUIRED", "", "a migration needs a reason"));
        }
        for entry in transition.story.in_force() {
            if let Event::GateDecided(g) = &entry.statement().event {
                let kept = g.outcome.is_unknown()
                    || published.route.gate(&g.subject).is_some_and(|gate| gate.outcome(&g.outcome).is_some());
                if !kept {
                    unmet.push(Unmet::hard(
                        "DECISION_LOST",
                        "",
                        format!(
                            "version {} has no outcome {} of gate {}, decided at revision {}",
                            e.to_version,
                            g.outcome,
                            g.subject,
                            entry.revision()
                        ),
                    ));
                }
            }
        }
        unmet
    }
}

fn exists(story: &Story, target: Revision) -> Option<Unmet> {
    story
        .entry(target)
        .is_none()
        .then(|| Unmet::hard("TARGET_MISMATCH", "I46", format!("revision {target} is no statement of this stream")))
}

fn correction(story: &Story, e: &StatementCorrected) -> Vec<Unmet> {
    let Some(entry) = story.entry(e.target) else { return exists(story, e.target).into_iter().collect() };
    let mut unmet = Vec::new();
    if entry.value_revision() != e.was {
        unmet.push(Unmet::hard(
            "TARGET_MISMATCH",
            "I46",
            format!("the value in force is that of revision {}, not {}; read it again", entry.value_revision(), e.was),
        ));
    }
    if !entry.in_force() {
        unmet.push(Unmet::hard("TARGET_MISMATCH", "I46", format!("revision {} is voided", e.target)));
    }
    if e.to.event.as_ref().is_some_and(|event| event.event_type() != entry.statement().event.event_type()) {
        unmet.push(Unmet::hard(
            "TARGET_MISMATCH",
            "I46",
            format!(
                "revision {} is a {} and stays one; void it and record another",
                e.target,
                entry.statement().event.event_type()
            ),
        ));
    }
    let same = corrected(entry.statement(), &e.to) == *entry.statement() && e.to.place.is_none();
    if same {
        unmet.push(Unmet::hard("NOTHING_CORRECTED", "I46", "the correction changes nothing"));
    }
    if let Some(placed) = e.to.place {
        let is_first = story.entries().next().is_some_and(|first| first.revision() == e.target);
        if is_first || placed == Placed::After(e.target) || story.index_of(placed).is_none_or(|index| index == 0) {
            unmet.push(Unmet::hard(
                "TARGET_MISMATCH",
                "I46",
                "that place is not in this stream, or the statement can not move there",
            ));
        }
    }
    if matches!(entry.statement().event, Event::TransitionRegistered(_)) && e.to.event.is_some() {
        unmet.push(Unmet::hard(
            "TARGET_MISMATCH",
            "I46",
            "what a registration says of sender and route can not be corrected: void it and register again in another wave",
        ));
    }
    unmet.extend(reason(e.reason.is_some()));
    unmet
}

/// What the engine filled in when the statement was recorded is frozen: a correction does not reach it.
fn keep_frozen(story: &Story, e: &mut StatementCorrected) {
    let Some(entry) = story.entry(e.target) else { return };
    match (&entry.statement().event, e.to.event.as_deref_mut()) {
        (Event::GateDecided(was), Some(Event::GateDecided(to))) => to.basis.clone_from(&was.basis),
        (Event::RoundOpened(was), Some(Event::RoundOpened(to))) => to.set_aside.clone_from(&was.set_aside),
        (Event::DecisionPackFrozen(was), Some(Event::DecisionPackFrozen(to))) => to.as_of = was.as_of,
        _ => {}
    }
}

fn void(story: &Story, e: &StatementVoided) -> Vec<Unmet> {
    let mut unmet: Vec<Unmet> = exists(story, e.target).into_iter().collect();
    if story.entry(e.target).is_some_and(|entry| !entry.in_force()) {
        unmet.push(Unmet::hard("TARGET_MISMATCH", "I46", format!("revision {} is voided already", e.target)));
    }
    unmet.extend(reason(e.reason.is_some()));
    unmet
}

fn reason(given: bool) -> Option<Unmet> {
    (!given).then(|| Unmet::hard("REASON_REQUIRED", "I46", "it needs a reason"))
}

fn flagged(story: &Story, e: &crate::event::ConflictFlagged) -> Vec<Unmet> {
    let mut unmet: Vec<Unmet> = e.statements.iter().filter_map(|target| exists(story, *target)).collect();
    if flags(story).contains(&e.conflict) {
        unmet.push(Unmet::hard("ALREADY_RAISED", "", format!("conflict {} is flagged here already", e.conflict)));
    }
    unmet
}

fn settled(story: &Story, e: &crate::event::ConflictSettled) -> Vec<Unmet> {
    let known = flags(story).contains(&e.conflict);
    if known {
        Vec::new()
    } else {
        vec![Unmet::hard("TARGET_MISMATCH", "", format!("conflict {} is not flagged here", e.conflict))]
    }
}

fn flags(story: &Story) -> BTreeSet<crate::values::ConflictId> {
    story
        .truth()
        .filter_map(|r| match &r.statement.event {
            Event::ConflictFlagged(c) => Some(c.conflict.clone()),
            _ => None,
        })
        .collect()
}

fn hold_placed(story: &Story, e: &LegalHoldPlaced) -> Vec<Unmet> {
    let mut unmet: Vec<Unmet> = reason(e.reason.is_some()).into_iter().collect();
    if holds::in_force(story).contains(&e.hold) {
        unmet.push(Unmet::hard("ALREADY_HELD", "", format!("hold {} applies here already", e.hold)));
    }
    unmet
}

fn hold_lifted(story: &Story, e: &LegalHoldLifted) -> Vec<Unmet> {
    let mut unmet: Vec<Unmet> = reason(e.reason.is_some()).into_iter().collect();
    if !holds::in_force(story).contains(&e.hold) {
        unmet.push(Unmet::hard("TARGET_MISMATCH", "", format!("no hold {} applies here", e.hold)));
    }
    unmet
}
