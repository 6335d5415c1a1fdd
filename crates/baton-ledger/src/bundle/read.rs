//! Reading a log directory, in pieces of bounded size.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use tlog_tiles::tile::Tile as Coordinates;

use super::CHECKPOINT;
use super::entries::{ENTRIES_WIDTH, decode_entries, entries_path};
use super::error::BundleError;
use crate::bounds::{MAX_LEAF, MAX_NOTE};
use crate::proof::TILE_WIDTH;

/// Largest entry bundle: 256 leaves at their bound with their lengths, some 16 MiB.
pub const MAX_ENTRIES_BYTES: usize = ENTRIES_WIDTH as usize * (MAX_LEAF + 2);

/// Most records a directory may claim to hold: what a reader counts to before anything is checked.
pub const MAX_LOG: u64 = 1 << 40;

/// A log directory, for reading. Checks forms and bounds, no signature and no hash.
#[derive(Clone, Debug)]
pub struct LogDirectory {
    dir: PathBuf,
}

/// A hash tile that lies in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundTile {
    /// Its path below the directory, such as `tile/0/x001/234.p/5`.
    pub path: String,
    /// Its level.
    pub level: u8,
    /// Its number within the level.
    pub number: u64,
    /// How many hashes its name says it holds: 1 to 256.
    pub width: u64,
}

impl FoundTile {
    /// The size of the smallest log that has this tile; `None` when no log does.
    pub fn log_size(&self) -> Option<u64> {
        let hashes = self.number.checked_mul(TILE_WIDTH)?.checked_add(self.width)?;
        hashes.checked_mul(1_u64.checked_shl(8 * u32::from(self.level))?)
    }
}

impl LogDirectory {
    /// A directory; nothing is read yet.
    pub fn new(dir: &Path) -> Self {
        LogDirectory { dir: dir.to_owned() }
    }

    /// The note in `checkpoint`, as it lies there.
    ///
    /// # Errors
    /// [`BundleError::Missing`], [`BundleError::Malformed`] when it is longer than any note,
    /// [`BundleError::Io`].
    pub fn checkpoint(&self) -> Result<Vec<u8>, BundleError> {
        self.file(CHECKPOINT, MAX_NOTE)
    }

    /// The leaves of entry bundle `number` in a log of `size` records: 256, or those at its end.
    /// Where the partial bundle is gone its full one is taken.
    ///
    /// # Errors
    /// [`BundleError::Missing`], [`BundleError::Malformed`], [`BundleError::Io`].
    pub fn entries(&self, number: u64, size: u64) -> Result<Vec<Vec<u8>>, BundleError> {
        let width = size.saturating_sub(number.saturating_mul(ENTRIES_WIDTH)).min(ENTRIES_WIDTH);
        if width == 0 {
            return Ok(Vec::new());
        }
        let path = entries_path(number, width);
        let (path, bytes, found) = match self.file(&path, MAX_ENTRIES_BYTES) {
            Err(BundleError::Missing { .. }) if width < ENTRIES_WIDTH => {
                let full = entries_path(number, ENTRIES_WIDTH);
                match self.file(&full, MAX_ENTRIES_BYTES) {
                    // The one that the log of this size has is the one to be named.
                    Err(BundleError::Missing { .. }) => return Err(BundleError::Missing { path: self.dir.join(path) }),
                    read => (full, read?, ENTRIES_WIDTH),
                }
            }
            read => (path, read?, width),
        };
        let mut leaves =
            decode_entries(&bytes, found).map_err(|why| BundleError::Malformed { path: self.dir.join(path), why })?;
        leaves.truncate(width as usize);
        Ok(leaves.into_iter().map(<[u8]>::to_vec).collect())
    }

    /// A file below the directory, at most `most` bytes of it.
    ///
    /// # Errors
    /// [`BundleError::Missing`], [`BundleError::Malformed`] when it is longer, [`BundleError::Io`].
    pub fn file(&self, path: &str, most: usize) -> Result<Vec<u8>, BundleError> {
        let path = self.dir.join(path);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(BundleError::Missing { path }),
            Err(source) => return Err(BundleError::Io { what: "open", path, source }),
            Ok(file) => file,
        };
        let mut bytes = Vec::new();
        if let Err(source) = file.take(most as u64 + 1).read_to_end(&mut bytes) {
            return Err(BundleError::Io { what: "read", path, source });
        }
        match bytes.len() > most {
            true => Err(BundleError::Malformed { path, why: format!("it is longer than {most} bytes") }),
            false => Ok(bytes),
        }
    }

    /// Every hash tile that lies in the directory, and the paths below `tile/` that are neither tiles
    /// nor entry bundles. In the order of paths.
    ///
    /// # Errors
    /// [`BundleError::Io`].
    pub fn tiles(&self) -> Result<(Vec<FoundTile>, Vec<String>), BundleError> {
        let (mut tiles, mut others) = (Vec::new(), Vec::new());
        let mut waiting = vec!["tile".to_owned()];
        while let Some(below) = waiting.pop() {
            let dir = self.dir.join(&below);
            let io = |source| BundleError::Io { what: "list", path: dir.clone(), source };
            let listed = match fs::read_dir(&dir) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                listed => listed.map_err(io)?,
            };
            for entry in listed {
                let entry = entry.map_err(io)?;
                let path = format!("{below}/{}", entry.file_name().to_string_lossy());
                if entry.file_type().map_err(io)?.is_dir() {
                    waiting.push(path);
                } else if path.starts_with("tile/entries/") && coordinates(&path, "tile/entries/", "tile/8/data/").is_some() {
                    // Entries are read by number; what lies beyond the log is nobody's.
                } else {
                    match coordinates(&path, "tile/", "tile/8/") {
                        Some(tile) if !tile.is_data() => tiles.push(FoundTile {
                            level: tile.level(),
                            number: tile.level_index(),
                            width: u64::from(tile.width()),
                            path,
                        }),
                        _ => others.push(path),
                    }
                }
            }
        }
        tiles.sort_by(|one, other| one.path.cmp(&other.path));
        others.sort();
        Ok((tiles, others))
    }
}

/// What a path names, when it is written as it must be.
fn coordinates(path: &str, ours: &str, theirs: &str) -> Option<Coordinates> {
    // The crate takes a width of 0 and then stumbles over it.
    if path.ends_with(".p/0") {
        return None;
    }
    let tile = Coordinates::from_path(&path.replacen(ours, theirs, 1)).ok()?;
    (tile.level() < 8).then_some(tile)
}
