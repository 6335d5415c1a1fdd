//! What an auditor remembers: the newest checkpoint of each log that he accepted, in a file of his own.
//!
//! A log is known by origin and key, and the key is one of his trust file: an operator who names his log
//! anew does not make it forgotten. The notes are kept whole and their signatures checked again: a file in
//! which one does not fit is refused, for what it has forgotten would not be compared.

use super::Stopped;
use super::report::Report;
use super::trust::Trust;
use baton_ledger::{SignedCheckpoint, TrustedKeys};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What the file says it is.
const FORMAT: &str = "baton/auditor/1";

/// Longest state file, in bytes: some thousand logs.
const MAX_STATE: u64 = 1024 * 1024;

/// The remembered checkpoints, by origin and key.
pub(crate) struct State {
    path: PathBuf,
    logs: BTreeMap<(String, String), String>,
}

impl State {
    /// Reads the file; one that is not there remembers nothing.
    ///
    /// # Errors
    /// When it can not be read, or is not such a file.
    pub(crate) fn read(path: &Path) -> Result<Self, Stopped> {
        let usage =
            |why: &dyn std::fmt::Display| Stopped::Usage(format!("failed to read the state file {}: {why}", path.display()));
        let empty = Self { path: path.to_owned(), logs: BTreeMap::new() };
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(empty),
            Err(error) => return Err(usage(&error)),
            Ok(data) if data.len() > MAX_STATE => return Err(usage(&format_args!("it is longer than {MAX_STATE} bytes"))),
            Ok(_) => {}
        }
        let value: Value = serde_json::from_slice(&fs::read(path).map_err(|e| usage(&e))?).map_err(|e| usage(&e))?;
        if value["auditor"] != FORMAT {
            return Err(usage(&format_args!("it does not say that it is {FORMAT}")));
        }
        let mut logs = BTreeMap::new();
        for log in value["logs"].as_array().ok_or_else(|| usage(&"it has no list of logs"))? {
            let text =
                |name: &str| log[name].as_str().map(str::to_owned).ok_or_else(|| usage(&format_args!("a log has no {name}")));
            let (origin, key, note) = (text("origin")?, text("key")?, text("checkpoint")?);
            if !fits(&origin, &key, &note) {
                return Err(usage(&format_args!(
                    "the checkpoint of {origin:?} in it is not one that {key:?} signed, so the file is damaged; put a copy of it back"
                )));
            }
            logs.insert((origin, key), note);
        }
        Ok(Self { logs, ..empty })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is remembered of the log of this origin, under any key that is still trusted.
    pub(super) fn of(&self, origin: &str, trust: &Trust) -> Vec<SignedCheckpoint> {
        let logs = self.logs.iter().filter(|((known, _), _)| known == origin);
        logs.filter_map(|(_, note)| trust.accept(note.as_bytes()).ok()).map(|(checkpoint, _)| checkpoint).collect()
    }

    /// Says what is remembered of this origin under keys that are trusted no more, and so is not compared.
    pub(super) fn warn_of_untrusted(&self, origin: &str, trust: &Trust, report: &mut Report) {
        let untrusted = |note: &str| trust.accept(note.as_bytes()).is_err();
        for ((_, key), _) in self.logs.iter().filter(|((known, _), note)| known == origin && untrusted(note)) {
            report.warn(format!(
                "your state file remembers this log under {key}, which your trust file does not hold: that was not compared. Put its line back beside the others"
            ));
        }
    }

    /// The origins of the logs remembered under keys that are still trusted, with what is remembered.
    pub(crate) fn newest(&self, trust: &Trust) -> Vec<SignedCheckpoint> {
        let origins: std::collections::BTreeSet<&str> = self.logs.keys().map(|(origin, _)| origin.as_str()).collect();
        let newest = |origin| self.of(origin, trust).into_iter().max_by_key(|checkpoint| checkpoint.checkpoint().size);
        origins.into_iter().filter_map(newest).collect()
    }

    /// Remembers a checkpoint that was accepted and found to continue what was remembered, and writes the
    /// file. An older one changes nothing. Durable when it returns.
    ///
    /// # Errors
    /// When the file can not be written; the old one is there then.
    pub(crate) fn remember(&mut self, checkpoint: &SignedCheckpoint, trust: &Trust) -> Result<(), Stopped> {
        let Ok((checkpoint, key)) = trust.accept(checkpoint.note().as_bytes()) else { return Ok(()) };
        let at = (checkpoint.checkpoint().origin.clone(), key);
        let known = self.logs.get(&at).and_then(|note| SignedCheckpoint::parse_unverified(note.as_bytes()).ok());
        if known.is_some_and(|known| known.checkpoint().size >= checkpoint.checkpoint().size) {
            return Ok(());
        }
        self.logs.insert(at, checkpoint.note().to_owned());
        self.write()
            .map_err(|error| Stopped::Unavailable(format!("failed to write the state file {}: {error}", self.path.display())))
    }

    fn write(&self) -> io::Result<()> {
        let log =
            |((origin, key), note): (&(String, String), &String)| json!({ "origin": origin, "key": key, "checkpoint": note });
        let value = json!({ "auditor": FORMAT, "logs": self.logs.iter().map(log).collect::<Vec<_>>() });
        let mut under_way = self.path.clone().into_os_string();
        under_way.push(".writing");
        let mut file = File::create(&under_way)?;
        writeln!(file, "{value:#}")?;
        file.sync_all()?;
        fs::rename(&under_way, &self.path)?;
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    }
}

/// Whether a note is a checkpoint of this log that this key signed, as it was when it was put into the file.
fn fits(origin: &str, key: &str, note: &str) -> bool {
    let signed = TrustedKeys::parse(key).ok().and_then(|key| key.verify(note.as_bytes()).ok());
    signed.is_some_and(|signed| signed.checkpoint().origin == origin)
}
