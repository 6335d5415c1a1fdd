//! A directory in which a log is about to be made, claimed before there is a key for it.
//!
//! A creation that is cut short leaves its signing key, and is taken up again with it. A key that lies there without a
//! claimed directory may have signed a log that is gone: a second one under it would tell auditors another story in the
//! same name.

use std::path::Path;

use super::layout::{Layout, io_at};
use crate::error::OpenError;
use crate::storage::files::sync_dir;

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
