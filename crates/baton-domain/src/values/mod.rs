//! Values that cannot be wrong once built.
//!
//! Every type here is parsed once, at the edge; inside, nothing is left to validate.
//! Each serialises as the text a person would write, and refuses on the way back in
//! what it would have refused on the way out.

mod date;
mod evidence;
mod ids;
mod money;
mod numbers;
mod stream;
mod text;
pub(crate) mod written;

pub use date::{Day, FuzzyDate, Precision, london_today};
pub use evidence::{Evidence, Held};
pub use ids::{
    ActId, BodyId, BodyRef, ConflictId, FindingId, FunctionCode, HandoverItemId, HoldId, MeetingId, ObligationId, OrganisationId,
    PairId, PersonId, ProposalId, ServiceCode, TransitionId, WaveId,
};
pub use money::{Money, Rounding};
pub use numbers::{Position, Revision};
pub use stream::{StreamId, StreamKind};
pub use text::{MAX_TEXT, Text, TextError};

/// Why a value was refused: one sentence, lower case, saying what would be accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidValue(pub String);

impl InvalidValue {
    /// A refusal with this sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}
