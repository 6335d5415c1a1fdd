//! The tree and the leaves of an archive as the files of a C2SP tlog-tiles log.
//!
//! Tiles come from the tree as the crate behind it makes them; here they are only put into files and
//! held against files. A partial tile is removed when a wider one is in place *and* the checkpoint
//! that needs it: an archive holds exactly the files of its checkpoint, and after a crash a few more.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::{ArchiveError, damaged, io_at};
use crate::proof::{TILE_WIDTH, Tile};
use crate::storage::files::{sync_dir, write_synced};

const LEVEL_ZERO: &str = "tile/0/";
const ENTRIES: &str = "tile/entries/";

/// The first leaf that the tiles of a log that grows from this size need again.
pub(super) fn first_leaf(size: u64) -> u64 {
    size - size % TILE_WIDTH
}

/// Writes tiles and the entries beside those of level 0. `leaves` begin at position `from` and reach
/// as far as the tiles. Durable when it returns.
pub(super) fn write(dir: &Path, tiles: &[Tile], from: u64, leaves: &[Vec<u8>]) -> Result<(), ArchiveError> {
    let mut folders = BTreeSet::new();
    for tile in tiles {
        put(dir, &tile.path, &tile.bytes, &mut folders)?;
        if let Some((path, first, width)) = entries_of(tile) {
            let at = (first - from) as usize;
            put(dir, &path, &entries(&leaves[at..at + width]), &mut folders)?;
        }
    }
    // From the deepest: a name is durable before the name of its folder matters.
    folders.iter().rev().try_for_each(|folder| sync_dir(folder).map_err(io_at("sync", folder)))
}

/// Removes partial tiles that these have taken the place of.
pub(super) fn remove_superseded(dir: &Path, tiles: &[Tile]) -> Result<(), ArchiveError> {
    let paths = tiles.iter().flat_map(|tile| [Some(tile.path.clone()), entries_of(tile).map(|(path, ..)| path)]).flatten();
    for path in paths {
        let (tile, width) = match path.split_once(".p/") {
            Some((tile, width)) => (tile.to_owned(), Some(width.to_owned())),
            None => (path, None),
        };
        let partial = dir.join(format!("{tile}.p"));
        let removed = match &width {
            None => fs::remove_dir_all(&partial),
            Some(width) => remove_others(&partial, width),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_at("remove from", &partial)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Holds the files of an archive against the tiles that must be in them.
pub(super) fn compare(dir: &Path, tiles: &[Tile]) -> Result<(), ArchiveError> {
    tiles.iter().try_for_each(|tile| same(&dir.join(&tile.path), &tile.bytes))
}

/// Holds the entries of one tile's width of leaves, or of the last ones, against their file.
pub(super) fn compare_entries(dir: &Path, first: u64, leaves: &[Vec<u8>]) -> Result<(), ArchiveError> {
    let path = path_of(ENTRIES, first / TILE_WIDTH, leaves.len());
    same(&dir.join(path), &entries(leaves))
}

fn same(path: &Path, bytes: &[u8]) -> Result<(), ArchiveError> {
    match fs::read(path) {
        Ok(found) if found == bytes => Ok(()),
        Ok(_) => Err(damaged(path, "it is not what the records of the archive give")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(damaged(path, "it is missing")),
        Err(source) => Err(io_at("read", path)(source)),
    }
}

fn put(dir: &Path, path: &str, bytes: &[u8], folders: &mut BTreeSet<PathBuf>) -> Result<(), ArchiveError> {
    let file = dir.join(path);
    let folder = file.parent().unwrap_or(dir);
    fs::create_dir_all(folder).map_err(io_at("create", folder))?;
    folders.extend(folder.ancestors().take_while(|folder| folder.starts_with(dir)).map(Path::to_owned));
    // Not yet covered by a checkpoint: a crash may leave it half, and it is written again then.
    write_synced(&file, bytes).map_err(io_at("write", &file))
}

fn remove_others(partial: &Path, width: &str) -> io::Result<()> {
    for entry in fs::read_dir(partial)? {
        let entry = entry?;
        if entry.file_name() != width {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// For a tile of level 0: the path of its entries, its first leaf, and how many it has.
fn entries_of(tile: &Tile) -> Option<(String, u64, usize)> {
    let rest = tile.path.strip_prefix(LEVEL_ZERO)?;
    let number = rest.split_once(".p/").map_or(rest, |(number, _)| number);
    let group = |number: u64, group: &str| Some(number * 1000 + group.trim_start_matches('x').parse::<u64>().ok()?);
    let number = number.split('/').try_fold(0, group)?;
    Some((format!("{ENTRIES}{rest}"), number * TILE_WIDTH, tile.bytes.len() / 32))
}

/// The path of a tile of the C2SP form.
fn path_of(below: &str, number: u64, width: usize) -> String {
    let mut path = format!("{:03}", number % 1000);
    let mut rest = number / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    let partial = if width as u64 == TILE_WIDTH { String::new() } else { format!(".p/{width}") };
    format!("{below}{path}{partial}")
}

/// The entries of a bundle: each leaf after its length in two bytes.
fn entries(leaves: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(leaves.iter().map(|leaf| leaf.len() + 2).sum());
    for leaf in leaves {
        bytes.extend((leaf.len() as u16).to_be_bytes());
        bytes.extend(leaf);
    }
    bytes
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::proof::Tree;

    #[test]
    fn entries_lie_beside_the_tile_of_their_leaves_also_past_a_thousand_tiles() {
        for (number, path) in
            [(0, "tile/0/000"), (999, "tile/0/999"), (1_000, "tile/0/x001/000"), (1_234_067, "tile/0/x001/x234/067")]
        {
            let tile = Tile { path: path.to_owned(), bytes: vec![0; 32 * 256] };
            let entries = path.replace("tile/0/", ENTRIES);
            assert_eq!(entries_of(&tile), Some((entries.clone(), number * TILE_WIDTH, 256)));
            assert_eq!(path_of(ENTRIES, number, 256), entries);
        }
        assert_eq!(path_of(ENTRIES, 1_000, 5), "tile/entries/x001/000.p/5");
    }

    #[test]
    fn paths_made_here_are_those_of_the_tree() {
        let mut tree = Tree::new();
        (0..600).for_each(|_| tree.push([1; 32]));
        let made = tree.tiles(0, 600).unwrap();
        let of_level_zero: Vec<_> =
            made.iter().filter(|tile| tile.path.starts_with(LEVEL_ZERO)).map(|tile| &*tile.path).collect();
        let expected = [(0, 256), (1, 256), (2, 88)].map(|(number, width)| path_of(LEVEL_ZERO, number, width));
        assert_eq!(of_level_zero, expected.iter().collect::<Vec<_>>());
    }
}
