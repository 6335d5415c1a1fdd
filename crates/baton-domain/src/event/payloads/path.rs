//! The path up to the decision: registration, rounds, plans, interest, readiness, due diligence.

use crate::event::EventType;
use crate::event::words::{Part, RightToWithdraw, StartingPosition, WithdrawalGround};
use crate::route::{ChecklistId, OutcomeId, QuestionId, RouteId, RouteVersion, StageId, SubjectId, YesNo};
use crate::values::{
    BodyRef, Day, FindingId, FunctionCode, FuzzyDate, OrganisationId, PersonId, Revision, ServiceCode, Text, TransitionId,
};
use serde::{Deserialize, Serialize};

payloads! {
    /// A transition begins. Always revision 1 of its stream.
    TransitionRegistered {
        /// The organisation that gives the function up, the legal party.
        sender: OrganisationId,
        /// The region or office through which the sender acts.
        acting_through: Option<OrganisationId>,
        /// The route; absent means the wave's.
        route: Option<RouteId>,
        /// Version of the route; absent means the newest published.
        route_version: Option<RouteVersion>,
        /// Digest of the route's text; filled by the engine.
        route_sha256: Option<String>,
        /// Where the receiver stands before.
        starting_position: StartingPosition,
        /// The transition this one goes on from.
        continues: Option<TransitionId>,
        /// What else the source says.
        note: Option<Text>,
    }
    /// The transition takes another version of its route (two persons).
    RouteMigrated {
        /// Version to which it moves.
        to_version: RouteVersion,
        /// Digest of that version's text; filled by the engine.
        to_sha256: Option<String>,
        /// Why.
        reason: Option<Text>,
    }
    /// Another organisation takes the receiver's place by law (rule I40).
    TransitionSucceeded {
        /// The succession item of the route.
        subject: SubjectId,
        /// The new receiver.
        successor: OrganisationId,
        /// Whether the whole passes to it.
        part: Part,
        /// First day.
        effective_on: Day,
        /// What else the source says.
        note: Option<Text>,
    }
    /// The function passes by law; the delegation is replaced.
    TransferredByStatute {
        /// The statutory item of the route.
        subject: SubjectId,
        /// The instrument.
        instrument: String,
        /// First day.
        effective_on: Day,
    }
    /// A new round begins at a stage: gates, and items marked `again`, at home there or later are set aside.
    RoundOpened {
        /// The stage from which it goes on.
        stage: StageId,
        /// The statements set aside; filled by the engine and frozen.
        #[serde(default)]
        set_aside: Vec<Revision>,
        /// The person of the other side who agreed.
        agreed_by: Option<PersonId>,
        /// Why.
        reason: Option<Text>,
    }
    /// Something is said to come. Moves no stage.
    Planned {
        /// The event that is planned.
        event: EventType,
        /// Its subject, gate, fact kind or other key; empty means any event of that type.
        #[serde(default)]
        key: String,
        /// When.
        target: FuzzyDate,
        /// What it waits for.
        #[serde(default)]
        depends_on: Vec<Dependency>,
        /// The plan that this one supersedes.
        replaces: Option<Revision>,
        /// Why a superseding plan moves the date.
        reason: Option<Text>,
        /// What is planned, in words.
        note: Option<Text>,
    }
    /// One thing a plan waits for.
    #[derive(PartialOrd, Ord)]
    Dependency {
        /// The event.
        event: EventType,
        /// Its key; empty means any.
        #[serde(default)]
        key: String,
        /// The outcome, when it is a gate and the outcome matters.
        outcome: Option<OutcomeId>,
    }
    /// A receiver declares interest.
    ExpressionOfInterestSubmitted {
        /// The item of the route.
        subject: SubjectId,
        /// To whom.
        submitted_to: Option<OrganisationId>,
        /// Services asked for; empty means the transition's own.
        #[serde(default)]
        services: Vec<ServiceCode>,
        /// Functions asked for.
        #[serde(default)]
        functions_requested: Vec<FunctionCode>,
        /// Functions the receiver does not want.
        #[serde(default)]
        functions_declined: Vec<FunctionCode>,
        /// The right to withdraw (rule I06).
        right_to_withdraw: RightToWithdraw,
        /// What else the source says.
        note: Option<Text>,
    }
    /// A body endorses the expression of interest.
    ExpressionOfInterestEndorsed {
        /// The item of the route.
        subject: SubjectId,
        /// The body.
        body: Option<BodyRef>,
        /// The verb as printed.
        verb: String,
        /// Whether the endorsement came after the submission (rule I07).
        #[serde(default)]
        retrospective: bool,
        /// What else the source says.
        note: Option<Text>,
    }
    /// The receiver withdraws.
    ExpressionOfInterestWithdrawn {
        /// The item of the route.
        subject: SubjectId,
        /// The ground.
        ground: WithdrawalGround,
        /// Why, in words.
        reason: Option<Text>,
    }
    /// The receiver's side answers a question of a checklist. Each answer to a question is a new version of it.
    ChecklistAnswered {
        /// The checklist.
        checklist: ChecklistId,
        /// The question.
        question: QuestionId,
        /// The answer (rule I08).
        answer: YesNo,
        /// Why an earlier answer changes (rule I12).
        reason: Option<Text>,
        /// The narrative.
        narrative: Option<Text>,
    }
    /// The sender's side checks one version of an answer (rules I10, I11).
    ChecklistCorroborated {
        /// The checklist.
        checklist: ChecklistId,
        /// The question.
        question: QuestionId,
        /// The version it checked, from 1.
        answer_version: u32,
        /// What the check found.
        answer: YesNo,
        /// Whether the evidence was verified.
        #[serde(default)]
        evidence_verified: bool,
        /// The narrative.
        narrative: Option<Text>,
    }
    /// An assessment is handed in.
    AssessmentSubmitted {
        /// The item of the route.
        subject: SubjectId,
        /// To whom.
        submitted_to: Option<OrganisationId>,
        /// What else the source says.
        note: Option<Text>,
    }
    /// A stage of due diligence is completed.
    DueDiligenceStageCompleted {
        /// The item of the route.
        subject: SubjectId,
        /// Whether the sign-off is qualified.
        #[serde(default)]
        qualified: bool,
        /// The qualification; needed when qualified.
        qualification: Option<Text>,
        /// What else the source says.
        note: Option<Text>,
    }
    /// Due diligence finds something.
    FindingRaised {
        /// The finding.
        finding: FindingId,
        /// The due diligence item it belongs to; absent when the source does not say.
        subject: Option<SubjectId>,
        /// From 1, slight, to 5, critical; absent when not rated.
        severity: Option<u8>,
        /// The finding, in words.
        note: Option<Text>,
    }
    /// A finding is closed.
    FindingClosed {
        /// The finding.
        finding: FindingId,
        /// Why.
        reason: Option<Text>,
    }
}
