//! Tiles whose hashes are all there, as a batch stores those that it completes.

use super::tree::{Extension, Nodes, TILE_HEIGHT, TILE_WIDTH, Tree};

/// Bytes of a full tile: 256 hashes.
pub(crate) const FULL_TILE: usize = TILE_WIDTH as usize * 32;

/// Levels whose tiles are stored. A tile of the fourth would be complete at 4,294,967,296 leaves, whose tree no memory holds.
pub(crate) const STORED_LEVELS: u32 = 3;

/// 256 hashes of one level, side by side, in the bytes of the C2SP tile format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FullTile {
    /// 0 for the hashes of leaves, 1 for the roots of 256 leaves each, 2 for those of 65,536.
    pub(crate) level: u32,
    /// The size of the tree that completes it.
    pub(crate) end: u64,
    /// The hashes.
    pub(crate) hashes: Vec<u8>,
}

/// How many tiles a tree completes when it reaches this size: none or one on each level, from 0 on.
pub(crate) fn tiles_completed_at(size: u64) -> u32 {
    if size == 0 { 0 } else { (size.trailing_zeros() / u32::from(TILE_HEIGHT)).min(STORED_LEVELS) }
}

impl Tree {
    /// The tiles that these leaves complete, which are not added yet, in the order in which they do.
    pub(crate) fn completed_by(&self, extension: &Extension) -> Vec<FullTile> {
        completed(self.size(), extension.size(), &self.nodes_with(extension))
    }

    /// What of a tile is not so in this tree, which reaches to its end at least.
    pub(crate) fn check_tile(&self, tile: &FullTile) -> Result<(), String> {
        let FullTile { level, end, hashes } = tile;
        let own = read(*level, *end, &self.nodes());
        let Some(at) = own.chunks(32).zip(hashes.chunks(32)).position(|(own, stored)| own != stored) else { return Ok(()) };
        let leaves = 1 << (u32::from(TILE_HEIGHT) * level);
        let first = end - leaves * (TILE_WIDTH - at as u64);
        Err(match leaves {
            1 => format!("the tile that ends at size {end} has another leaf at position {first}"),
            _ => format!(
                "the tile of level {level} that ends at size {end} has other leaves at positions {first} to {}",
                first + leaves - 1
            ),
        })
    }
}

fn completed(old: u64, new: u64, nodes: &Nodes<'_>) -> Vec<FullTile> {
    let ends = (old / TILE_WIDTH + 1..=new / TILE_WIDTH).map(|number| number * TILE_WIDTH);
    let tiles = ends.flat_map(|end| (0..tiles_completed_at(end)).map(move |level| (level, end)));
    tiles.map(|(level, end)| FullTile { level, end, hashes: read(level, end, nodes) }).collect()
}

fn read(level: u32, end: u64, nodes: &Nodes<'_>) -> Vec<u8> {
    let number = (end >> (u32::from(TILE_HEIGHT) * (level + 1))) - 1;
    let tile = tlog_tiles::tile::Tile::new(TILE_HEIGHT, level as u8, number, TILE_WIDTH as u32, false);
    tile.read_data(nodes).expect("the tree holds every node below its size")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::hash::{LeafHash, leaf_hash};

    fn leaves(from: u64, to: u64) -> Vec<LeafHash> {
        (from..to).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    fn tree(size: u64) -> Tree {
        let mut tree = Tree::new();
        leaves(0, size).into_iter().for_each(|leaf| tree.push(leaf));
        tree
    }

    #[test]
    fn leaves_complete_the_full_tiles_that_a_log_directory_then_has_in_addition() {
        for (old, new) in [(0, 255), (0, 256), (255, 256), (256, 511), (10, 1_025), (65_535, 65_536), (65_000, 66_000)] {
            let before = tree(old);
            let extension = before.extended(&leaves(old, new));
            let completed = before.completed_by(&extension);
            let after = tree(new);
            let mut full: Vec<Vec<u8>> = after.tiles(old, new).unwrap().into_iter().map(|tile| tile.bytes).collect();
            full.retain(|bytes| bytes.len() == FULL_TILE);
            let mut by_level = completed.clone();
            by_level.sort_by_key(|tile| tile.level);
            assert_eq!(by_level.into_iter().map(|tile| tile.hashes).collect::<Vec<_>>(), full, "{old} to {new}");
            assert!(completed.iter().all(|tile| old < tile.end && tile.end <= new && after.check_tile(tile).is_ok()));
        }
        assert_eq!([0, 1, 256, 512, 65_536, 1 << 24, 1 << 32].map(tiles_completed_at), [0, 0, 1, 1, 2, 3, 3]);
    }

    #[test]
    fn a_hash_that_is_not_the_trees_is_named_with_its_position() {
        let mut before = tree(65_535);
        let extension = before.extended(&leaves(65_535, 65_536));
        let tiles = before.completed_by(&extension);
        before.extend(extension);
        for (tile, named) in tiles.into_iter().zip(["position 65283", "positions 768 to 1023"]) {
            let mut altered = tile.clone();
            altered.hashes[3 * 32] ^= 1;
            let why = before.check_tile(&altered).unwrap_err();
            assert!(why.ends_with(named), "{why}");
            assert_eq!(before.check_tile(&tile), Ok(()));
        }
    }
}
