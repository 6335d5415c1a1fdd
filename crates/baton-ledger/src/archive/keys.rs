//! A copy of the key file, which is in no archive: the backup of the keys of names and free text.
//!
//! Whoever has it and an archive reads everything, so it is kept apart from both; and whoever erases words
//! destroys the copies made before, or relies on every restore to do it. Taken **after** an archive or
//! backup it opens everything in that one: slots are filled and synced before they are used, and never
//! changed but to erase them. So it may be taken while a server runs.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::error::RestoreError;
use crate::log::keys::KeyFile;
use crate::storage::files::sync_parent;

/// A copy that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyCopy {
    /// How many slots it holds, used or not.
    pub slots: u64,
}

/// Copies the key file of a data directory to a new file that only its owner may read. Durable when it
/// returns.
///
/// # Errors
/// [`RestoreError::Keys`] when the directory's is no key file; [`RestoreError::Io`], also when there is
/// a file at `out` already.
pub fn copy_keys(data: &Path, out: &Path) -> Result<KeyCopy, RestoreError> {
    let from = data.join("keys");
    let io = |what, path: &Path| {
        let path = path.to_owned();
        move |source| RestoreError::Io { what, path, source }
    };
    let refuse = |why: String| RestoreError::Keys { path: from.clone(), why };
    let keys = KeyFile::open(Box::new(File::open(&from).map_err(io("open", &from))?)).map_err(refuse)?;
    let slots = keys.slots().map_err(io("measure", &from))?;
    let mut bytes = fs::read(&from).map_err(io("read", &from))?;
    keys.erase_in(&mut bytes, []).map_err(io("copy", &from))?;
    let mut file = File::options().create_new(true).write(true).mode(0o600).open(out).map_err(io("create", out))?;
    let written = file.write_all(&bytes).and_then(|()| file.sync_all()).and_then(|()| sync_parent(out));
    written.map_err(io("write", out))?;
    Ok(KeyCopy { slots })
}
