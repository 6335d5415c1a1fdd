//! `baton rotate-key`: a stopped log goes on under a new signing key.

use super::Context;
use super::server::{PROBE, failure};
use crate::args::{Format, RotateKey};
use crate::exit::Failure;
use batond::KeyPlace;
use serde_json::json;

pub(super) async fn run(cx: &mut Context, args: &RotateKey) -> Result<(), Failure> {
    let person = cx.common.person.clone().ok_or_else(|| Failure::Usage("say who decides it with --person ID".to_owned()))?;
    let old = KeyPlace::given(args.key.clone());
    let asked = batond::Rotation {
        data: args.data.clone(),
        old: old.clone(),
        new: KeyPlace::At(args.new_key.clone()),
        person,
        probe: batond::Store::probed_by_this_program(&[PROBE]).probe,
    };
    let rotated = batond::rotate_key(asked).await.map_err(failure)?;
    if cx.out.format != Format::Table {
        return cx.out.json(&json!({
            "position": rotated.position, "old_key": rotated.old_key, "new_key": rotated.new_key,
            "recorded_before": rotated.recorded_before,
        }));
    }
    let before = if rotated.recorded_before { ", recorded by an earlier attempt" } else { "" };
    cx.out.line(format!("The log changed its key at position {}{before}.", rotated.position))?;
    cx.out.line(format!("Old: {}", rotated.old_key))?;
    cx.out.line(format!("New: {}", rotated.new_key))?;
    cx.out.line(format!(
        "Start it with --key {} from now on; {} opens it no more.",
        args.new_key.display(),
        old.path(&args.data).display()
    ))?;
    cx.out.line(format!(
        "Both public keys stand in {}. Hand the new one to auditors by another way than a bundle; they keep the old one beside it.",
        args.data.join("trust.txt").display()
    ))
}
