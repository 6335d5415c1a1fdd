//! A file of real blocks that is given up when the disk is full, so that the store can be opened.
//!
//! The storage engine writes when it opens, so on a disk that is full to the last byte not even reads
//! could be served after a restart. The ballast is removed then, and made again when there is room for
//! it beside what appends must leave free. Losing it loses nothing.

use std::fs::{self, File};
use std::io;

use super::layout::Layout;
use crate::storage::files::{free_bytes, reserve, sync_dir};

/// Makes the ballast if it is not there and there is room for it above `keep_free`; `bytes` of 0 mean
/// none. A failure is only said: the ballast helps later and is no condition now.
pub(super) fn keep(layout: &Layout, bytes: u64, keep_free: u64) {
    let path = layout.ballast();
    let whole = fs::metadata(&path).is_ok_and(|meta| meta.len() >= bytes);
    if bytes == 0 || whole {
        return;
    }
    let make = || {
        if free_bytes(&layout.dir)? < bytes.saturating_add(keep_free) {
            return Ok(());
        }
        let file = File::create(&path)?;
        reserve(&file, 0, bytes)?;
        file.sync_all()?;
        sync_dir(&layout.dir)
    };
    if let Err(error) = make() {
        tracing::warn!(%error, file = %path.display(), "failed to put space aside for an open on a full disk");
        let _: io::Result<()> = fs::remove_file(&path);
    }
}

/// Gives the ballast up, if it is there.
pub(super) fn give_up(layout: &Layout) {
    match fs::remove_file(layout.ballast()) {
        Ok(()) => tracing::warn!(file = %layout.ballast().display(), "the disk is full; the space put aside was given up"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(%error, file = %layout.ballast().display(), "failed to give up the space put aside"),
    }
}
