//! `baton fork`: a restored older copy goes on under a new origin.

use super::Context;
use super::restore::{read, trust};
use super::server::{PROBE, failure};
use crate::args::{Fork, Format};
use crate::exit::Failure;
use batond::KeyPlace;
use serde_json::json;

pub(super) async fn run(cx: &mut Context, args: &Fork) -> Result<(), Failure> {
    let person = cx.common.person.clone().ok_or_else(|| Failure::Usage("say who decides it with --person ID".to_owned()))?;
    let asked = batond::Fork {
        data: args.data.clone(),
        key: KeyPlace::At(args.key.clone()),
        origin: args.origin.clone(),
        last_known: args.last_known.as_deref().map(read).transpose()?,
        trust: args.trust.as_deref().map(trust).transpose()?,
        person,
        note: args.note.clone(),
        probe: batond::Store::probed_by_this_program(&[PROBE]).probe,
    };
    let forked = batond::fork(asked).await.map_err(failure)?;
    if cx.out.format != Format::Table {
        return cx.out.json(&json!({
            "old_origin": forked.old_origin, "new_origin": args.origin, "restored_size": forked.restored_size,
            "last_known_size": forked.last_known_size, "recorded_before": forked.recorded_before,
        }));
    }
    let before = if forked.recorded_before { ", recorded by an earlier attempt" } else { "" };
    cx.out.line(format!(
        "The log of {} goes on as {} after {} events; position {} says so{before}.",
        forked.old_origin, args.origin, forked.restored_size, forked.restored_size
    ))?;
    let missing = forked.last_known_size.saturating_sub(forked.restored_size);
    cx.out.line(format!("Of the old origin {} events are known, so {missing} are missing.", forked.last_known_size))?;
    cx.out.line(format!(
        "New signing key: {}. Its public half is a new line of {}.",
        args.key.display(),
        args.data.join("trust.txt").display()
    ))?;
    cx.out.line("Begin a new archive for it, and hand the new public key to auditors.")
}
