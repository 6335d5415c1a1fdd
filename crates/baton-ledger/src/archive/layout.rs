//! The directory of an archive: its form, and whose it is.
//!
//! FORMAT is written first, into a directory that is empty: an archive that was only begun is an empty
//! one. It names the digest by which a key file of another log is known.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::{ArchiveError, damaged, io_at};
use crate::bounds::MAX_NOTE;
use crate::proof::SignedCheckpoint;
use crate::storage::files::{sync_dir, write_synced};

const FORMAT: &str = "baton-archive 1";
const KEY_CHECK: &str = "key-check ";

/// Paths in an archive.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) dir: PathBuf,
}

impl Layout {
    pub(super) fn new(dir: &Path) -> Self {
        Layout { dir: dir.to_owned() }
    }

    pub(super) fn chunks(&self) -> PathBuf {
        self.dir.join("chunks")
    }

    pub(super) fn checkpoint(&self) -> PathBuf {
        self.dir.join("checkpoint")
    }

    fn format(&self) -> PathBuf {
        self.dir.join("FORMAT")
    }

    /// Begins an archive in an empty directory. Durable when it returns.
    pub(super) fn begin(&self, key_check: &[u8; 32]) -> Result<(), ArchiveError> {
        let draft = self.dir.join("FORMAT.new");
        let text = format!("{FORMAT}\n{KEY_CHECK}{}\n", hex(key_check));
        let written = write_synced(&draft, text.as_bytes()).and_then(|()| fs::rename(&draft, self.format()));
        written.and_then(|()| sync_dir(&self.dir)).map_err(io_at("write", &self.format()))
    }

    /// Whether there is an archive here, with its key check; `None` for a new or empty directory.
    pub(super) fn read(&self) -> Result<Option<[u8; 32]>, ArchiveError> {
        let refuse = |why: String| Err(ArchiveError::NotAnArchive { dir: self.dir.clone(), why });
        let text = match fs::read_to_string(self.format()) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return match self.foreign()? {
                    Some(name) => refuse(format!("it holds {name} and no FORMAT file")),
                    None => Ok(None),
                };
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return refuse("its FORMAT file is no text".to_owned()),
            Err(source) => return Err(io_at("read", &self.format())(source)),
        };
        let mut lines = text.lines();
        match lines.next() {
            Some(FORMAT) => {}
            Some(other) => return refuse(format!("its FORMAT is {other:?}, this release knows {FORMAT:?}")),
            None => return refuse("its FORMAT file is empty".to_owned()),
        }
        let check = lines.next().and_then(|line| line.strip_prefix(KEY_CHECK)).and_then(unhex);
        match check {
            Some(check) => Ok(Some(check)),
            None => Err(damaged(&self.format(), "its key check cannot be read")),
        }
    }

    /// A file here that no beginning of an archive leaves behind.
    fn foreign(&self) -> Result<Option<String>, ArchiveError> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(io_at("list", &self.dir)(source)),
        };
        for entry in entries {
            let name = entry.map_err(io_at("list", &self.dir))?.file_name();
            if name != "FORMAT.new" && name != "lost+found" {
                return Ok(Some(name.to_string_lossy().into_owned()));
            }
        }
        Ok(None)
    }

    /// The checkpoint, its signature not checked; `None` when none was written yet.
    pub(super) fn read_checkpoint(&self) -> Result<Option<SignedCheckpoint>, ArchiveError> {
        let path = self.checkpoint();
        let note = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Ok(meta) if meta.len() > MAX_NOTE as u64 => return Err(damaged(&path, "it is too long for a checkpoint")),
            _ => fs::read(&path).map_err(io_at("read", &path))?,
        };
        SignedCheckpoint::parse_unverified(&note).map(Some).map_err(|error| damaged(&path, error.to_string()))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}
