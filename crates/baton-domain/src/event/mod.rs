//! Events: what happened, in a closed set whose meaning rules depend on.

mod envelope;
mod payloads;
pub(crate) mod plain;
mod sealed;
mod streams;
mod words;

pub use crate::route::{BodyKind, YesNo};
pub use envelope::{Command, Correction, DoneBy, Gap, GapKind, Place, Placed, Recorded, Statement};
pub use payloads::*;
pub(crate) use sealed::holds_words;
pub use sealed::{sealed_fields, without_words};
pub use streams::Nature;
pub use words::*;

use serde::{Deserialize, Serialize};

/// Declares the closed set of events and their types. To add one, add its payload and a line here;
/// the compiler then names every place that must take notice.
macro_rules! events {
    ($($name:ident),+ $(,)?) => {
        /// An event: an immutable statement in the past tense. What it says is boxed, because the largest
        /// payload is many times the usual one.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "type", content = "payload")]
        pub enum Event { $(#[doc = concat!("See [`", stringify!($name), "`].")] $name(Box<$name>)),+ }

        /// The type of an event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum EventType { $(#[doc = concat!("See [`", stringify!($name), "`].")] $name),+ }

        impl Event {
            /// The type of this event.
            pub fn event_type(&self) -> EventType {
                match self { $(Self::$name(_) => EventType::$name),+ }
            }
        }

        impl EventType {
            /// Every type, in the order of the glossary.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name as stored and shown.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }
        }

        $(impl From<$name> for Event {
            fn from(payload: $name) -> Self {
                Self::$name(Box::new(payload))
            }
        })+
    };
}

events! {
    LogOpened,
    WaveOpened,
    TimetableChanged,
    RoutePublished,
    RouteRetired,
    OrganisationRegistered,
    OrganisationRenamed,
    OrganisationSucceeded,
    BodyRegistered,
    BodyChanged,
    RoleGranted,
    RoleEnded,
    TransitionRegistered,
    RouteMigrated,
    TransitionSucceeded,
    TransferredByStatute,
    RoundOpened,
    Planned,
    ExpressionOfInterestSubmitted,
    ExpressionOfInterestEndorsed,
    ExpressionOfInterestWithdrawn,
    ChecklistAnswered,
    ChecklistCorroborated,
    AssessmentSubmitted,
    DueDiligenceStageCompleted,
    FindingRaised,
    FindingClosed,
    GateDecided,
    ObligationRaised,
    ObligationChanged,
    ObligationDischarged,
    ItemCompleted,
    ItemVerified,
    AgreementSigned,
    AgreementVaried,
    FunctionAllocated,
    SenderReceiverPaired,
    HandoverItemListed,
    HandoverItemSent,
    HandoverItemAccepted,
    HandoverItemReturned,
    DelegationCommenced,
    AssuranceRated,
    TerminationNoticeServed,
    DelegationEnded,
    FactRecorded,
    EvidenceAttached,
    StatementCorrected,
    StatementVoided,
    ConflictFlagged,
    ConflictSettled,
    Proposed,
    Approved,
    Declined,
    ItemTabled,
    MeetingHeld,
    ItemMinuted,
    InterestDeclared,
    DecisionPackFrozen,
    CommandRefused,
    ErasureAuthorised,
    LegalHoldPlaced,
    LegalHoldLifted,
    ExtractIssued,
    LogForked,
    KeyRotated,
}

impl std::fmt::Display for EventType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for EventType {
    type Err = crate::values::InvalidValue;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|t| t.as_str() == text).ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            crate::values::InvalidValue::new(format!("{shown:?} is not an event type, such as GateDecided"))
        })
    }
}
