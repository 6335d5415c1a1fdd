//! A directory in which a log, or a fork of one, is about to be made, claimed before there is a key for it.
//!
//! A creation that is cut short leaves its signing key, and is taken up again with it. A key that lies there without a
//! claimed directory may have signed a log that is gone: a second one under it would tell auditors another story in the
//! same name. A fork is made in a directory that holds a log already, so its claim names the very key.

use std::fs;
use std::io;
use std::path::Path;

use super::layout::{Layout, io_at};
use crate::error::OpenError;
use crate::storage::files::{sync_dir, write_synced};

/// Whether a directory was claimed, or holds a log. Changes nothing.
pub fn is_claimed(dir: &Path) -> bool {
    Layout::new(dir).lock_file().exists()
}

/// Claims a directory for a log, making it where there is none; durable when it returns. May be repeated.
///
/// # Errors
/// [`OpenError::NotALedger`] for one that holds files of somebody else, which is not changed; [`OpenError::InUse`];
/// [`OpenError::Io`].
pub fn claim(dir: &Path) -> Result<(), OpenError> {
    let layout = Layout::new(dir);
    layout.create_dir()?;
    layout.refuse_foreign()?;
    drop(layout.lock()?);
    sync_dir(&layout.dir).map_err(io_at("sync", &layout.dir))
}

/// Whether the fork under this key was claimed in the directory and has not ended. Changes nothing.
pub fn is_fork_claimed(dir: &Path, verifier_key: &str) -> bool {
    claimed_fork(&Layout::new(dir)).is_some_and(|claimed| claimed == verifier_key)
}

/// The public key of the fork that was claimed and has not ended.
pub(super) fn claimed_fork(layout: &Layout) -> Option<String> {
    fs::read_to_string(layout.forking()).ok().map(|claimed| claimed.trim_end().to_owned())
}

/// Claims the directory of a log for its fork under this key, whose file is made afterwards; durable when it returns. The
/// last claim counts.
///
/// # Errors
/// [`OpenError::InUse`]; [`OpenError::Io`].
pub fn claim_fork(dir: &Path, verifier_key: &str) -> Result<(), OpenError> {
    let layout = Layout::new(dir);
    drop(layout.lock()?);
    let path = layout.forking();
    write_synced(&path, format!("{verifier_key}\n").as_bytes())
        .and_then(|()| sync_dir(&layout.dir))
        .map_err(io_at("write", &path))
}

/// Takes the claim away, durably: the fork is made, and no further one is under its key.
///
/// # Errors
/// [`OpenError::Io`].
pub fn end_fork(dir: &Path) -> Result<(), OpenError> {
    let layout = Layout::new(dir);
    let path = layout.forking();
    match fs::remove_file(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.and_then(|()| sync_dir(&layout.dir)).map_err(io_at("remove", &path)),
    }
}
