//! Facts: what a story adds up to under a route. Read in story order, so that the facts of any prefix
//! are the facts as they stood then.

use crate::event::{
    Event, EventType, Gap, HandoverKind, Holder, RatedSubject, Rating, RatingKind, RoundOpened, Standing, Statement, YesNo,
};
use crate::route::{
    Atom, ChecklistId, ChecklistState, FactKind, ItemKind, ObligationKind, OutcomeId, QuestionId, Route, SubjectId,
};
use crate::story::Entry;
use crate::values::{
    Day, FindingId, FunctionCode, FuzzyDate, HandoverItemId, MeetingId, ObligationId, OrganisationId, PairId, PersonId, Revision,
    ServiceCode, Text,
};
use std::collections::{BTreeMap, BTreeSet};

/// A statement on which a fact rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Support {
    /// The statement.
    pub revision: Revision,
    /// What its source is worth.
    pub standing: Standing,
}

/// An item done in this round.
#[derive(Debug, Clone)]
pub struct Completion {
    /// The latest completion.
    pub by: Support,
    /// Its place among the statements read, to see what came later in the story.
    pub nth: usize,
    /// The revision that gave it its value: its own, or a correction of it.
    pub valued_by: Revision,
    /// When.
    pub occurred: FuzzyDate,
    /// The meeting it was made for, when it is a decision pack and the source says.
    pub meeting: Option<MeetingId>,
    /// The persons who did it.
    pub persons: BTreeSet<PersonId>,
    /// The fields a guard may ask about.
    pub fields: BTreeMap<&'static str, &'static str>,
    /// The check of this completion, if there is one.
    pub verified: Option<Support>,
}

/// A gate decided in this round.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The decision.
    pub by: Support,
    /// Its place among the statements read, to see what came later in the story.
    pub nth: usize,
    /// Its outcome; never `unknown`.
    pub outcome: OutcomeId,
    /// When.
    pub occurred: FuzzyDate,
    /// The persons counted as deciding, and the one who spoke for them.
    pub persons: BTreeSet<PersonId>,
}

/// One version of an answer.
#[derive(Debug, Clone)]
pub struct AnswerVersion {
    /// The statement.
    pub by: Support,
    /// Its place among the statements read, to see what came later in the story.
    pub nth: usize,
    /// The revision that gave it its value: its own, or a correction of it.
    pub valued_by: Revision,
    /// The answer.
    pub answer: YesNo,
}

/// A question of a checklist: every version of its answer, and the check of the latest.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Versions, the first is version 1.
    pub answers: Vec<AnswerVersion>,
    /// Checks: version, what was found, the statement.
    pub checks: Vec<(u32, YesNo, Support)>,
}

impl Question {
    /// The answer in force and its version.
    pub fn latest(&self) -> Option<(u32, &AnswerVersion)> {
        self.answers.last().map(|answer| (self.answers.len() as u32, answer))
    }

    /// The check of the answer in force. A check of an earlier version is left behind, and so is one
    /// recorded before a correction gave that version another value.
    pub fn corroboration(&self) -> Option<&(u32, YesNo, Support)> {
        let (version, answer) = self.latest()?;
        self.checks.iter().rev().find(|(checked, _, by)| *checked == version && by.revision > answer.valued_by)
    }
}

/// Something owed.
#[derive(Debug, Clone)]
pub struct Obligation {
    /// Its kind.
    pub kind: ObligationKind,
    /// The gate, item or question it concerns.
    pub about: String,
    /// What is owed.
    pub text: Option<Text>,
    /// When it is due now.
    pub due: Option<FuzzyDate>,
    /// Whether both sides agreed.
    pub agreed: bool,
    /// The statement that raised it.
    pub raised: Support,
    /// The statement that discharged it in full.
    pub discharged: Option<Support>,
    /// How often it was discharged in part.
    pub in_part: u32,
}

/// A finding of due diligence.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The item it belongs to.
    pub subject: Option<SubjectId>,
    /// From 1 to 5.
    pub severity: Option<u8>,
    /// The statement that raised it.
    pub raised: Support,
    /// Who raised it.
    pub persons: BTreeSet<PersonId>,
    /// The statement that closed it.
    pub closed: Option<Support>,
}

/// How far a handover item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandoverState {
    /// Listed only.
    Listed,
    /// Sent in this version.
    Sent(String),
    /// Accepted in this version.
    Accepted(String),
    /// Returned in this version.
    Returned(String),
}

/// Something to be handed over.
#[derive(Debug, Clone)]
pub struct Handover {
    /// Area of work.
    pub area: String,
    /// Kind.
    pub kind: HandoverKind,
    /// The pair that hands it over.
    pub pair: Option<PairId>,
    /// What it is.
    pub title: Option<Text>,
    /// How far it is.
    pub state: HandoverState,
    /// Points the receiver left open when accepting.
    pub open_points: bool,
    /// The latest statement about it.
    pub by: Support,
}

