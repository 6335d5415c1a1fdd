//! Taking statements in, one after the other.

use super::{
    Allocation, AnswerVersion, Completion, Decision, Facts, Finding, Handover, HandoverState, Obligation, Pair, Signature,
    Support,
};
use crate::event::{Event, EventType, RatedSubject, Rating, RatingKind, RoundOpened, Statement};
use crate::route::{ItemKind, ObligationKind, Route, SubjectId};
use crate::story::Entry;
use crate::values::{FuzzyDate, HandoverItemId, PersonId, Revision};
use std::collections::BTreeSet;

impl Facts {
    /// Takes the next statement of the story in.
    pub fn apply(&mut self, entry: &Entry, route: &Route) {
        self.gaps.extend(entry.recorded.gaps.iter().map(|gap| (entry.revision(), gap.clone())));
        self.read += 1;
        let statement = entry.statement();
        let by = Support { revision: entry.revision(), standing: statement.standing };
        let mark = Mark { by, nth: self.read, valued_by: entry.valued_by(), statement, person: acted(entry) };
        match &statement.event {
            Event::TransitionRegistered(_) => self.registered = Some(by),
            Event::RoundOpened(round) => self.reopen(round),
            Event::ExpressionOfInterestSubmitted(e) => {
                self.done(&e.subject, &mark, &[("right_to_withdraw", e.right_to_withdraw.as_str())]);
            }
            Event::ExpressionOfInterestEndorsed(e) => {
                let verb = route
                    .item(&e.subject)
                    .and_then(|i| i.kind.fields().iter().find(|(name, _)| *name == "verb"))
                    .and_then(|(_, values)| values.iter().find(|v| **v == e.verb.to_lowercase().replace([' ', '-'], "_")));
                self.done(
                    &e.subject,
                    &mark,
                    &[("verb", verb.copied().unwrap_or("")), ("retrospective", yes_no(e.retrospective))],
                );
            }
            Event::ExpressionOfInterestWithdrawn(e) => self.done(&e.subject, &mark, &[("reason_code", e.ground.as_str())]),
            Event::AssessmentSubmitted(e) => self.done(&e.subject, &mark, &[]),
            Event::DueDiligenceStageCompleted(e) => self.done(&e.subject, &mark, &[("qualified", yes_no(e.qualified))]),
            Event::ItemCompleted(e) => self.done(&e.subject, &mark, &[]),
            Event::ItemVerified(e) => self.verified(&e.subject, e.checked, by),
            Event::DecisionPackFrozen(e) => {
                self.done(&e.subject, &mark, &[]);
                if let Some(pack) = self.items.get_mut(&e.subject) {
                    pack.meeting.clone_from(&e.meeting);
                }
            }
            Event::AgreementSigned(e) => self.signed(&mark, e),
            Event::AgreementVaried(e) => {
                self.covered.extend(e.covers.iter().cloned());
                self.done(&e.subject, &mark, &[]);
            }
            Event::DelegationCommenced(e) => {
                self.live_on = Some(e.effective_on.map_or_else(|| statement.occurred.clone(), FuzzyDate::day));
                self.done(&e.subject, &mark, &[]);
            }
            Event::AssuranceRated(e) => {
                let whole = e.about == RatedSubject::WholeFunction && e.kind == RatingKind::Regional;
                if whole && e.rating != Rating::Unknown {
                    let fields = [("rating", e.rating.as_str()), ("kind", e.kind.as_str()), ("subject", e.about.as_str())];
                    self.done(&e.subject, &mark, &fields);
                }
            }
            Event::TerminationNoticeServed(e) => self.done(&e.subject, &mark, &[]),
            Event::DelegationEnded(e) => self.done(&e.subject, &mark, &[]),
            Event::TransferredByStatute(e) => self.done(&e.subject, &mark, &[]),
            Event::TransitionSucceeded(e) => {
                self.successors.insert(e.successor.clone());
                // A part that passes leaves the rest where it is.
                if e.part == crate::event::Part::Whole {
                    self.done(&e.subject, &mark, &[("part", e.part.as_str())]);
                }
            }
            Event::GateDecided(e) => self.decided(&mark, e),
            Event::ChecklistAnswered(e) => {
                let question = self.questions.entry((e.checklist.clone(), e.question.clone())).or_default();
                question.answers.push(AnswerVersion { by, nth: mark.nth, valued_by: mark.valued_by, answer: e.answer });
            }
            Event::ChecklistCorroborated(e) => {
                let question = self.questions.entry((e.checklist.clone(), e.question.clone())).or_default();
                question.checks.push((e.answer_version, e.answer, by));
            }
            Event::ObligationRaised(e) => {
                let obligation = Obligation {
                    kind: e.kind.clone(),
                    about: e.about.clone(),
                    text: e.text.clone(),
                    due: e.due.clone(),
                    agreed: e.receiver_agreed && e.sender_agreed,
                    raised: by,
                    discharged: None,
                    in_part: 0,
                };
                self.obligations.insert(e.obligation.clone(), obligation);
            }
            Event::ObligationChanged(e) => {
                if let Some(obligation) = self.obligations.get_mut(&e.obligation) {
                    obligation.due = Some(e.due.clone());
                }
            }
            Event::ObligationDischarged(e) => {
                if let Some(obligation) = self.obligations.get_mut(&e.obligation) {
                    if e.in_part {
                        obligation.in_part += 1;
                    } else {
                        obligation.discharged = Some(by);
                    }
                }
            }
            Event::FindingRaised(e) => {
                let finding = Finding {
                    subject: e.subject.clone(),
                    severity: e.severity,
                    raised: by,
                    persons: mark.persons(),
                    closed: None,
                };
                self.findings.insert(e.finding.clone(), finding);
            }
            Event::FindingClosed(e) => {
                if let Some(finding) = self.findings.get_mut(&e.finding) {
                    finding.closed = Some(by);
                }
            }
            Event::FunctionAllocated(e) => {
                let allocation = Allocation {
                    responsible: e.responsible,
                    performed_by: e.performed_by,
                    effective_on: e.effective_on.clone(),
                    reserved: e.reserved,
                    by,
                };
                self.functions.entry(e.function.clone()).or_default().push(allocation);
            }
            Event::SenderReceiverPaired(e) => {
                let pair =
                    Pair { area: e.area.clone(), sender: e.sender_person.clone(), receiver: e.receiver_person.clone(), by };
                self.pairs.insert(e.pair.clone(), pair);
            }
            Event::HandoverItemListed(e) => {
                let handover = Handover {
                    area: e.area.clone(),
                    kind: e.kind,
                    pair: e.pair.clone(),
                    title: e.title.clone(),
                    state: HandoverState::Listed,
                    open_points: false,
                    by,
                };
                self.handover.insert(e.item.clone(), handover);
            }
            Event::HandoverItemSent(e) => self.handed(&e.item, by, HandoverState::Sent(e.version.clone()), false),
            Event::HandoverItemAccepted(e) => {
                self.handed(&e.item, by, HandoverState::Accepted(e.version.clone()), e.open_points.is_some());
            }
            Event::HandoverItemReturned(e) => self.handed(&e.item, by, HandoverState::Returned(e.version.clone()), false),
            Event::FactRecorded(e) => self.recorded.entry(e.kind.clone()).or_default().push(by),
            Event::InterestDeclared(e) => {
                use crate::event::InterestAction as A;
                if matches!(e.action, A::LeftRoom | A::Excluded) {
                    self.conflicted.insert((e.meeting.clone(), e.subject.clone(), e.person.clone()));
                }
            }
            Event::Planned(e) => {
                if e.event == EventType::DelegationCommenced {
                    self.planned_start = Some(e.target.clone());
                }
            }
            // Nothing below is asked about by a guard; listed so that a new event must be decided upon here.
            Event::RoleGranted(_) | Event::RoleEnded(_) | Event::ItemTabled(_) | Event::MeetingHeld(_) => {}
            Event::ItemMinuted(_) => {}
            Event::LogOpened(_)
            | Event::WaveOpened(_)
            | Event::TimetableChanged(_)
            | Event::RoutePublished(_)
            | Event::RouteRetired(_)
            | Event::OrganisationRegistered(_)
            | Event::OrganisationRenamed(_)
            | Event::OrganisationSucceeded(_)
            | Event::BodyRegistered(_)
            | Event::BodyChanged(_)
            | Event::RouteMigrated(_)
            | Event::EvidenceAttached(_)
            | Event::StatementCorrected(_)
            | Event::StatementVoided(_)
            | Event::ConflictFlagged(_)
            | Event::ConflictSettled(_)
            | Event::Proposed(_)
            | Event::Approved(_)
            | Event::Declined(_)
            | Event::CommandRefused(_)
            | Event::ErasureAuthorised(_)
            | Event::LegalHoldPlaced(_)
            | Event::LegalHoldLifted(_)
            | Event::ExtractIssued(_)
            | Event::LogForked(_)
            | Event::KeyRotated(_) => {}
        }
    }

