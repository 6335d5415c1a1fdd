//! The keys the auditor brought.

use super::Stopped;
use super::report::Report;
use super::state::State;
use baton_ledger::{CheckpointError, SignedCheckpoint, TrustedKeys};
use std::path::{Path, PathBuf};

/// Longest trust file, in bytes.
const MAX_TRUST: u64 = 64 * 1024;

/// A trust file.
pub(crate) struct Trust {
    path: PathBuf,
    keys: TrustedKeys,
}

impl Trust {
    /// Reads the auditor's trust file.
    ///
    /// # Errors
    /// When it can not be read, or is none.
    pub(crate) fn read(path: &Path) -> Result<Self, Stopped> {
        let usage =
            |why: &dyn std::fmt::Display| Stopped::Usage(format!("failed to read the trust file {}: {why}", path.display()));
        let length = std::fs::metadata(path).map_err(|error| usage(&error))?.len();
        if length > MAX_TRUST {
            return Err(usage(&format_args!("it is longer than {MAX_TRUST} bytes")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| usage(&error))?;
        let keys = TrustedKeys::parse(&text).map_err(|error| usage(&error))?;
        Ok(Self { path: path.to_owned(), keys })
    }

    /// Accepts a note that a trusted key signed for its origin, and says which key.
    ///
    /// # Errors
    /// See [`CheckpointError`].
    pub(super) fn accept(&self, note: &[u8]) -> Result<(SignedCheckpoint, String), CheckpointError> {
        let checkpoint = self.keys.verify(note)?;
        let signs = |line: &&str| TrustedKeys::parse(line).is_ok_and(|key| key.verify(note).is_ok());
        let key = self.keys.keys().find(signs).unwrap_or_default().to_owned();
        Ok((checkpoint, key))
    }

    pub(super) fn keys(&self) -> &TrustedKeys {
        &self.keys
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is a key of this origin.
    pub(super) fn knows(&self, origin: &str) -> bool {
        self.keys.keys().any(|line| line.split_once('+').is_some_and(|(name, _)| name == origin))
    }

    pub(super) fn holds(&self, key: &str) -> bool {
        self.keys.keys().any(|line| line == key)
    }

    /// What to do about a checkpoint that none of these keys signed and that comes without the leaves that may tell why.
    pub(super) fn warn_of_changes(&self, report: &mut Report) {
        report.warn(format!(
            "a log may change its key, or go on under another origin: a whole bundle, verified with --bundle and the keys you hold, says whether this one did and at which event. {} is to hold the line of every key that the log had",
            self.path.display()
        ));
    }

    /// Warns when the auditor's files lie where the operator may write.
    pub(super) fn warn(&self, bundle: &Path, state: Option<&State>, report: &mut Report) {
        let own = [("trust", Some(self.path.as_path())), ("state", state.map(State::path))];
        for (name, path) in own.into_iter().filter_map(|(name, path)| Some((name, path?))) {
            let Ok(path) = path.canonicalize() else { continue };
            if bundle.canonicalize().is_ok_and(|bundle| path.starts_with(bundle)) {
                report.warn(format!(
                    "the {name} file lies inside the bundle: whoever made the bundle made it too, so it proves nothing; use one that you got by another way"
                ));
            } else if let Some(data) = path.ancestors().skip(1).find(|dir| is_data_directory(dir)) {
                report.warn(format!(
                    "the {name} file lies in the data directory {}: the operator can change it, so it proves nothing; use a copy that you keep yourself",
                    data.display()
                ));
            }
        }
    }
}

/// Whether a log is kept here, by the mark its ledger makes.
fn is_data_directory(dir: &Path) -> bool {
    std::fs::read(dir.join("FORMAT")).is_ok_and(|format| format.starts_with(b"baton-ledger "))
}
