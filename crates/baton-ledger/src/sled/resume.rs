//! A start from the snapshot of the stop before it: the index is read, and not the records.
//!
//! The same rules apply as after a walk over all records (`log/start.rs`). Whatever does not fit makes the start read
//! them: a snapshot never refuses an open.

use std::io::Read;

use super::OpenOptions;
use super::disk::SledDisk;
use super::layout::Layout;
use super::open::{load_refusal, open_key_file};
use super::seal::{self, Left};
use super::snapshot::Taken;
use crate::head::Head;
use crate::log::head_file::Noted;
use crate::log::scan::Scan;
use crate::log::{snapshot, start};
use crate::proof::SigningKey;

/// What the writer above left in a snapshot, not read yet.
pub(super) struct Unread {
    /// Where the log ended.
    pub(super) head: Head,
    /// The rest of the snapshot.
    pub(super) rest: Box<dyn Read + Send>,
}

/// The snapshot, if it is that of the stop which left the store as it lies. The space of any other is given back.
pub(super) fn of_this_store(layout: &Layout, taken: Option<Taken>, left: Left, options: &OpenOptions) -> Option<Taken> {
    let taken = taken?;
    // Neither is a start that takes the store for what it is.
    let asked = !options.fork && !options.trust_store_without_head;
    if asked && left == Left::InOrder && seal::snapshot(layout).is_some_and(|name| name == taken.name()) {
        return Some(taken);
    }
    tracing::info!(?left, "the snapshot beside the store is not one of this store as it lies, and was destroyed unread");
    None
}

/// What the store holds, as the snapshot says, and what comes after that in it; or why it does not fit.
pub(super) fn load(
    layout: &Layout,
    disk: &SledDisk,
    key: &SigningKey,
    options: &OpenOptions,
    noted: Option<&Noted>,
    taken: Taken,
) -> Result<(Scan, Unread), String> {
    let keys = open_key_file(layout).map_err(|error| error.to_string())?;
    let digest = keys.digest().map_err(|error| format!("the key file cannot be read: {error}"))?;
    let mut frames = taken.open(key, &digest).map_err(|error| error.to_string())?;
    let durable = snapshot::read(&mut frames).map_err(|error| error.to_string())?;
    let scan = start::take_up(disk, key, noted, options.rules(), durable);
    let scan = scan.map_err(|refusal| load_refusal(layout, key.verifier_key(), refusal).to_string())?;
    start::check_keys(&keys, &scan)?;
    let head = scan.durable.index.head();
    Ok((scan, Unread { head, rest: Box::new(frames) }))
}