    fn done(&mut self, subject: &SubjectId, mark: &Mark<'_>, fields: &[(&'static str, &'static str)]) {
        let completion = Completion {
            by: mark.by,
            nth: mark.nth,
            valued_by: mark.valued_by,
            occurred: mark.statement.occurred.clone(),
            meeting: None,
            persons: mark.persons(),
            fields: fields.iter().copied().collect(),
            verified: None,
        };
        self.items.insert(subject.clone(), completion);
    }

    fn verified(&mut self, subject: &SubjectId, checked: Revision, by: Support) {
        if let Some(done) = self.items.get_mut(subject).filter(|done| done.by.revision == checked && by.revision > done.valued_by)
        {
            done.verified = Some(by);
        }
    }

    fn signed(&mut self, mark: &Mark<'_>, e: &crate::event::AgreementSigned) {
        let signatures = self.signatures.entry(e.subject.clone()).or_default();
        signatures.push(Signature {
            version: e.version.clone(),
            party: e.party.clone(),
            occurred: mark.statement.occurred.clone(),
            persons: e.signatory.clone().map_or_else(|| mark.persons(), |person| BTreeSet::from([person])),
            by: mark.by,
        });
        // Done when two parties have signed the same version; who they may be is a rule of signing.
        let parties: BTreeSet<_> = signatures.iter().filter(|s| s.version == e.version).map(|s| &s.party).collect();
        if parties.len() >= 2 {
            self.done(&e.subject, mark, &[]);
        }
    }

