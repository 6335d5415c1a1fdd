//! Verification: whether evidence proves what it says, for somebody who trusts nobody but himself.
//!
//! Works on files alone: no network, no server code, no rules of the domain. It rests on
//! `baton-ledger` for the standard formats, on SHA-256 for commitments, and on keys and remembered
//! checkpoints from the auditor's own files; a test guards that nothing else is used. Every leaf is
//! hashed, the tree is built again, and default is no: what cannot be shown is a failure or is named
//! among what the evidence cannot exclude.
//!
//! It deliberately does not replay rules, read routes or judge whether what was recorded is true.
//! Memory grows by 64 bytes a record, for the tree, and by one number a stream; leaves pass through.

mod forks;
mod leaf;
mod live;
mod log;
mod manifest;
mod older;
mod receipt;
mod report;
mod rotation;
mod state;
mod successor;
mod transition;
mod trust;
mod words;

#[cfg(test)]
mod tests;

use baton_ledger::bundle::{BundleError, CHECKPOINT, LogDirectory};
use baton_ledger::{CheckpointError, NodeHash, SignedCheckpoint};
use std::path::Path;

pub(crate) use live::live;
pub(crate) use receipt::receipt;
pub(crate) use report::{Kind, Report};
pub(crate) use state::State;
pub(crate) use trust::Trust;

/// Why nothing could be verified: not a judgement on the evidence.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// A file of the auditor, or the name of the evidence, is not as it must be.
    Usage(String),
    /// The system refused.
    Unavailable(String),
}

/// Verifies a bundle, or the archive of a log. `progress` is told how many leaves of how many are done.
/// With `live`, what a bundle can not show of what the auditor remembers is left to [`live`]. Gives the
/// bundle's checkpoint too, once its signature was accepted.
///
/// # Errors
/// Only when nothing can be judged; whatever is wrong with the evidence is in the report.
pub(crate) fn bundle(
    dir: &Path,
    trust: &Trust,
    state: Option<&State>,
    live: bool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(Report, Option<SignedCheckpoint>), Stopped> {
    if !dir.is_dir() {
        return Err(Stopped::Usage(format!("{} is not a directory", dir.display())));
    }
    let files = LogDirectory::new(dir);
    let mut report = Report::new(Kind::Log, dir.display().to_string());
    trust.warn(dir, state, &mut report);
    let manifest = manifest::read(&files, &mut report)?;
    let plain = dir.join("tile").is_dir() || dir.join(CHECKPOINT).is_file();
    if manifest.is_none() && report.failures().is_empty() {
        if !plain {
            let what = format!("{} is no bundle: it has neither bundle.json nor a checkpoint", dir.display());
            return Err(Stopped::Usage(what));
        }
        report.warn(
            "there is no bundle.json: this is an archive, or an export that did not end; what should be in it is not known",
        );
    }
    let Some(checkpoint) = checkpoint(dir, &files, trust, &mut report)? else { return Ok((report, None)) };
    if let Some(manifest) = &manifest {
        manifest.compare(checkpoint.checkpoint(), &mut report);
    }
    if let Some(state) = state {
        state.warn_of_untrusted(&checkpoint.checkpoint().origin, trust, &mut report);
    }
    let remembered = state.map(|state| state.of(&checkpoint.checkpoint().origin, trust)).unwrap_or_default();
    let evidence = Evidence { dir, files: &files, checkpoint: &checkpoint, remembered: &remembered, trust, state, live };
    match manifest.as_ref().and_then(|manifest| manifest.transition.as_deref().map(|id| (manifest, id))) {
        Some((manifest, id)) => transition::verify(&evidence, manifest, id, &mut report)?,
        None => log::verify(&evidence, manifest.as_ref(), &mut report, progress)?,
    }
    Ok((report, Some(checkpoint)))
}

/// What every part of a verification looks at.
struct Evidence<'e> {
    dir: &'e Path,
    files: &'e LogDirectory,
    /// The bundle's checkpoint; its signature was accepted.
    checkpoint: &'e SignedCheckpoint,
    /// What the auditor remembers of this log under its newest origin.
    remembered: &'e [SignedCheckpoint],
    trust: &'e Trust,
    state: Option<&'e State>,
    /// Whether a server is asked afterwards.
    live: bool,
}

/// The newest checkpoint of the bundle, once a trusted key is seen to have signed it.
fn checkpoint(dir: &Path, files: &LogDirectory, trust: &Trust, report: &mut Report) -> Result<Option<SignedCheckpoint>, Stopped> {
    let Some(note) = optional(files.checkpoint(), report)? else { return Ok(None) };
    match trust.accept(&note) {
        Ok((checkpoint, key)) => {
            report.signed(checkpoint.checkpoint(), &key);
            Ok(Some(checkpoint))
        }
        Err(error) => {
            report.fail(None, format!("checkpoint: {error}"));
            if matches!(error, CheckpointError::Untrusted { .. }) {
                successor::explain(dir, files, trust, &note, report)?;
            }
            Ok(None)
        }
    }
}

/// What was read; a file that is missing or malformed is a failure of the evidence.
fn optional<T>(read: Result<T, BundleError>, report: &mut Report) -> Result<Option<T>, Stopped> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error @ BundleError::Io { .. }) => Err(Stopped::Unavailable(error.to_string())),
        Err(error) => {
            report.fail(None, error.to_string());
            Ok(None)
        }
    }
}

/// 32 bytes as 64 lower-case digits.
fn hex(bytes: &NodeHash) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What [`hex`] writes so, and nothing else.
fn unhex(text: &str) -> Option<NodeHash> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let digits: [u8; 64] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}
