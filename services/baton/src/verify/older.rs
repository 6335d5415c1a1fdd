//! Older checkpoints: those in the bundle, and those the auditor remembers.

use super::forks::Forks;
use super::manifest::Manifest;
use super::report::Report;
use super::{Evidence, Stopped, optional};
use baton_ledger::bounds::MAX_NOTE;
use baton_ledger::{Checkpoint, CheckpointError, SignedCheckpoint};
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

/// Most older checkpoints that are looked at; a bundle has far fewer.
const MAX_OLDER: usize = 10_000;

/// An older checkpoint. Its signature was accepted, or is still to be explained by a change of the log's key.
pub(super) struct Older {
    pub(super) checkpoint: Checkpoint,
    /// Whether the auditor remembers it; else it lies in the bundle.
    pub(super) remembered: bool,
    /// The note it was read from.
    pub(super) note: SignedCheckpoint,
    /// Whether a key of the auditor's signed it.
    pub(super) trusted: bool,
}

impl Older {
    /// How many leaves it covers.
    pub(super) fn size(&self) -> u64 {
        self.checkpoint.size
    }

    /// How to call it in sentences.
    pub(super) fn name(&self) -> String {
        let Checkpoint { origin, size, .. } = &self.checkpoint;
        match self.remembered {
            true => format!("the checkpoint of {origin} at size {size} that you remember"),
            false => format!("checkpoints/{size}.note"),
        }
    }

    /// Says that the log continues it.
    pub(super) fn holds(&self, report: &mut Report) {
        if self.remembered {
            report.remembers(self.checkpoint.size);
        }
    }
}

/// All older checkpoints, by size. What is beyond the bundle or of another log is a failure at once.
pub(super) fn read(
    evidence: &Evidence<'_>,
    dir: &Path,
    manifest: Option<&Manifest>,
    forks: &Forks,
    report: &mut Report,
) -> Result<Vec<Older>, Stopped> {
    let newest = evidence.checkpoint.checkpoint();
    let mut older = Vec::new();
    for note in evidence.remembered {
        let remembered = note.checkpoint();
        if remembered.size > newest.size && !evidence.live {
            report.fail(
                Some(newest.size),
                format!(
                    "you remember this log with {} events and the bundle ends after {}: the rest was cut off, or the bundle is an old one",
                    remembered.size, newest.size
                ),
            );
        } else if (1..=newest.size).contains(&remembered.size) {
            older.push(Older { checkpoint: remembered.clone(), remembered: true, note: note.clone(), trusted: true });
        }
    }
    for note in forks.remembered(evidence, report) {
        older.push(Older { checkpoint: note.checkpoint().clone(), remembered: true, note, trusted: true });
    }
    let there = sizes(&dir.join("checkpoints"), report)?;
    let promised = manifest.map(|manifest| manifest.checkpoints.iter().copied().collect::<BTreeSet<u64>>()).unwrap_or_default();
    for size in there.union(&promised) {
        let path = format!("checkpoints/{size}.note");
        let Some(note) = optional(evidence.files.file(&path, MAX_NOTE), report)? else { continue };
        let (accepted, trusted) = match evidence.trust.accept(&note) {
            // Of the log's key at that time, perhaps: its leaves tell.
            Err(CheckpointError::Untrusted { .. }) => (SignedCheckpoint::parse_unverified(&note), false),
            accepted => (accepted.map(|(signed, _)| signed), true),
        };
        match accepted {
            Err(error) => report.fail(None, format!("{path}: {error}")),
            Ok(signed) if signed.checkpoint().size != *size => {
                report.fail(None, format!("{path} is of size {}", signed.checkpoint().size));
            }
            Ok(signed) if signed.checkpoint().origin != forks.origin(*size, &newest.origin) => {
                let (is, was) = (&signed.checkpoint().origin, forks.origin(*size, &newest.origin));
                report.fail(None, format!("{path} is of {is:?}, and at size {size} the log was {was:?}"));
            }
            Ok(signed) if signed.checkpoint().size > newest.size => {
                report
                    .fail(None, format!("{path} is newer than the checkpoint of the bundle, which ends at size {}", newest.size));
            }
            Ok(signed) => {
                older.push(Older { checkpoint: signed.checkpoint().clone(), remembered: false, note: signed, trusted });
            }
        }
    }
    older.sort_by_key(|older| older.checkpoint.size);
    Ok(older)
}

/// The sizes for which there is a note.
fn sizes(dir: &Path, report: &mut Report) -> Result<BTreeSet<u64>, Stopped> {
    let failed = |error: io::Error| Stopped::Unavailable(format!("failed to list {}: {error}", dir.display()));
    let mut sizes = BTreeSet::new();
    let listed = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(sizes),
        listed => listed.map_err(failed)?,
    };
    for entry in listed {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        match name.split_once('.').and_then(|(size, kind)| Some((size.parse::<u64>().ok()?, kind))) {
            Some((size, "note")) if format!("{size}.note") == name && sizes.len() < MAX_OLDER => drop(sizes.insert(size)),
            Some((_, "consistency")) => {}
            _ => report.warn(format!("checkpoints/{name} is not an older checkpoint and was not looked at")),
        }
    }
    Ok(sizes)
}

/// Says once what follows from what the auditor remembers, or that there is nothing.
pub(super) fn first_contact(evidence: &Evidence<'_>, older: &[Older], report: &mut Report) {
    if !evidence.remembered.is_empty() {
        return;
    }
    let how = match evidence.state {
        Some(_) => "your state file holds no earlier checkpoint of this log",
        None => "no --state was given",
    };
    let since = match older.iter().rfind(|older| older.remembered).map(Older::size) {
        Some(size) => format!("after the {size} events that you remember from before the fork and "),
        None => String::new(),
    };
    report.cannot_exclude(format!(
        "trust on first use: {how}, so a history that was rewritten and signed again {since}before this checkpoint would look the same"
    ));
}
