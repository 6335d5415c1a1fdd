//! Words beside leaves: opened against their commitments, erased by an event, withheld, or missing.
//!
//! A commitment is SHA-256 over `baton/commit/v1`, a zero byte, the length of the path in four bytes
//! (most significant first), the path as a JSON pointer into the leaf, 32 bytes of salt, and the words.
//! The check is written here from that description, so that it does not share a mistake with the writer.

use super::leaf::Leaf;
use super::manifest::Manifest;
use super::report::Report;
use super::{Stopped, hex, optional, unhex};
use baton_ledger::bounds::MAX_DISCLOSURE;
use baton_ledger::bundle::LogDirectory;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

/// What became of the words of the leaves seen so far.
#[derive(Default)]
pub(super) struct Words {
    /// The leaves for which there is a file.
    files: BTreeSet<u64>,
    /// Leaves that commit to words of which none or not all are disclosed.
    closed: BTreeSet<u64>,
    /// Leaves whose words are disclosed, wholly.
    open: BTreeSet<u64>,
    /// By which event the words of a leaf were erased.
    erased: BTreeMap<u64, u64>,
    commitments: u64,
    opened: u64,
}

impl Words {
    /// Lists the disclosures of a bundle.
    pub(super) fn list(dir: &Path, report: &mut Report) -> Result<Self, Stopped> {
        let dir = dir.join("disclosures");
        let failed = |error: io::Error| Stopped::Unavailable(format!("failed to list {}: {error}", dir.display()));
        let mut files = BTreeSet::new();
        let listed = match std::fs::read_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            listed => listed.map_err(failed)?,
        };
        for entry in listed {
            let name = entry.map_err(failed)?.file_name();
            let index = name.to_str().and_then(|name| name.strip_suffix(".json")).and_then(|name| name.parse::<u64>().ok());
            match index.filter(|index| name.to_str() == Some(&format!("{index}.json"))) {
                Some(index) => drop(files.insert(index)),
                None => report
                    .warn(format!("disclosures/{} is not the file of any leaf and was not looked at", name.to_string_lossy())),
            }
        }
        Ok(Self { files, ..Self::default() })
    }

    /// Takes a leaf in its place in the log.
    pub(super) fn take(
        &mut self,
        index: u64,
        leaf: &Leaf,
        bytes: &[u8],
        files: &LogDirectory,
        report: &mut Report,
    ) -> Result<(), Stopped> {
        if leaf.is("ErasureAuthorised") {
            let named = leaf.payload()["positions"].as_array().into_iter().flatten().filter_map(Value::as_u64);
            for position in named {
                self.erased.entry(position).or_insert(index);
            }
        }
        let commitments = leaf.commitments(bytes);
        self.commitments += commitments.len() as u64;
        if self.files.remove(&index) {
            let path = format!("disclosures/{index}.json");
            let Some(disclosure) = optional(files.file(&path, MAX_DISCLOSURE), report)? else { return Ok(()) };
            match open(&disclosure, &commitments) {
                Ok(opened) => {
                    self.opened += opened;
                    if opened == commitments.len() as u64 {
                        self.open.insert(index);
                        return Ok(());
                    }
                }
                Err(why) => report.fail(Some(index), format!("{path}: {why}")),
            }
        }
        if !commitments.is_empty() {
            self.closed.insert(index);
        }
        Ok(())
    }

    /// Says what became of all words, once every leaf was taken.
    pub(super) fn finish(mut self, manifest: Option<&Manifest>, report: &mut Report) {
        for index in std::mem::take(&mut self.files) {
            report.fail(Some(index), format!("disclosures/{index}.json is there and its leaf is not in the bundle"));
        }
        let (mut withheld, mut erased) = (0, 0);
        for index in &self.closed {
            let promised = manifest.is_some_and(|manifest| manifest.disclosed.contains(*index));
            let said_erased = manifest.is_some_and(|manifest| manifest.erased.contains(*index));
            match self.erased.get(index) {
                _ if promised => report.fail(Some(*index), "its words are missing: bundle.json says that they are in the bundle"),
                Some(by) => {
                    erased += 1;
                    report.erased(*index, *by);
                }
                None if said_erased => {
                    report.fail(
                        Some(*index),
                        "its words are missing: bundle.json says that they were erased, and no event in the bundle authorises it",
                    );
                }
                None if manifest.is_some_and(|manifest| manifest.with_words) => {
                    report.fail(
                        Some(*index),
                        "its words are missing: the bundle was asked for with words, and nothing says why they are not there",
                    );
                }
                None => withheld += 1,
            }
        }
        for (index, by) in self.erased.iter().filter(|(index, _)| self.open.contains(index)) {
            report.warn(format!("the words of position {index} are in the bundle although event {by} authorised their erasure"));
        }
        report.words(self.commitments, self.opened, withheld, erased);
    }
}

/// Opens commitments and says how many. Whatever is disclosed must open the commitment at its path.
fn open(disclosure: &[u8], commitments: &[(String, String)]) -> Result<u64, String> {
    let value: Value = serde_json::from_slice(disclosure).map_err(|error| format!("it is not JSON: {error}"))?;
    let Value::Object(openings) = value else { return Err("it is not a JSON object".to_owned()) };
    for (path, opening) in &openings {
        let (Some(salt), Some(words)) = (opening["salt"].as_str().and_then(unhex), opening["value"].as_str()) else {
            return Err(format!("{path} has no salt of 64 hexadecimal digits, or no value"));
        };
        let Some((_, commitment)) = commitments.iter().find(|(committed, _)| committed == path) else {
            return Err(format!("the leaf commits to nothing at {path}"));
        };
        let length = u32::try_from(path.len()).map_err(|_| "a path is too long".to_owned())?;
        let mut hasher = Sha256::new();
        hasher.update(b"baton/commit/v1\0");
        hasher.update(length.to_be_bytes());
        hasher.update(path.as_bytes());
        hasher.update(salt);
        hasher.update(words.as_bytes());
        if hex(&hasher.finalize().into()) != *commitment {
            return Err(format!("the words at {path} do not open the commitment of the leaf"));
        }
    }
    Ok(openings.len() as u64)
}
