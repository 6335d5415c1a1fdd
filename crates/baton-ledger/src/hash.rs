//! The hashes of the ledger: the leaf hash of RFC 6962, so that a Merkle tree over the log needs
//! no other; the check sums of our own files and chunks; the keyed digest.

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// SHA-256 of a leaf with the leaf prefix of RFC 6962.
pub type LeafHash = [u8; 32];

/// The leaf hash of RFC 6962 section 2.1: SHA-256 over a zero byte and then the leaf.
pub fn leaf_hash(leaf: &[u8]) -> LeafHash {
    let mut hasher = Sha256::new();
    hasher.update([0x00]);
    hasher.update(leaf);
    hasher.finalize().into()
}

/// SHA-256 without a prefix, for check sums of our own files.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// XXH3-128, big-endian, for the sums of stored chunks: finds accidents, not intent.
pub(crate) fn xxh3_128(bytes: &[u8]) -> [u8; 16] {
    xxhash_rust::xxh3::xxh3_128(bytes).to_be_bytes()
}

/// HMAC-SHA-256, the keyed digest of every ledger.
pub(crate) fn hmac_sha256(key: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_leaf_hashes_as_in_the_published_test_vectors() {
        let hex: String = leaf_hash(b"").iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    }
}
