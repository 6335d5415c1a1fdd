//! Before a store is opened that is not as a stop in order left it: keep its bytes, then look.
//!
//! The storage engine repairs what it finds in place, and what it takes for torn it overwrites. So
//! the whole store is first copied as it lies, to `recovery/<n>/`; the newest [`KEPT`] copies are
//! kept, and the first one from which an open failed is kept as `recovery/damaged/` until somebody
//! removes it. Then a leftover of the engine's own snapshot is removed (it would take it for a
//! whole one and refuse), and a second, scratch copy is probed in a child process if there is one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::layout::{Layout, io_at};
use super::probe::ProbeCommand;
use crate::error::OpenError;
use crate::names::Position;
use crate::storage::files::{sync_dir, write_synced};

/// How many raw copies are kept.
const KEPT: usize = 2;

/// The store that a failed sync left, while it is not known yet to have been written anew.
const REWRITTEN: &str = "rewritten";

/// Copies the store aside and probes it; says where the copy is, and why. `None` if there is no store yet.
pub(super) fn secure(layout: &Layout, probe: Option<&ProbeCommand>, why: &str) -> Result<Option<PathBuf>, OpenError> {
    let store = layout.store();
    if !store.is_dir() {
        return Ok(None);
    }
    let copy = copy_aside(layout).map_err(io_at("copy aside", &store))?;
    tracing::warn!(copy = %copy.display(), "{why}; a raw copy of the store was made");
    if let Some(probe) = probe {
        probe_copy(layout, &copy, probe)?;
    }
    remove_unfinished_snapshots(&store).map_err(io_at("remove an unfinished snapshot in", &store))?;
    Ok(Some(copy))
}

/// Keeps a copy for good, because the store it was made of could not be opened.
pub(super) fn keep_as_damaged(layout: &Layout, copy: PathBuf) -> PathBuf {
    let kept = layout.recovery().join("damaged");
    if kept.exists() {
        return kept;
    }
    match fs::rename(&copy, &kept).and_then(|()| sync_dir(&layout.recovery())) {
        Ok(()) => kept,
        Err(error) => {
            tracing::warn!(%error, copy = %copy.display(), "failed to set a copy apart");
            copy
        }
    }
}

/// Keeps the chunks of a torn batch, one file each, beside the raw copy.
pub(super) fn keep_torn(layout: &Layout, copy: Option<&Path>, torn: &[(Position, Vec<u8>)]) -> io::Result<PathBuf> {
    let beside = match copy {
        Some(copy) => copy.to_owned(),
        None => layout.recovery().join(next_number(layout)?.to_string()),
    };
    let dir = beside.join("torn");
    fs::create_dir_all(&dir)?;
    for (position, bytes) in torn {
        write_synced(&dir.join(format!("{position}.chunk")), bytes)?;
    }
    sync_dir(&dir)?;
    sync_dir(&beside)?;
    Ok(dir)
}

/// Moves the store itself aside, where its copies are kept. Durable when it returns. Of many attempts after one
/// failure the first one's store is the one that the failure left: it has a name of its own, so that nothing takes
/// its place, until [`count_rewritten`]. What later attempts find is only what an earlier one wrote.
pub(super) fn move_aside(layout: &Layout) -> io::Result<PathBuf> {
    let recovery = layout.recovery();
    let beside = match recovery.join(REWRITTEN) {
        first if !first.join("store").is_dir() => first,
        _ => recovery.join("superseded"),
    };
    remove_if_there(&beside)?;
    fs::create_dir_all(&beside)?;
    sync_dir(&layout.dir)?;
    sync_dir(&recovery)?;
    fs::rename(layout.store(), beside.join("store"))?;
    sync_dir(&beside)?;
    sync_dir(&layout.dir)?;
    Ok(beside)
}

/// The store that a failed sync left is one of the numbered ones from now on, the newest. Says where it is, if there
/// is one.
pub(super) fn count_rewritten(layout: &Layout) -> io::Result<Option<PathBuf>> {
    let recovery = layout.recovery();
    let rewritten = recovery.join(REWRITTEN);
    if !rewritten.is_dir() {
        return Ok(None);
    }
    let numbered = recovery.join(next_number(layout)?.to_string());
    fs::rename(&rewritten, &numbered)?;
    sync_dir(&recovery)?;
    forget_oldest(layout)?;
    Ok(Some(numbered))
}

fn copy_aside(layout: &Layout) -> io::Result<PathBuf> {
    let recovery = layout.recovery();
    fs::create_dir_all(&recovery)?;
    sync_dir(&layout.dir)?;
    let draft = recovery.join("unfinished");
    remove_if_there(&draft)?;
    copy_dir(&layout.store(), &draft.join("store"))?;
    sync_dir(&draft)?;
    let copy = recovery.join(next_number(layout)?.to_string());
    fs::rename(&draft, &copy)?;
    sync_dir(&recovery)?;
    forget_oldest(layout)?;
    Ok(copy)
}

fn forget_oldest(layout: &Layout) -> io::Result<()> {
    let mut numbers = numbers(layout)?;
    numbers.sort_unstable();
    for number in numbers.iter().rev().skip(KEPT) {
        fs::remove_dir_all(layout.recovery().join(number.to_string()))?;
    }
    Ok(())
}

fn probe_copy(layout: &Layout, copy: &Path, probe: &ProbeCommand) -> Result<(), OpenError> {
    let scratch = layout.recovery().join("probe");
    remove_if_there(&scratch)
        .and_then(|()| copy_dir(&copy.join("store"), &scratch))
        .and_then(|()| remove_unfinished_snapshots(&scratch))
        .map_err(io_at("copy for a probe", copy))?;
    let found = probe.run(&scratch);
    remove_if_there(&scratch).map_err(io_at("remove", &scratch))?;
    found.map_err(|why| OpenError::Damaged { dir: layout.dir.clone(), why, copy: Some(keep_as_damaged(layout, copy.to_owned())) })
}

/// sled writes `snap.X.generating` and renames it, but reads it as a whole snapshot when it finds
/// one; a crash in between makes every later open fail.
pub(super) fn remove_unfinished_snapshots(store: &Path) -> io::Result<()> {
    for entry in fs::read_dir(store)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path())?;
            tracing::warn!(file = %name, "an unfinished snapshot of the storage engine was removed");
        }
    }
    sync_dir(store)
}

fn next_number(layout: &Layout) -> io::Result<u64> {
    Ok(numbers(layout)?.into_iter().max().map_or(1, |newest| newest + 1))
}

fn numbers(layout: &Layout) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(layout.recovery()) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        numbers.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u64>().ok()));
    }
    Ok(numbers)
}

/// The bytes of all files below a directory; 0 where they cannot be counted.
pub(super) fn size_of(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => size_of(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

/// Copies a directory with all in it, synced.
pub(super) fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_dir(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
            File::open(&target)?.sync_all()?;
        }
    }
    sync_dir(to)
}

pub(super) fn remove_if_there(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
