//! `baton restore`: a data directory from an archive or a backup.

use super::Context;
use super::server::failure;
use crate::args::{Format, Restore};
use crate::exit::Failure;
use baton_ledger::TrustedKeys;
use baton_ledger::archive::{ArchiveError, RestoreError, RestoreKeys, Restored, Restoring, restore};
use batond::{KeyPlace, StartError};
use serde_json::json;
use std::path::Path;

pub(super) async fn run(cx: &mut Context, args: &Restore) -> Result<(), Failure> {
    let key = KeyPlace::given(args.key.clone()).read(&args.data).map_err(failure)?;
    let asked = Restoring {
        from: args.from.clone(),
        data: args.data.clone(),
        keys: match (args.keys.clone(), args.keys_lost) {
            (None, _) => RestoreKeys::Lost,
            (Some(keys), true) => RestoreKeys::Rest(keys),
            (Some(keys), false) => RestoreKeys::File(keys),
        },
        key,
        last_known: args.last_known.as_deref().map(read).transpose()?,
        trust: args.trust.as_deref().map(trust).transpose()?,
        older_copy: args.older_copy,
        erased: baton_engine::erased_by,
        read_succession: baton_engine::key_succession,
    };
    let restored = tokio::task::spawn_blocking(move || restore(asked)).await;
    let restored =
        restored.map_err(|error| Failure::Unavailable(format!("the restore ended early: {error}")))?.map_err(refused)?;
    say(cx, args, &restored)
}

fn say(cx: &mut Context, args: &Restore, restored: &Restored) -> Result<(), Failure> {
    let head = restored.checkpoint.checkpoint();
    if cx.out.format != Format::Table {
        return cx.out.json(&json!({
            "data": args.data, "origin": head.origin, "size": head.size, "erased_again": restored.erased,
            "words_gone": restored.gone.iter().map(|position| position.0).collect::<Vec<_>>(),
            "missing": restored.missing, "checkpoint": restored.checkpoint.note(),
        }));
    }
    cx.out.line(format!(
        "Restored {} events of {} into {}; all of them were checked.",
        head.size,
        head.origin,
        args.data.display()
    ))?;
    if restored.erased > 0 {
        cx.out.line(format!("The words of {} events were erased again, as the log says.", restored.erased))?;
    }
    if let [first, ..] = restored.gone.as_slice() {
        let count = restored.gone.len();
        cx.out.line(format!("The words of {count} events are gone, the first at position {first}: no key opened them."))?;
    }
    match restored.missing {
        0 => cx.out.line(format!(
            "If anybody holds a checkpoint of more than {} events, do not serve this copy: fork it with baton fork.",
            head.size
        )),
        missing => cx.out.line(format!(
            "The last {missing} events that are known are missing. This copy can only go on as a fork: baton fork --data {}",
            args.data.display()
        )),
    }
}

/// Why nothing was restored, for programs that called us.
pub(super) fn refused(error: RestoreError) -> Failure {
    match error {
        RestoreError::Open(error) => failure(StartError::Store(error)),
        RestoreError::Archive(ArchiveError::Damaged { .. } | ArchiveError::Checkpoint { .. }) => {
            Failure::Damage(with_cause(&error))
        }
        RestoreError::Io { .. } | RestoreError::Archive(ArchiveError::Io { .. }) => Failure::Unavailable(with_cause(&error)),
        _ => Failure::Refused(with_cause(&error)),
    }
}

/// A sentence with its causes, each said once.
pub(super) fn with_cause(error: &dyn std::error::Error) -> String {
    let mut sentence = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        if !sentence.contains(&deeper.to_string()) {
            sentence = format!("{sentence}: {deeper}");
        }
        cause = deeper.source();
    }
    sentence
}

/// The public keys in a file of the caller's own.
pub(super) fn trust(path: &Path) -> Result<TrustedKeys, Failure> {
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    TrustedKeys::parse(&text).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))
}

/// A file that was named on the command line.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::Usage(format!("failed to read {}: {error}", path.display())))
}
