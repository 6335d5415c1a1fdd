//! `bundle.json`: what the bundle says is in it. Nobody signed it; it is compared and never believed.

use super::report::Report;
use super::{Stopped, optional};
use baton_ledger::Checkpoint;
use baton_ledger::bundle::LogDirectory;
use serde_json::Value;

/// The file.
const FILE: &str = "bundle.json";

/// Longest `bundle.json`, in bytes.
const MAX_MANIFEST: usize = 16 * 1024 * 1024;

/// What it says it is.
const FORMAT: &str = "baton/bundle/1";

/// What a bundle promises.
pub(super) struct Manifest {
    /// The transition it is about; `None` for the whole log.
    pub(super) transition: Option<String>,
    /// Whether words that are not erased were put in.
    pub(super) with_words: bool,
    origin: String,
    size: u64,
    /// The leaves that are in it.
    pub(super) leaves: Ranges,
    /// The leaves whose words are in it.
    pub(super) disclosed: Ranges,
    /// The leaves whose words are said to be erased.
    pub(super) erased: Ranges,
    /// The sizes of the older checkpoints in it.
    pub(super) checkpoints: Vec<u64>,
}

/// Positions, as first and last of each run.
#[derive(Debug, Clone, Default)]
pub(super) struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    fn read(value: &Value) -> Option<Self> {
        let pair = |pair: &Value| match pair.as_array()?.as_slice() {
            [first, last] => Some((first.as_u64()?, last.as_u64()?)).filter(|(first, last)| first <= last),
            _ => None,
        };
        let mut ranges: Vec<_> = value.as_array()?.iter().map(pair).collect::<Option<_>>()?;
        ranges.sort_unstable();
        Some(Self(ranges))
    }

    pub(super) fn contains(&self, position: u64) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= position);
        self.0[..after].last().is_some_and(|(_, last)| position <= *last)
    }

    /// The positions, one by one.
    pub(super) fn positions(&self) -> impl Iterator<Item = u64> {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }
}

/// Reads it; `None` when there is none, or when it is malformed, which the report then says.
pub(super) fn read(files: &LogDirectory, report: &mut Report) -> Result<Option<Manifest>, Stopped> {
    let bytes = match files.file(FILE, MAX_MANIFEST) {
        Err(baton_ledger::bundle::BundleError::Missing { .. }) => return Ok(None),
        read => optional(read, report)?,
    };
    let Some(bytes) = bytes else { return Ok(None) };
    let manifest = serde_json::from_slice(&bytes).ok().and_then(|value| parse(&value));
    if manifest.is_none() {
        report.fail(None, format!("{FILE} is malformed, or not of format {FORMAT}"));
    }
    Ok(manifest)
}

fn parse(value: &Value) -> Option<Manifest> {
    let asked = &value["asked"];
    Some(Manifest {
        transition: match &asked["transition"] {
            Value::Null => None,
            id => Some(id.as_str()?.to_owned()),
        },
        with_words: asked["with_words"].as_bool()?,
        origin: value["origin"].as_str().filter(|_| value["bundle"] == FORMAT)?.to_owned(),
        size: value["size"].as_u64()?,
        leaves: Ranges::read(&value["leaves"])?,
        disclosed: Ranges::read(&value["disclosed"])?,
        erased: Ranges::read(&value["erased"])?,
        checkpoints: value["checkpoints"].as_array()?.iter().map(Value::as_u64).collect::<Option<_>>()?,
    })
}

impl Manifest {
    /// Whether it speaks of the log that the checkpoint is of.
    pub(super) fn compare(&self, checkpoint: &Checkpoint, report: &mut Report) {
        if (self.origin.as_str(), self.size) != (checkpoint.origin.as_str(), checkpoint.size) {
            report.fail(
                None,
                format!(
                    "bundle.json speaks of {:?} at size {}, and the checkpoint is of {:?} at size {}",
                    self.origin, self.size, checkpoint.origin, checkpoint.size
                ),
            );
        }
    }
}
