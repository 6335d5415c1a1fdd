//! The rules of a statement about a transition: which of them are not met.
//!
//! One function serves live acts, late entries, explanations and the audit: [`check`] takes the facts
//! as they stand before the statement and names everything that is missing. What a rule means for a
//! caller is decided above: a live act is refused, a late entry keeps a gap.

mod agreement;
mod checklist;
mod due_diligence;
mod function;
mod gate;
mod handover;
mod interest;
mod live;
mod obligation;
mod plan;
mod registration;
mod subject;
mod tail;
mod who;

pub(crate) use checklist::open as checklist_open;
pub(crate) use function::two_holders;
pub use gate::outcome_open;
pub use registration::{duplicates, registration};
pub(crate) use subject::set_aside;
pub use subject::{gate_open, item_open, needs};
pub use who::{holders, holds_role, is_officer, records_officer_or_administrator};

use super::{Facts, Transition};
use crate::event::{Event, EventType, FieldValue, Statement};
use crate::route::Route;
use crate::unmet::Unmet;
use crate::values::{Day, OrganisationId, PersonId};
use crate::world::{Openness, World};

/// What a statement is judged against.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The transition.
    pub transition: &'a Transition,
    /// Its route.
    pub route: &'a Route,
    /// The facts before the statement.
    pub facts: &'a Facts,
    /// Other streams.
    pub world: &'a World,
    /// The day of recording, in Europe/London.
    pub today: Day,
    /// The authenticated person.
    pub recorder: &'a PersonId,
    /// Whether it is history recorded afterwards.
    pub late: bool,
}

/// Every unmet rule of a statement, without repeats, in the order in which rules are checked.
pub fn check(cx: &Context<'_>, statement: &Statement) -> Vec<Unmet> {
    let mut unmet = general(cx, statement);
    unmet.extend(specific(cx, statement));
    let mut seen = std::collections::BTreeSet::new();
    unmet.retain(|u| seen.insert((u.code.clone(), u.what.clone())));
    unmet
}