/// A sender-receiver pair.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Area of work.
    pub area: String,
    /// The sender's person.
    pub sender: Option<PersonId>,
    /// The receiver's person.
    pub receiver: Option<PersonId>,
    /// The statement.
    pub by: Support,
}

/// A signature under an agreement.
#[derive(Debug, Clone)]
pub struct Signature {
    /// Version signed.
    pub version: String,
    /// For whom it was signed.
    pub party: OrganisationId,
    /// When.
    pub occurred: FuzzyDate,
    /// The persons who signed.
    pub persons: BTreeSet<PersonId>,
    /// The statement.
    pub by: Support,
}

/// Who holds a function.
#[derive(Debug, Clone)]
pub struct Allocation {
    /// Who is responsible.
    pub responsible: Option<Holder>,
    /// Who does the work.
    pub performed_by: Option<Holder>,
    /// From when.
    pub effective_on: Option<FuzzyDate>,
    /// Whether it is reserved to the sender.
    pub reserved: bool,
    /// The statement.
    pub by: Support,
}

/// What the story adds up to.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The registration.
    pub registered: Option<Support>,
    /// Items done in this round.
    pub items: BTreeMap<SubjectId, Completion>,
    /// Gates decided in this round.
    pub gates: BTreeMap<SubjectId, Decision>,
    /// Answers, by checklist and question.
    pub questions: BTreeMap<(ChecklistId, QuestionId), Question>,
    /// Obligations.
    pub obligations: BTreeMap<ObligationId, Obligation>,
    /// Findings.
    pub findings: BTreeMap<FindingId, Finding>,
    /// Handover items.
    pub handover: BTreeMap<HandoverItemId, Handover>,
    /// Sender-receiver pairs.
    pub pairs: BTreeMap<PairId, Pair>,
    /// Signatures, by agreement.
    pub signatures: BTreeMap<SubjectId, Vec<Signature>>,
    /// Functions.
    pub functions: BTreeMap<FunctionCode, Vec<Allocation>>,
    /// Facts of the tail, by kind.
    pub recorded: BTreeMap<FactKind, Vec<Support>>,
    /// Services an agreement was varied to cover.
    pub covered: BTreeSet<ServiceCode>,
    /// Persons who left or were excluded for an interest declared in this stream, by meeting; with the
    /// gate concerned, or none for the whole meeting.
    pub conflicted: BTreeSet<(MeetingId, Option<SubjectId>, PersonId)>,
    /// When the receiver is to begin, by the latest plan.
    pub planned_start: Option<FuzzyDate>,
    /// When the receiver began, in law where that is said.
    pub live_on: Option<FuzzyDate>,
    /// Who has taken the receiver's place, in whole or in part.
    pub successors: BTreeSet<OrganisationId>,
    /// The round, from 1.
    pub round: u32,
    /// Statements set aside by reopenings.
    pub set_aside: BTreeSet<Revision>,
    /// Gaps of the statements in force.
    pub gaps: Vec<(Revision, Gap)>,
    /// How many statements were read.
    read: usize,
}

impl Facts {
    /// What no statement adds up to: the first round, and nothing in it.
    pub fn none() -> Self {
        Self { round: 1, ..Self::default() }
    }

    /// Reads statements in the order given.
    pub fn read<'s>(entries: impl Iterator<Item = &'s Entry>, route: &Route) -> Self {
        let mut facts = Self::none();
        for entry in entries {
            facts.apply(entry, route);
        }
        facts
    }

    /// Takes the next statement of the story in.
    pub fn apply(&mut self, entry: &Entry, route: &Route) {
        self.gaps.extend(entry.recorded.gaps.iter().map(|gap| (entry.revision(), gap.clone())));
        self.read += 1;
        let statement = &*entry.statement;
        let by = Support { revision: entry.revision(), standing: statement.standing };
        let mark = Mark { by, nth: self.read, valued_by: valued_by(entry), statement, person: acted(entry) };
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
            | Event::CommandRefused(_) => {}
        }
    }

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

/// The revision that gave a statement the value it has. A corrected date or standing leaves the value alone.
fn valued_by(entry: &Entry) -> Revision {
    let same = entry.statement.event == entry.recorded.statement.event;
    if same { entry.revision() } else { entry.value_revision() }
}

/// The acting person, as the rules see it: the one named, or for a live act the one who recorded it.
/// Without this who names nobody could check their own work.
fn acted(entry: &Entry) -> Option<&PersonId> {
    let live = entry.recorded.approval.is_none();
    entry.statement.done_by.person.as_ref().or_else(|| live.then_some(&entry.recorded.recorded_by))
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
