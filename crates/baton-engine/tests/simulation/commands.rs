//! What clients ask: cheap commands that need no route.

use baton_domain::event::Command;
use serde_json::{Value, json};

/// May record whatever is asked here.
pub(crate) const ADMIN: &str = "admin-1";
/// May record nothing: what he asks is refused, and the refusal recorded.
pub(crate) const STRANGER: &str = "stranger-3";

/// Streams that several clients write to.
pub(crate) const SHARED: [&str; 3] = ["organisation/own:a", "organisation/own:b", "organisation/own:c"];

fn command(stream: &str, event: &str, payload: Value) -> Command {
    serde_json::from_value(json!({
        "stream": stream, "standing": "stated", "type": event, "payload": payload,
        "occurred": { "precision": "day", "text": "1 March 2022", "earliest": "2022-03-01", "latest": "2022-03-01" },
    }))
    .unwrap()
}

/// A new organisation, in a stream of its own, whose name has this many characters.
pub(crate) fn organisation(id: &str, name: usize) -> Command {
    command(&format!("organisation/own:{id}"), "OrganisationRegistered", json!({ "name": "x".repeat(name), "kind": "other" }))
}

/// A note on an organisation; its words are sealed.
pub(crate) fn note(stream: &str, words: &str) -> Command {
    command(stream, "FactRecorded", json!({ "kind": "engagement", "note": { "$open": words } }))
}

/// An organisation has another name; nothing is sealed.
pub(crate) fn renamed(stream: &str, name: &str) -> Command {
    command(stream, "OrganisationRenamed", json!({ "name": name, "effective_on": "2022-03-01" }))
}