/// Things worth saying that refuse nothing: code and sentence.
pub fn warnings(cx: &Context<'_>, statement: &Statement) -> Vec<(&'static str, String)> {
    match &statement.event {
        Event::DelegationCommenced(e) => live::off_cycle(e).into_iter().collect(),
        Event::AssessmentSubmitted(_) => interest::late_by(cx, statement).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn specific(cx: &Context<'_>, st: &Statement) -> Vec<Unmet> {
    match &st.event {
        Event::ExpressionOfInterestSubmitted(e) => interest::submitted(cx, st, e),
        Event::ExpressionOfInterestEndorsed(e) => interest::endorsed(cx, st, e),
        Event::ExpressionOfInterestWithdrawn(e) => interest::withdrawn(cx, st, e),
        Event::AssessmentSubmitted(_)
        | Event::ItemCompleted(_)
        | Event::DecisionPackFrozen(_)
        | Event::TransferredByStatute(_) => subject::item(cx, st),
        Event::AgreementVaried(e) => agreement::varied(cx, st, e),
        Event::ItemVerified(e) => subject::verified(cx, st, e),
        Event::ChecklistAnswered(e) => checklist::answered(cx, st, e),
        Event::ChecklistCorroborated(e) => checklist::corroborated(cx, st, e),
        Event::DueDiligenceStageCompleted(e) => due_diligence::completed(cx, st, e),
        Event::FindingRaised(e) => due_diligence::raised(cx, e),
        Event::FindingClosed(e) => due_diligence::closed(cx, e),
        Event::GateDecided(e) => gate::decided(cx, st, e),
        Event::ObligationRaised(e) => obligation::raised(cx, st, e),
        Event::ObligationChanged(e) => obligation::changed(cx, st, e),
        Event::ObligationDischarged(e) => obligation::discharged(cx, st, e),
        Event::AgreementSigned(e) => agreement::signed(cx, st, e),
        Event::FunctionAllocated(e) => function::allocated(cx, st, e),
        Event::SenderReceiverPaired(e) => handover::paired(cx, st, e),
        Event::HandoverItemListed(e) => handover::listed(cx, e),
        Event::HandoverItemSent(e) => handover::sent(cx, st, e),
        Event::HandoverItemAccepted(e) => handover::accepted(cx, st, e),
        Event::HandoverItemReturned(e) => handover::returned(cx, st, e),
        Event::DelegationCommenced(e) => live::commenced(cx, st, e),
        Event::AssuranceRated(e) => live::rated(cx, st, e),
        Event::TerminationNoticeServed(e) => live::notice(cx, st, e),
        Event::DelegationEnded(_) => subject::item(cx, st),
        Event::TransitionSucceeded(e) => live::succeeded(cx, st, e),
        Event::RoundOpened(e) => subject::reopened(cx, st, e),
        Event::FactRecorded(e) => tail::fact(cx, e),
        Event::Planned(e) => plan::planned(cx, e),
        _ => Vec::new(),
    }
}

fn general(cx: &Context<'_>, st: &Statement) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    if cx.facts.registered.is_none() {
        unmet.push(Unmet::hard("NOT_REGISTERED", "", format!("the registration of {} is voided", cx.transition.id)));
    }
    unmet.extend(future(st, cx.today));
    unmet.extend(evidence(st, cx.late));
    unmet.extend(who::recorder(cx, st));
    let kind = st.event.event_type();
    if !survives_closing(kind) {
        unmet.extend(closed_stage(cx, kind));
        unmet.extend(closed_receiver(cx, st));
    }
    unmet.extend(organisations(st).into_iter().filter_map(|id| known(cx.world, id)));
    unmet
}

/// Rule I42: a fact whose earliest day lies after the day of recording belongs in a plan.
pub(crate) fn future(st: &Statement, today: Day) -> Option<Unmet> {
    let earliest = st.occurred.earliest().filter(|day| *day > today)?;
    Some(Unmet::hard(
        "FUTURE_FACT",
        "I42",
        format!("it happened on {earliest} at the earliest, which is after today, {today}; record a plan instead"),
    ))
}

/// Rule I47: history is taken from somewhere.
pub(crate) fn evidence(st: &Statement, late: bool) -> Option<Unmet> {
    let plain = st.evidence.is_empty() && late;
    plain.then(|| {
        Unmet::hard(
            "NO_EVIDENCE",
            "I47",
            "a late entry names the document it is taken from, held by its digest or cited and not held",
        )
    })
}

/// Rule I03: an organisation that is named must be known.
pub(crate) fn known(world: &World, id: &OrganisationId) -> Option<Unmet> {
    let unknown = world.organisation(id).is_none();
    unknown.then(|| Unmet::hard("UNKNOWN_ODS_CODE", "I03", format!("organisation {id} is not registered; register it first")))
}

/// A closed stage takes only what these are: reopening, the tail, and what meetings and plans say.
fn survives_closing(kind: EventType) -> bool {
    use EventType as T;
    matches!(
        kind,
        T::RoundOpened
            | T::FactRecorded
            | T::EvidenceAttached
            | T::ItemTabled
            | T::ItemMinuted
            | T::MeetingHeld
            | T::InterestDeclared
            | T::RoleGranted
            | T::RoleEnded
            | T::ObligationDischarged
            | T::TransferredByStatute
            | T::TransitionSucceeded
    )
}

fn closed_stage(cx: &Context<'_>, kind: EventType) -> Option<Unmet> {
    let at = cx.facts.standpoint(cx.route)?;
    at.stage.closed.then(|| {
        Unmet::contrary(
            "STAGE_CLOSED",
            "",
            format!("stage {} is closed and takes no {kind}; reopen it first if the route allows", at.stage.id),
        )
    })
}

/// Rule I41: nothing new happens to an organisation after its last day.
fn closed_receiver(cx: &Context<'_>, st: &Statement) -> Option<Unmet> {
    let receiver = &cx.transition.registration()?.receiver;
    let organisation = cx.world.organisation(receiver)?;
    let closed = organisation.openness(&st.occurred) == Openness::Closed;
    closed.then(|| {
        let last = organisation.closes_on.map_or_else(String::new, |day| format!(" on {day}"));
        Unmet::contrary(
            "ORGANISATION_CLOSED",
            "I41",
            format!("{receiver} closed{last}; record this on its successor's transition"),
        )
    })
}

fn organisations(st: &Statement) -> Vec<&OrganisationId> {
    let mut named: Vec<&OrganisationId> = st.done_by.organisation.iter().collect();
    match &st.event {
        Event::ExpressionOfInterestSubmitted(e) => named.extend(&e.submitted_to),
        Event::AssessmentSubmitted(e) => named.extend(&e.submitted_to),
        Event::AgreementSigned(e) => named.push(&e.party),
        Event::TerminationNoticeServed(e) => named.push(&e.served_by),
        Event::TransitionSucceeded(e) => named.push(&e.successor),
        Event::FactRecorded(e) => named.extend(e.fields.values().filter_map(|value| match value {
            FieldValue::Ods(id) => Some(id),
            _ => None,
        })),
        _ => {}
    }
    named
}
