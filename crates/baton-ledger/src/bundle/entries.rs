//! Entry bundles: up to 256 leaves in one file, each after its length in two bytes.

use tlog_tiles::tile::Tile as Coordinates;

use crate::bounds::MAX_LEAF;

/// Leaves in a full entry bundle.
pub const ENTRIES_WIDTH: u64 = 256;

/// Where the bundle `number` of `width` leaves (1 to 256) belongs: `tile/entries/x001/234.p/5`.
pub fn entries_path(number: u64, width: u64) -> String {
    let width = u32::try_from(width.clamp(1, ENTRIES_WIDTH)).unwrap_or(1);
    // The crate knows the path of data tiles as the Go checksum database writes it.
    Coordinates::new(8, 0, number, width, true).path().replacen("tile/8/data/", "tile/entries/", 1)
}

/// The bytes of a bundle. A leaf is at most 65,535 bytes, which is the ledger's bound.
pub fn encode_entries<'l>(leaves: impl IntoIterator<Item = &'l [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for leaf in leaves {
        let length = u16::try_from(leaf.len()).expect("a ledger takes no leaf that has no length in two bytes");
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(leaf);
    }
    bytes
}

/// The leaves of a bundle that holds `width` of them and not a byte more.
///
/// # Errors
/// What is wrong with the bytes, in words.
pub fn decode_entries(mut bytes: &[u8], width: u64) -> Result<Vec<&[u8]>, String> {
    let mut leaves = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((leaf, rest)) = rest.split_at_checked(length) else {
            return Err(format!("entry {} says {length} bytes and {} are left", leaves.len(), rest.len()));
        };
        leaves.push(leaf);
        bytes = rest;
    }
    match bytes.is_empty() && leaves.len() as u64 == width {
        true => Ok(leaves),
        false => Err(format!("it holds {} entries and {} bytes more, not {width} entries", leaves.len(), bytes.len())),
    }
}

const _: () = assert!(MAX_LEAF <= u16::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_of_every_length_come_back_and_nothing_may_follow_or_miss() {
        let leaves: Vec<Vec<u8>> = vec![Vec::new(), vec![7], vec![0; 255], vec![1; MAX_LEAF]];
        let bytes = encode_entries(leaves.iter().map(Vec::as_slice));
        assert_eq!(decode_entries(&bytes, 4), Ok(leaves.iter().map(Vec::as_slice).collect()));
        for width in [3, 5] {
            assert!(decode_entries(&bytes, width).is_err());
        }
        assert!(decode_entries(&bytes[..bytes.len() - 1], 4).is_err());
        assert!(decode_entries(&[&bytes[..], &[0]].concat(), 4).is_err());
        assert_eq!(decode_entries(&[], 0), Ok(Vec::new()));
    }

    #[test]
    fn path_is_written_in_groups_of_three_digits_and_names_a_width_only_when_partial() {
        assert_eq!(entries_path(0, 256), "tile/entries/000");
        assert_eq!(entries_path(1_234_067, 5), "tile/entries/x001/x234/067.p/5");
    }
}