    fn decided(&mut self, mark: &Mark<'_>, e: &crate::event::GateDecided) {
        if e.outcome.is_unknown() {
            return;
        }
        for condition in &e.conditions {
            let obligation = Obligation {
                kind: condition_kind(),
                about: e.subject.to_string(),
                text: condition.text.clone(),
                due: condition.due.clone(),
                agreed: true,
                raised: mark.by,
                discharged: None,
                in_part: 0,
            };
            self.obligations.insert(condition.obligation.clone(), obligation);
        }
        let decision = Decision {
            by: mark.by,
            nth: mark.nth,
            outcome: e.outcome.clone(),
            occurred: mark.statement.occurred.clone(),
            persons: mark.persons().into_iter().chain(e.deciders.iter().cloned()).collect(),
        };
        self.gates.insert(e.subject.clone(), decision);
    }

    fn handed(&mut self, item: &HandoverItemId, by: Support, state: HandoverState, open_points: bool) {
        if let Some(handover) = self.handover.get_mut(item) {
            handover.state = state;
            handover.open_points = open_points;
            handover.by = by;
        }
    }

    fn reopen(&mut self, round: &RoundOpened) {
        self.round += 1;
        self.set_aside.extend(round.set_aside.iter().copied());
        let aside = &self.set_aside;
        self.items.retain(|_, done| !aside.contains(&done.by.revision));
        self.gates.retain(|_, decision| !aside.contains(&decision.by.revision));
        for signatures in self.signatures.values_mut() {
            signatures.retain(|s| !aside.contains(&s.by.revision));
        }
        // The conditions of a decision that no longer counts bind nobody; what was agreed apart from it stays.
        self.obligations.retain(|_, obligation| !aside.contains(&obligation.raised.revision));
    }
}

/// The statement being taken in.
struct Mark<'s> {
    by: Support,
    nth: usize,
    valued_by: Revision,
    statement: &'s Statement,
    person: Option<&'s PersonId>,
}

impl Mark<'_> {
    fn persons(&self) -> BTreeSet<PersonId> {
        self.person.into_iter().cloned().collect()
    }
}

/// The acting person, as the rules see it: the one named, or for a live act the one who recorded it.
/// Without this who names nobody could check their own work.
fn acted(entry: &Entry) -> Option<&PersonId> {
    let live = entry.recorded.approval.is_none();
    entry.statement().done_by.person.as_ref().or_else(|| live.then_some(&entry.recorded.recorded_by))
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// The kind of obligation that conditions of an approval become.
#[allow(clippy::unwrap_used)] // A constant that a test parses.
pub(crate) fn condition_kind() -> ObligationKind {
    "condition".parse().unwrap()
}

/// The kind of item an event completes, or `None` for events that complete none.
pub(crate) fn item_kind(event: &Event) -> Option<(ItemKind, &SubjectId)> {
    Some(match event {
        Event::ExpressionOfInterestSubmitted(e) => (ItemKind::ExpressionOfInterest, &e.subject),
        Event::ExpressionOfInterestEndorsed(e) => (ItemKind::Endorsement, &e.subject),
        Event::ExpressionOfInterestWithdrawn(e) => (ItemKind::Withdrawal, &e.subject),
        Event::AssessmentSubmitted(e) => (ItemKind::Assessment, &e.subject),
        Event::DueDiligenceStageCompleted(e) => (ItemKind::DueDiligence, &e.subject),
        Event::DecisionPackFrozen(e) => (ItemKind::DecisionPack, &e.subject),
        Event::ItemCompleted(e) => (ItemKind::Step, &e.subject),
        Event::AgreementSigned(e) => (ItemKind::Agreement, &e.subject),
        Event::AgreementVaried(e) => (ItemKind::Variation, &e.subject),
        Event::DelegationCommenced(e) => (ItemKind::Commencement, &e.subject),
        Event::AssuranceRated(e) => (ItemKind::Assurance, &e.subject),
        Event::TerminationNoticeServed(e) => (ItemKind::Notice, &e.subject),
        Event::DelegationEnded(e) => (ItemKind::Ending, &e.subject),
        Event::TransferredByStatute(e) => (ItemKind::Statutory, &e.subject),
        Event::TransitionSucceeded(e) => (ItemKind::Succession, &e.subject),
        _ => return None,
    })
}
