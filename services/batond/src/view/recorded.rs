//! Events as they stand in the log.

use super::common::{done_by, evidence, fuzzy_date, gap, id, placed, text, timestamp};
use crate::parse::Word;
use baton_domain::event::Event;
use baton_engine::LogEntry;
use baton_proto::v1 as proto;

/// One event with its stored bytes.
pub fn recorded_event(entry: &LogEntry) -> proto::RecordedEvent {
    let recorded = &entry.recorded;
    let st = &recorded.statement;
    proto::RecordedEvent {
        position: recorded.position.0,
        stream: recorded.stream.to_string(),
        revision: recorded.revision.0,
        r#type: st.event.event_type().to_string(),
        schema_version: entry.schema_version,
        standing: st.standing.number(),
        occurred: Some(fuzzy_date(&st.occurred)),
        done_by: Some(done_by(&st.done_by)),
        recorded_at: Some(timestamp(recorded.recorded_at)),
        recorded_by: recorded.recorded_by.to_string(),
        act: id(st.act.as_ref()),
        approval: id(recorded.approval.as_ref()),
        command_id: recorded.command_id.to_string(),
        evidence: evidence(&st.evidence),
        gaps: recorded.gaps.iter().map(gap).collect(),
        placed: placed(recorded.placed),
        remark: text(st.remark.as_ref()),
        payload_json: payload_json(&st.event),
        leaf: entry.leaf.clone().into(),
        leaf_hash: entry.leaf_hash.to_vec(),
        erased_by: entry.erased_by.map(|by| by.0),
    }
}

/// The payload as JSON for people and programs: absent parts left out, words opened where they may be
/// shown, `null` in the place of words that are erased or withheld.
pub(super) fn payload_json(event: &Event) -> String {
    let whole = serde_json::to_value(event).unwrap_or_default();
    let payload = whole.get("payload").cloned().unwrap_or_default();
    shown(payload).unwrap_or_else(|| serde_json::json!({})).to_string()
}

fn shown(value: serde_json::Value) -> Option<serde_json::Value> {
    use serde_json::Value as V;
    match value {
        V::Null => None,
        V::Array(all) if all.is_empty() => None,
        V::Array(all) => Some(V::Array(all.into_iter().map(|v| shown(v).unwrap_or(V::Null)).collect())),
        V::Object(mut fields) => {
            if let Some(open) = fields.remove("$open") {
                return Some(open);
            }
            if fields.contains_key("$sealed") || fields.contains_key("$erased") {
                return Some(V::Null);
            }
            Some(V::Object(fields.into_iter().filter_map(|(k, v)| shown(v).map(|v| (k, v))).collect()))
        }
        other => Some(other),
    }
}
