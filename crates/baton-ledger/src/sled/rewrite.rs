//! After a failed sync: the store is written anew.

use std::path::PathBuf;

use super::layout::Layout;

/// Where the records are: a rewrite that was cut short between its two renames left them in the new
/// store alone.
pub(super) fn store_to_read(layout: &Layout) -> PathBuf {
    match layout.store() {
        store if store.is_dir() => store,
        _ if layout.marker().exists() => layout.new_store(),
        store => store,
    }
}
