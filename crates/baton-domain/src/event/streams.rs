//! Which event belongs to which kind of stream, and which may be asked for by a client.

use super::EventType;
use crate::values::StreamKind;

/// What an event does to the story of its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// Something that happened: it takes a place in the story.
    Statement,
    /// It changes how other statements are read or kept: correction, void, conflict, evidence, legal hold.
    Truth,
    /// Only the engine writes it.
    System,
    /// It acts on proposals.
    Proposal,
    /// It is about the keeping of the log: what was erased of it, what was given to whom.
    Keeping,
}

impl EventType {
    /// What the event does to the story.
    pub fn nature(self) -> Nature {
        match self {
            Self::LogOpened | Self::CommandRefused | Self::LogForked | Self::KeyRotated => Nature::System,
            Self::ErasureAuthorised | Self::ExtractIssued => Nature::Keeping,
            Self::Proposed | Self::Approved | Self::Declined => Nature::Proposal,
            Self::StatementCorrected
            | Self::StatementVoided
            | Self::ConflictFlagged
            | Self::ConflictSettled
            | Self::EvidenceAttached
            | Self::RouteMigrated
            | Self::LegalHoldPlaced
            | Self::LegalHoldLifted => Nature::Truth,
            _ => Nature::Statement,
        }
    }

    /// Whether two persons are always needed, live or late.
    pub fn needs_two_persons(self) -> bool {
        matches!(
            self,
            Self::StatementCorrected
                | Self::StatementVoided
                | Self::RouteMigrated
                | Self::LegalHoldLifted
                | Self::ErasureAuthorised
        )
    }

    /// Whether the event may stand in a stream of this kind.
    pub fn allowed_in(self, kind: StreamKind) -> bool {
        use StreamKind as K;
        match self {
            Self::LogOpened | Self::LogForked | Self::KeyRotated => kind == K::Log,
            Self::CommandRefused | Self::ErasureAuthorised | Self::ExtractIssued => kind == K::Audit,
            Self::Proposed | Self::Approved | Self::Declined => kind == K::Proposal,
            Self::WaveOpened | Self::TimetableChanged => kind == K::Wave,
            Self::RoutePublished | Self::RouteRetired => kind == K::Route,
            Self::OrganisationRegistered
            | Self::OrganisationRenamed
            | Self::OrganisationSucceeded
            | Self::BodyRegistered
            | Self::BodyChanged => kind == K::Organisation,
            Self::RoleGranted | Self::RoleEnded => matches!(kind, K::Log | K::Organisation | K::Transition),
            // Papers state plans, facts and findings about programmes and organisations as well, and one
            // national decision is written on the wave and once more on each transition it serves.
            Self::Planned | Self::FactRecorded | Self::FindingRaised | Self::FindingClosed | Self::GateDecided => {
                matches!(kind, K::Wave | K::Organisation | K::Transition)
            }
            Self::ItemTabled | Self::MeetingHeld | Self::ItemMinuted | Self::InterestDeclared => {
                matches!(kind, K::Meeting | K::Transition)
            }
            Self::StatementCorrected
            | Self::StatementVoided
            | Self::ConflictFlagged
            | Self::ConflictSettled
            | Self::EvidenceAttached
            | Self::LegalHoldPlaced
            | Self::LegalHoldLifted => {
                matches!(kind, K::Wave | K::Organisation | K::Transition | K::Meeting)
            }
            _ => kind == K::Transition,
        }
    }
}
