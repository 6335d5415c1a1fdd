//! What each kernel event says. One struct per event, in the order of the glossary.
//!
//! `Text` fields are names and free text, sealed where they are stored; everything else is plain and
//! may be read by rules. `None` and empty lists mean that the source does not say. A field called
//! `subject` names the item or gate of the route that the event is about.

use super::EventType;
use super::envelope::{Command, Correction};
use super::words::*;
use crate::route::{
    BodyKind, ChecklistId, FactKind, ObligationKind, OutcomeId, QuestionId, RoleId, RouteId, RouteVersion, StageId, SubjectId,
    YesNo,
};
use crate::values::{
    BodyId, BodyRef, ConflictId, Day, FindingId, FunctionCode, FuzzyDate, HandoverItemId, MeetingId, Money, ObligationId,
    OrganisationId, PairId, PersonId, Position, Revision, ServiceCode, StreamId, Text, TransitionId,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Declares payload structs: plain data with serde; unknown fields are refused.
macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident : $type:ty),* $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$fdoc])* pub $field: $type),* }
    )+};
}

payloads! {
    /// The log begins. Always position 0.
    LogOpened {
        /// The origin of the log: a name that no other log bears.
        origin: String,
        /// Version of the stored form.
        format: u32,
        /// The first administrator.
        administrator: PersonId,
        /// Name of the first administrator.
        administrator_name: Option<Text>,
    }
    /// A programme opens.
    WaveOpened {
        /// Name of the programme.
        name: String,
        /// Services in scope (rule I05).
        #[serde(default)]
        services: Vec<ServiceCode>,
        /// The route its transitions take unless one names another.
        route: RouteId,
        /// By when receivers may be able to take the services.
        able_by: Option<FuzzyDate>,
        /// By when receivers will take the services.
        will_by: Option<FuzzyDate>,
        /// When expressions of interest are due.
        interest_due: Option<FuzzyDate>,
        /// When assessments are due.
        assessment_due: Option<FuzzyDate>,
        /// When the national decision is due.
        national_decision_due: Option<FuzzyDate>,
        /// What opened it, in words.
        note: Option<Text>,
    }
    /// A date of the programme's timetable moves.
    TimetableChanged {
        /// Which date.
        item: TimetableItem,
        /// The new date.
        to: FuzzyDate,
        /// Why.
        reason: Option<Text>,
    }
    /// A version of a route is published. Transitions pin its digest.
    RoutePublished {
        /// Version, as in the text.
        version: RouteVersion,
        /// The whole route file.
        text: String,
        /// SHA-256 of the text, lower-case hexadecimal; filled by the engine.
        sha256: Option<String>,
    }
    /// No new transition may take this version.
    RouteRetired {
        /// The version.
        version: RouteVersion,
        /// Why.
        reason: Option<Text>,
    }
    /// An organisation becomes known.
    OrganisationRegistered {
        /// Name.
        name: String,
        /// Kind.
        kind: OrganisationKind,
        /// The region it lies in.
        region: Option<OrganisationId>,
        /// First day on which it is open; later than today means designate; absent means not known.
        opens_on: Option<Day>,
        /// Last day on which it is open.
        closes_on: Option<Day>,
        /// Other names it bears in the papers.
        #[serde(default)]
        aliases: Vec<String>,
        /// What else the source says.
        note: Option<Text>,
    }
    /// An organisation changes its name.
    OrganisationRenamed {
        /// The new name.
        name: String,
        /// First day of the new name.
        effective_on: Day,
    }
    /// An organisation is succeeded by law, in whole or in part.
    OrganisationSucceeded {
        /// The successor.
        successor: OrganisationId,
        /// How.
        kind: SuccessionKind,
        /// First day of the successor's responsibility; the predecessor's last day is the day before.
        effective_on: Day,
        /// Whether the whole passes to this successor.
        part: Part,
        /// What else the source says.
        note: Option<Text>,
    }
    /// A body of an organisation becomes known.
    BodyRegistered {
        /// The body.
        body: BodyId,
        /// Name as printed.
        name: String,
        /// Kind, which routes name.
        kind: BodyKind,
        /// What the body may do; empty when the source does not say.
        #[serde(default)]
        powers: Vec<BodyPower>,
        /// Other names it bears in the papers.
        #[serde(default)]
        aliases: Vec<String>,
        /// The organisation responsible for which it works, when it is a host.
        #[serde(default)]
        hosts_for: Vec<OrganisationId>,
        /// What else the source says.
        note: Option<Text>,
    }
    /// A body changes.
    BodyChanged {
        /// The body.
        body: BodyId,
        /// The new name; absent means unchanged.
        name: Option<String>,
        /// The new powers; absent means unchanged.
        powers: Option<Vec<BodyPower>>,
        /// Why.
        reason: Option<Text>,
    }
    /// A person takes a role: in an organisation, for one transition, or (stream `log`) for the installation.
    RoleGranted {
        /// The person; absent when the source does not name one.
        person: Option<PersonId>,
        /// Name of the person.
        name: Option<Text>,
        /// The role: one of a route, or `administrator`, `records_officer`, `auditor`.
        role: RoleId,
        /// First day; absent means since before anything recorded here.
        from: Option<Day>,
        /// Last day; absent means open.
        to: Option<Day>,
        /// What else the source says.
        note: Option<Text>,
    }
    /// A person gives up a role.
    RoleEnded {
        /// The person.
        person: PersonId,
        /// The role.
        role: RoleId,
        /// Last day of the role.
        on: Day,
    }
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
    /// A gate is decided.
    GateDecided {
        /// The gate of the route.
        subject: SubjectId,
        /// The outcome; `unknown` when the source does not tell it, and then it moves nothing.
        outcome: OutcomeId,
        /// The deciding body.
        body: Option<BodyRef>,
        /// How it was taken.
        taken: HowTaken,
        /// The meeting at which it was taken.
        meeting: Option<MeetingId>,
        /// Persons counted as deciding.
        #[serde(default)]
        deciders: Vec<PersonId>,
        /// Conditions of an approval; each becomes an obligation.
        #[serde(default)]
        conditions: Vec<Condition>,
        /// Votes, where it is a ballot.
        votes: Option<Votes>,
        /// Why.
        reason: Option<Text>,
        /// What the decision rested on; filled by the engine and frozen.
        basis: Option<Basis>,
    }
    /// One condition of an approval.
    Condition {
        /// The obligation it becomes.
        obligation: ObligationId,
        /// The condition, in words.
        text: Option<Text>,
        /// When it is due.
        due: Option<FuzzyDate>,
    }
    /// A count of votes (rule I24).
    Votes {
        /// For the question.
        in_favour: u32,
        /// Against it.
        against: u32,
        /// Spoiled papers.
        spoiled: u32,
        /// How many could vote.
        electorate: u32,
    }
    /// What a decision rested on.
    Basis {
        /// The newest position of the log when it was decided.
        position: Position,
        /// The statements of the transition on which the outcome's needs rested.
        #[serde(default)]
        statements: Vec<Revision>,
    }
    /// Something is owed.
    ObligationRaised {
        /// The obligation.
        obligation: ObligationId,
        /// Its kind, which the route names: condition, prospect, action, information.
        kind: ObligationKind,
        /// The gate, item or question (as `CHECKLIST:QUESTION`) it concerns.
        about: String,
        /// What is owed, in words.
        text: Option<Text>,
        /// When it is due.
        due: Option<FuzzyDate>,
        /// Whether the receiver agreed to it.
        #[serde(default)]
        receiver_agreed: bool,
        /// Whether the sender agreed to it.
        #[serde(default)]
        sender_agreed: bool,
    }
    /// An obligation gets another date.
    ObligationChanged {
        /// The obligation.
        obligation: ObligationId,
        /// The new date.
        due: FuzzyDate,
        /// Why.
        reason: Option<Text>,
    }
    /// An obligation is met, in whole or in part.
    ObligationDischarged {
        /// The obligation.
        obligation: ObligationId,
        /// Only in part: the obligation stays open.
        #[serde(default)]
        in_part: bool,
        /// What was done, in words.
        note: Option<Text>,
    }
    /// A step of the route is done.
    ItemCompleted {
        /// The item of the route.
        subject: SubjectId,
        /// What was done, in words.
        note: Option<Text>,
    }
    /// The other side verifies a step.
    ItemVerified {
        /// The item of the route.
        subject: SubjectId,
        /// The revision that was checked; the check counts while that completion is in force.
        checked: Revision,
        /// What was found, in words.
        note: Option<Text>,
    }
    /// One party signs an agreement (rule I28).
    AgreementSigned {
        /// The item of the route.
        subject: SubjectId,
        /// Version of the agreement.
        version: String,
        /// The party: the sender or the receiver.
        party: OrganisationId,
        /// The signatory.
        signatory: Option<PersonId>,
        /// What else the source says.
        note: Option<Text>,
    }
    /// An agreement is varied.
    AgreementVaried {
        /// The item of the route.
        subject: SubjectId,
        /// Version it had.
        from_version: Option<String>,
        /// Version it has now.
        to_version: String,
        /// Services or processes the new version covers.
        #[serde(default)]
        covers: Vec<ServiceCode>,
        /// What changes, in words.
        note: Option<Text>,
    }
    /// Who holds a function (rule I32). Responsible, accountable, liable and performed by are separate.
    FunctionAllocated {
        /// The function.
        function: FunctionCode,
        /// Who is responsible; absent when the source does not say.
        responsible: Option<Holder>,
        /// Who is accountable.
        accountable: Option<Holder>,
        /// Who is liable.
        liable: Option<Holder>,
        /// Who does the work.
        performed_by: Option<Holder>,
        /// Who has influence, which holds nothing.
        #[serde(default)]
        influence: Vec<Holder>,
        /// Whether the function is reserved to the sender.
        #[serde(default)]
        reserved: bool,
        /// From when.
        effective_on: Option<FuzzyDate>,
        /// What else the source says.
        note: Option<Text>,
    }
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
    /// A record without a rule: the route declares its kind and fields.
    FactRecorded {
        /// The kind.
        kind: FactKind,
        /// Typed fields.
        #[serde(default)]
        fields: BTreeMap<String, FieldValue>,
        /// What is recorded, in words.
        note: Option<Text>,
    }
    /// A document is added to an earlier statement.
    EvidenceAttached {
        /// The statement; absent means the stream as a whole.
        about: Option<Revision>,
        /// What it shows, in words.
        note: Option<Text>,
    }
    /// The value, date, standing or place of a statement is put right (two persons, rule I46).
    StatementCorrected {
        /// The statement.
        target: Revision,
        /// The revision whose value is corrected: the target, or its latest correction.
        was: Revision,
        /// What is put right.
        to: Correction,
        /// Why.
        reason: Option<Text>,
    }
    /// A statement is taken out of the story (two persons). It stays readable.
    StatementVoided {
        /// The statement.
        target: Revision,
        /// Why.
        reason: Option<Text>,
    }
    /// Sources disagree.
    ConflictFlagged {
        /// The conflict.
        conflict: ConflictId,
        /// Statements concerned; empty when the disagreement lies within one document.
        #[serde(default)]
        statements: Vec<Revision>,
        /// What disagrees, in words.
        description: Option<Text>,
        /// By how much, in words.
        size: Option<Text>,
        /// How the record deals with it, in words.
        handling: Option<Text>,
    }
    /// A reading is chosen.
    ConflictSettled {
        /// The conflict.
        conflict: ConflictId,
        /// The reading, in words.
        reading: Option<Text>,
    }
    /// Commands wait for a second person. They have no effect yet.
    Proposed {
        /// The commands, decided in order when approved.
        commands: Vec<Command>,
        /// Why.
        reason: Option<Text>,
    }
    /// A second person approves a proposal.
    Approved {
        /// Digest of what the approver saw: gaps, consequences and places.
        digest: String,
        /// A remark.
        note: Option<Text>,
    }
    /// A proposal is declined; nothing of it takes effect.
    Declined {
        /// Why.
        reason: Option<Text>,
    }
    /// A body is asked something. Asked is not decided.
    ItemTabled {
        /// The body.
        body: Option<BodyRef>,
        /// The body as printed.
        body_name: String,
        /// The verbs of the ask, as printed: note, endorse, approve, consider.
        #[serde(default)]
        asks: Vec<String>,
        /// The meeting.
        meeting: Option<MeetingId>,
        /// What is asked, in words.
        note: Option<Text>,
    }
    /// A meeting is held.
    MeetingHeld {
        /// The body.
        body: Option<BodyRef>,
        /// The body as printed.
        body_name: String,
        /// The meeting.
        meeting: Option<MeetingId>,
        /// Whether it was quorate.
        quorate: Option<bool>,
        /// What else the source says.
        note: Option<Text>,
    }
    /// What the record of a meeting says of an item.
    ItemMinuted {
        /// The body.
        body: Option<BodyRef>,
        /// The body as printed.
        body_name: String,
        /// The verb as printed. It passes no gate.
        verb: String,
        /// The meeting.
        meeting: Option<MeetingId>,
        /// What else the source says.
        note: Option<Text>,
    }
    /// A person declares an interest (rule I21).
    InterestDeclared {
        /// The meeting.
        meeting: MeetingId,
        /// The person.
        person: PersonId,
        /// The gate concerned; absent means the whole meeting.
        subject: Option<SubjectId>,
        /// What was done about it.
        action: InterestAction,
        /// The interest, in words.
        note: Option<Text>,
    }
    /// What a body will see is frozen (rule I18).
    DecisionPackFrozen {
        /// The item of the route.
        subject: SubjectId,
        /// The meeting for which it is frozen.
        meeting: Option<MeetingId>,
        /// The newest position of the log it shows; filled by the engine.
        as_of: Option<Position>,
        /// What else the source says.
        note: Option<Text>,
    }
    /// A command was refused. Recorded outside the stream it was meant for.
    CommandRefused {
        /// The stream it was meant for.
        stream: StreamId,
        /// The event it would have recorded.
        event: EventType,
        /// The reject codes of every unmet rule.
        codes: Vec<String>,
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
}

/// A typed field of a recorded fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldValue {
    /// Words, sealed where stored.
    Text(Text),
    /// A whole number.
    Integer(i64),
    /// An amount.
    Money(Money),
    /// A date.
    Date(FuzzyDate),
    /// Yes or no.
    YesNo(YesNo),
    /// A plain code of 1 to 60 characters.
    Code(String),
    /// An organisation.
    Ods(OrganisationId),
}
