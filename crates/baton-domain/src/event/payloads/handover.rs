//! Handover and life: pairs, handover items, commencement, assurance, notice, end.

use crate::event::words::{HandoverKind, Holder, RatedSubject, Rating, RatingKind};
use crate::route::SubjectId;
use crate::values::{Day, HandoverItemId, OrganisationId, PairId, PersonId, Text};
use serde::{Deserialize, Serialize};

payloads! {
    /// A member of the sender's staff is paired with one of the receiver's (rule I34).
    SenderReceiverPaired {
        /// The pair.
        pair: PairId,
        /// The area of work.
        area: String,
        /// The sender's person; absent when not named.
        sender_person: Option<PersonId>,
        /// The receiver's person; absent when not named.
        receiver_person: Option<PersonId>,
        /// What else the source says.
        note: Option<Text>,
    }
    /// Something is to be handed over.
    HandoverItemListed {
        /// The handover item.
        item: HandoverItemId,
        /// The area of work.
        area: String,
        /// What kind of thing it is.
        kind: HandoverKind,
        /// The pair that hands it over.
        pair: Option<PairId>,
        /// What it is, in words.
        title: Option<Text>,
    }
    /// The sender sends a version of it.
    HandoverItemSent {
        /// The handover item.
        item: HandoverItemId,
        /// Version sent.
        version: String,
        /// What else the source says.
        note: Option<Text>,
    }
    /// The receiver accepts a version of it (rule I33).
    HandoverItemAccepted {
        /// The handover item.
        item: HandoverItemId,
        /// Version accepted: the one sent last.
        version: String,
        /// Points left open.
        open_points: Option<Text>,
    }
    /// The receiver returns it.
    HandoverItemReturned {
        /// The handover item.
        item: HandoverItemId,
        /// Version returned.
        version: String,
        /// Why.
        reason: Option<Text>,
    }
    /// The receiver begins to exercise the function.
    DelegationCommenced {
        /// The item of the route.
        subject: SubjectId,
        /// First day in law; absent when the source does not give a day.
        effective_on: Option<Day>,
        /// Version of the agreement it rests on.
        agreement_version: Option<String>,
        /// Why it does not begin on 1 April (rule I31, a warning).
        off_cycle_reason: Option<Text>,
        /// What else the source says.
        note: Option<Text>,
    }
    /// How well it goes.
    AssuranceRated {
        /// The item of the route.
        subject: SubjectId,
        /// What is rated.
        about: RatedSubject,
        /// Which part of it.
        #[serde(default)]
        area: String,
        /// The rating.
        rating: Rating,
        /// Who rates. Only a regional rating of the whole function moves a stage.
        kind: RatingKind,
        /// What else the source says.
        note: Option<Text>,
    }
    /// Notice is given (rule I39).
    TerminationNoticeServed {
        /// The item of the route.
        subject: SubjectId,
        /// Who gives it.
        served_by: OrganisationId,
        /// Last day of the delegation is the day before.
        effective_on: Day,
        /// Why.
        reason: Option<Text>,
    }
    /// The delegation ends.
    DelegationEnded {
        /// The item of the route.
        subject: SubjectId,
        /// Who holds the function then.
        to_holder: Holder,
        /// Whether it was revoked.
        #[serde(default)]
        revoked: bool,
        /// Why.
        reason: Option<Text>,
    }
}
