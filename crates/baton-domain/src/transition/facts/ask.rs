//! What may be asked of facts: whether an atom holds, and on what it rests.

use super::{Facts, HandoverState, Obligation, Question, Signature, Support};
use crate::route::{Atom, ChecklistId, ChecklistState, QuestionId, Route, SubjectId};
use crate::values::{Day, FuzzyDate, PersonId};
use std::collections::BTreeSet;

impl Facts {
    /// The statements on which an atom rests, or `None` when it does not hold.
    pub fn holds(&self, atom: &Atom, route: &Route) -> Option<Vec<Support>> {
        match atom {
            Atom::Registered => self.registered.map(|by| vec![by]),
            Atom::Done(item) => self.items.get(item).map(|done| vec![done.by]),
            Atom::Verified(item) => self.items.get(item).and_then(|done| done.verified).map(|by| vec![by]),
            Atom::Decided { gate, outcomes } => {
                self.gates.get(gate).filter(|d| outcomes.contains(&d.outcome)).map(|d| vec![d.by])
            }
            Atom::ObligationsClear(subject) => {
                let of: Vec<_> = self.obligations.values().filter(|o| o.about == subject.as_str()).collect();
                of.iter().all(|o| o.discharged.is_some()).then(|| of.iter().filter_map(|o| o.discharged).collect())
            }
            Atom::Checklist { checklist, state } => self.checklist(checklist, *state, route),
            Atom::HandoverClear => {
                let clear = self.handover.values().all(|h| matches!(h.state, HandoverState::Accepted(_)));
                clear.then(|| self.handover.values().map(|h| h.by).collect())
            }
            Atom::Field { item, field, values } => self.items.get(item).and_then(|done| {
                let value = done.fields.get(field.as_str())?;
                values.iter().any(|v| v.as_str() == *value).then(|| vec![done.by])
            }),
            Atom::FactRecorded(kind) => self.recorded.get(kind).and_then(|all| all.last()).map(|by| vec![*by]),
        }
    }

    /// The obligations that an answer to a question raised, as `CHECKLIST:QUESTION`.
    pub fn prospect(&self, checklist: &ChecklistId, question: &QuestionId) -> Option<&Obligation> {
        let about = format!("{checklist}:{question}");
        self.obligations.values().find(|o| o.about == about && o.agreed)
    }

    /// The persons who did, decided or signed this subject.
    pub fn persons_of(&self, subject: &SubjectId) -> BTreeSet<PersonId> {
        let did = self.items.get(subject).into_iter().flat_map(|done| &done.persons);
        let decided = self.gates.get(subject).into_iter().flat_map(|decision| &decision.persons);
        let signed = self.signatures.get(subject).into_iter().flatten().flat_map(|s| &s.persons);
        did.chain(decided).chain(signed).cloned().collect()
    }

    /// When what an atom asks for happened, for the atoms that one act makes hold.
    pub fn dated(&self, atom: &Atom) -> Option<&FuzzyDate> {
        match atom {
            Atom::Done(item) | Atom::Field { item, .. } => self.items.get(item).map(|done| &done.occurred),
            Atom::Decided { gate, .. } => self.gates.get(gate).map(|decision| &decision.occurred),
            _ => None,
        }
    }

    /// The signatures under the version of an agreement that both parties signed last.
    pub fn in_force(&self, agreement: &SubjectId) -> Vec<&Signature> {
        let all = self.signatures.get(agreement).map(Vec::as_slice).unwrap_or_default();
        let of = |version: &str| all.iter().filter(|s| s.version == version).collect::<Vec<_>>();
        let by_both = |signed: &Vec<&Signature>| signed.iter().any(|s| s.party != signed[0].party);
        all.iter().rev().map(|s| of(&s.version)).find(by_both).unwrap_or_default()
    }

    /// The first day of the receiver's responsibility, when it is one day.
    pub fn live_day(&self) -> Option<Day> {
        self.live_on.as_ref().filter(|d| d.is_day()).and_then(FuzzyDate::earliest)
    }

    fn checklist(&self, id: &ChecklistId, state: ChecklistState, route: &Route) -> Option<Vec<Support>> {
        let mut supports = Vec::new();
        for question in &route.checklist(id)?.questions {
            let given = self.questions.get(&(id.clone(), question.id.clone()));
            let latest = given.and_then(Question::latest);
            match state {
                ChecklistState::Complete => supports.push(latest?.1.by),
                ChecklistState::Corroborated => supports.push(given.and_then(Question::corroboration)?.2),
                ChecklistState::Resolved => {
                    let (_, answer) = latest?;
                    if answer.answer != question.compliant {
                        supports.push(self.prospect(id, &question.id)?.raised);
                    }
                }
            }
        }
        Some(supports)
    }
}
