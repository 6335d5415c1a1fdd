//! Events as a story writes them in memory: without the flattening that a reader of JSON takes apart field by
//! field, which takes twice the time. Stored leaves are another form, and the codec's.

use super::{DoneBy, Event, Gap, Placed, Recorded, Standing, Statement};
use crate::values::{ActId, Evidence, FuzzyDate, PersonId, Position, ProposalId, Revision, StreamId, Text};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

#[derive(Serialize, Deserialize)]
#[serde(remote = "Recorded")]
struct PlainRecorded {
    position: Position,
    stream: StreamId,
    revision: Revision,
    recorded_at: jiff::Timestamp,
    recorded_by: PersonId,
    command_id: uuid::Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approval: Option<ProposalId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    placed: Option<Placed>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<Gap>,
    #[serde(with = "PlainStatement")]
    statement: Statement,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Statement")]
struct PlainStatement {
    standing: Standing,
    occurred: FuzzyDate,
    done_by: DoneBy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    act: Option<ActId>,
    evidence: Arc<[Evidence]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remark: Option<Text>,
    event: Event,
}

pub(crate) fn serialize<S: Serializer>(recorded: &Arc<Recorded>, serializer: S) -> Result<S::Ok, S::Error> {
    PlainRecorded::serialize(recorded, serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Recorded>, D::Error> {
    PlainRecorded::deserialize(deserializer).map(Arc::new)
}

/// Many events.
pub(crate) mod list {
    use super::{Arc, Deserialize, Deserializer, Recorded, Serialize, Serializer};
    use imbl::Vector;

    #[derive(Serialize, Deserialize)]
    struct One(#[serde(with = "super")] Arc<Recorded>);

    pub(crate) fn serialize<S: Serializer>(all: &Vector<Arc<Recorded>>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(all.iter().map(|recorded| One(Arc::clone(recorded))))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vector<Arc<Recorded>>, D::Error> {
        Ok(Vec::<One>::deserialize(deserializer)?.into_iter().map(|One(recorded)| recorded).collect())
    }
}
