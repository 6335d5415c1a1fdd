//! Requests are written as JSON, as a client would; answers are read as (field, description).

mod bounds;
mod commands;
mod properties;
mod reads;
mod samples;

use super::{FieldViolation, ParsedRecord, record_request};
use baton_proto::{descriptor_pool, v1 as proto};
use prost::Message;
use prost_reflect::DynamicMessage;
use serde_json::{Value, json};

const ID: &str = "0190f3a2-7c1e-7a55-9b1c-3f2f8d1f0c11";

/// A message of package `baton.v1`, written as JSON.
fn message<M: Message + Default>(name: &str, json: &Value) -> M {
    let descriptor = descriptor_pool().get_message_by_name(&format!("baton.v1.{name}")).expect("a message of the package");
    DynamicMessage::deserialize(descriptor, json)
        .and_then(|m| m.transcode_to().map_err(serde::de::Error::custom))
        .expect("good JSON")
}

fn request(commands: &[Value]) -> proto::RecordRequest {
    message("RecordRequest", &json!({ "command_id": ID, "commands": commands }))
}

/// A stated act of today's transition, with one event.
fn command(event: &str, payload: &Value) -> Value {
    command_in("transition/QUY.DENT.POD-2021", event, payload)
}

fn command_in(stream: &str, event: &str, payload: &Value) -> Value {
    json!({ "stream": stream, "standing": "STANDING_STATED", "occurred": day(), event: payload })
}

/// `base` with the members of `more`.
fn with(mut base: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().expect("an object") {
        base[key] = value.clone();
    }
    base
}

fn day() -> Value {
    json!({ "text": "1 April 2023", "precision": "PRECISION_DAY", "earliest": "2023-04-01", "latest": "2023-04-01" })
}

fn item_completed() -> Value {
    command("item_completed", &json!({ "subject": "workforce_plan" }))
}

fn taken(commands: &[Value]) -> ParsedRecord {
    record_request(&request(commands)).expect("taken")
}

/// What is said against the request.
fn refused(commands: &[Value]) -> Vec<(String, String)> {
    pairs(record_request(&request(commands)).expect_err("refused"))
}

fn pairs(violations: Vec<FieldViolation>) -> Vec<(String, String)> {
    violations.into_iter().map(|v| (v.field, v.description)).collect()
}

/// The one thing said against the request has this field, and its description begins so.
fn refused_at(commands: &[Value], field: &str, description: &str) {
    expect_one(&refused(commands), field, description);
}

fn expect_one(violations: &[(String, String)], field: &str, description: &str) {
    match violations {
        [(at, what)] if at == field && what.starts_with(description) => {}
        other => panic!("wanted {field}: {description}, got {other:?}"),
    }
}
