//! Leaves of schema 1: which parts of an event are left out, and how a leaf is read.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use baton_domain::event::{DoneBy, Event, EventType, Gap, Placed, Recorded, Standing, Statement};
use baton_domain::values::{ActId, Evidence, FuzzyDate, PersonId, Position, ProposalId, Revision, StreamId, Text};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::tree::Node;
use super::{DecodeError, FORMAT, SCHEMA};

/// Fields of the envelope that mean the same when they are empty as when they are absent.
const EMPTY_MEANS_ABSENT: [&str; 3] = ["done_by", "evidence", "gaps"];

/// A leaf of schema 1, field by field: the envelope of [`Recorded`] and [`Statement`] in one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Leaf<'l> {
    #[serde(borrow)]
    v: Cow<'l, str>,
    schema: u32,
    position: Position,
    stream: StreamId,
    revision: Revision,
    recorded_at: jiff::Timestamp,
    recorded_by: PersonId,
    command_id: uuid::Uuid,
    approval: Option<ProposalId>,
    placed: Option<Placed>,
    #[serde(default)]
    gaps: Vec<Gap>,
    standing: Standing,
    occurred: FuzzyDate,
    #[serde(default)]
    done_by: DoneBy,
    act: Option<ActId>,
    #[serde(borrow)]
    evidence: Option<&'l RawValue>,
    remark: Option<Text>,
    r#type: EventType,
    #[serde(borrow)]
    payload: &'l RawValue,
}

/// What a leaf of any schema says of itself.
#[derive(Deserialize)]
struct Header<'l> {
    #[serde(borrow)]
    v: Cow<'l, str>,
    schema: u32,
}

/// Leaves out what says nothing: empty parts of the envelope. Nulls are not in a tree.
pub(super) fn strip(leaf: &mut Node) {
    if let Node::Object(fields) = leaf {
        fields.retain(|(name, field)| !(field.is_empty() && EMPTY_MEANS_ABSENT.contains(&name.as_str())));
    }
}

/// Evidence read before, by its text in the leaf.
#[derive(Debug, Default)]
pub(super) struct Papers(HashMap<Box<str>, Arc<[Evidence]>>);

impl Papers {
    /// So many lists are remembered; then all are forgotten, which costs only their sharing.
    const MAX: usize = 4_096;

    fn read(&mut self, json: &str) -> Result<Arc<[Evidence]>, serde_json::Error> {
        if let Some(known) = self.0.get(json) {
            return Ok(Arc::clone(known));
        }
        let evidence: Arc<[Evidence]> = serde_json::from_str::<Vec<Evidence>>(json)?.into();
        if self.0.len() >= Self::MAX {
            self.0.clear();
        }
        self.0.insert(json.into(), Arc::clone(&evidence));
        Ok(evidence)
    }
}

/// Reads a leaf, in whichever schema it was written.
pub(super) fn read(leaf: &str, papers: &mut Papers) -> Result<(Recorded, u32), DecodeError> {
    match serde_json::from_str::<Leaf<'_>>(leaf) {
        Ok(leaf) => {
            check_version(&leaf.v, leaf.schema)?;
            let schema = leaf.schema;
            Ok((leaf.recorded(papers).map_err(DecodeError::Leaf)?, schema))
        }
        // A leaf of a newer schema may have other fields: then that is what is to be said of it.
        Err(error) => {
            let header: Header<'_> = serde_json::from_str(leaf).map_err(DecodeError::Leaf)?;
            check_version(&header.v, header.schema)?;
            Err(DecodeError::Leaf(error))
        }
    }
}

fn check_version(format: &str, schema: u32) -> Result<(), DecodeError> {
    if format != FORMAT {
        return Err(DecodeError::NewerFormat { found: format.chars().take(40).collect() });
    }
    if schema > SCHEMA {
        return Err(DecodeError::NewerSchema { found: schema });
    }
    if schema == 0 {
        return Err(DecodeError::Leaf(serde::de::Error::custom("there is no schema 0")));
    }
    Ok(())
}

impl Leaf<'_> {
    fn recorded(self, papers: &mut Papers) -> Result<Recorded, serde_json::Error> {
        let statement = Statement {
            standing: self.standing,
            occurred: self.occurred,
            done_by: self.done_by,
            act: self.act,
            evidence: self.evidence.map(|json| papers.read(json.get())).transpose()?.unwrap_or_default(),
            remark: self.remark,
            event: payload(self.r#type, self.payload.get())?,
        };
        Ok(Recorded {
            position: self.position,
            stream: self.stream,
            revision: self.revision,
            recorded_at: self.recorded_at,
            recorded_by: self.recorded_by,
            command_id: self.command_id,
            approval: self.approval,
            placed: self.placed,
            gaps: self.gaps,
            statement,
        })
    }
}

/// Parses each payload straight into its own type, which the type of the event names. The compiler
/// asks for a line here for every new event.
fn payload(of: EventType, json: &str) -> Result<Event, serde_json::Error> {
    macro_rules! by_type {
        ($($name:ident)+) => { match of { $(EventType::$name => serde_json::from_str(json).map(Event::$name)),+ } };
    }
    by_type! {
        LogOpened WaveOpened TimetableChanged RoutePublished RouteRetired
        OrganisationRegistered OrganisationRenamed OrganisationSucceeded BodyRegistered BodyChanged
        RoleGranted RoleEnded
        TransitionRegistered RouteMigrated TransitionSucceeded TransferredByStatute RoundOpened Planned
        ExpressionOfInterestSubmitted ExpressionOfInterestEndorsed ExpressionOfInterestWithdrawn
        ChecklistAnswered ChecklistCorroborated AssessmentSubmitted
        DueDiligenceStageCompleted FindingRaised FindingClosed
        GateDecided ObligationRaised ObligationChanged ObligationDischarged ItemCompleted ItemVerified
        AgreementSigned AgreementVaried FunctionAllocated
        SenderReceiverPaired HandoverItemListed HandoverItemSent HandoverItemAccepted HandoverItemReturned
        DelegationCommenced AssuranceRated TerminationNoticeServed DelegationEnded
        FactRecorded EvidenceAttached
        StatementCorrected StatementVoided ConflictFlagged ConflictSettled
        Proposed Approved Declined
        ItemTabled MeetingHeld ItemMinuted InterestDeclared DecisionPackFrozen CommandRefused
        ErasureAuthorised LegalHoldPlaced LegalHoldLifted ExtractIssued LogForked KeyRotated
    }
}
