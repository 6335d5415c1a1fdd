//! Proofs, held against vectors that others published and against a second implementation.
//!
//! Consistency proofs are in `vectors/`. The other vectors are read where they lie: `shared/vectors` beside the workspace. Where
//! they are absent the tests say so in one line and prove nothing.
#![allow(clippy::unwrap_used)]

mod consistency;

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use baton_ledger::{
    EMPTY_ROOT, NodeHash, Position, SignedCheckpoint, Tree, TrustedKeys, check_consistency, check_inclusion, leaf_hash,
};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use serde_json::Value;
use sha2_for_ct_merkle::Sha256;

/// Vectors whose roots are no hashes at all ("do not care"): lengths are looked at first, so they are
/// refused although the list would have them accepted.
const KNOWN_EXCEPTIONS: [&str; 1] = ["testdata/consistency/additional/sizes-are-equal-one-and-proof-is-empty.json"];

fn vectors(name: &str) -> Option<Value> {
    // The working directory of a test is its package.
    let path = PathBuf::from("../../../shared/vectors").join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(_) => {
            println!("{name} is absent beside the workspace (../shared/vectors): these vectors were not checked");
            None
        }
    }
}

fn hash(value: &Value) -> Option<NodeHash> {
    STANDARD.decode(value.as_str()?).ok()?.try_into().ok()
}

/// The hashes of a proof; `None` when one of them is none.
fn proof(value: &Value) -> Option<Vec<NodeHash>> {
    value.as_array().map_or(Some(Vec::new()), |hashes| hashes.iter().map(hash).collect())
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Every case that does not come out as the list says, and how many came out so.
fn held(cases: &Value, holds: impl Fn(&Value) -> Option<bool>) -> (usize, Vec<&str>) {
    let cases = cases["cases"].as_array().unwrap();
    let wrong = |case: &&Value| holds(case).unwrap_or(false) == case["wantErr"].as_bool().unwrap();
    let wrong: Vec<&str> = cases.iter().filter(wrong).map(|case| case["path"].as_str().unwrap()).collect();
    (cases.len() - wrong.len(), wrong)
}

#[test]
fn published_inclusion_proofs_are_accepted_and_the_broken_ones_refused() {
    let Some(cases) = vectors("rfc6962-inclusion.json") else { return };
    let (right, wrong) = held(&cases, |case| {
        let position = Position(case["leafIdx"].as_u64()?);
        Some(check_inclusion(
            &proof(&case["proof"])?,
            case["treeSize"].as_u64()?,
            hash(&case["root"])?,
            position,
            hash(&case["leafHash"])?,
        ))
    });
    assert_eq!(wrong, Vec::<&str>::new());
    assert!(right >= 98, "{right}");
    println!("{right} published inclusion vectors came out as they should");
}

#[test]
fn published_consistency_proofs_are_accepted_and_the_broken_ones_refused_but_for_one_without_hashes() {
    let Some(cases) = vectors("rfc6962-consistency.json") else { return };
    let (right, wrong) = held(&cases, |case| {
        let (old, new) = (case["size1"].as_u64()?, case["size2"].as_u64()?);
        Some(check_consistency(&proof(&case["proof"])?, old, hash(&case["root1"])?, new, hash(&case["root2"])?))
    });
    assert_eq!(wrong, KNOWN_EXCEPTIONS);
    println!("{right} published consistency vectors came out as they should");
}

#[test]
fn published_reference_tree_has_the_same_nodes_and_roots() {
    let Some(reference) = vectors("rfc6962-reference-tree.json") else { return };
    let leaves: Vec<Vec<u8>> = reference["leaf_inputs_hex"].as_array().unwrap().iter().map(bytes).collect();
    let roots: Vec<Vec<u8>> = reference["root_hashes_hex_by_size"].as_array().unwrap().iter().map(bytes).collect();
    let mut tree = Tree::new();
    assert_eq!((roots[0].as_slice(), tree.root()), (&EMPTY_ROOT[..], EMPTY_ROOT));
    for (leaf, root) in leaves.iter().zip(&roots[1..]) {
        tree.push(leaf_hash(leaf));
        assert_eq!(tree.root().to_vec(), *root);
    }
    assert_eq!(tree.size(), 8);
    // A complete subtree's node is the root of its own leaves.
    for (level, nodes) in reference["node_hashes_hex_by_level"].as_array().unwrap().iter().enumerate() {
        for (at, node) in nodes.as_array().unwrap().iter().enumerate() {
            let mut subtree = Tree::new();
            leaves[at << level..(at + 1) << level].iter().for_each(|leaf| subtree.push(leaf_hash(leaf)));
            assert_eq!(subtree.root().to_vec(), bytes(node), "level {level}, node {at}");
        }
    }
}

#[test]
fn published_signed_notes_verify_with_their_keys_and_are_refused_as_checkpoints() {
    let Some(examples) = vectors("signed-note-examples.json") else { return };
    for case in examples["cases"].as_array().unwrap() {
        let (key, note) = (case["vkey"].as_str().unwrap(), case["note"].as_str().unwrap());
        assert_eq!(verified(key, note), case["valid"].as_bool().unwrap());
        for at in 0..note.len() {
            let mut altered = note.as_bytes().to_vec();
            altered[at] ^= 1;
            let altered = String::from_utf8_lossy(&altered).into_owned();
            assert!(!verified(key, &altered), "byte {at}: {altered}");
        }
        let trusted = TrustedKeys::parse(key).unwrap();
        assert!(trusted.verify(note.as_bytes()).is_err(), "its text is no checkpoint");
    }
}

/// With the crate that everything of ours rests on.
fn verified(key: &str, note: &str) -> bool {
    let key = signed_note::StandardVerifier::new(key).unwrap();
    let known = signed_note::VerifierList::new(vec![Box::new(key)]);
    signed_note::Note::from_bytes(note.as_bytes()).is_ok_and(|note| note.verify(&known).is_ok())
}

/// The two trees over the same leaves.
fn both(size: u64, salt: u8) -> (Tree, MemoryBackedTree<Sha256, Vec<u8>>) {
    let (mut ours, mut theirs) = (Tree::new(), MemoryBackedTree::new());
    for at in 0..size {
        let leaf = [&at.to_be_bytes()[..], &[salt]].concat();
        ours.push(leaf_hash(&leaf));
        theirs.push(leaf);
    }
    (ours, theirs)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn second_implementation_gives_the_same_roots_and_proofs_for_every_index(size in 1_u64..140, salt in any::<u8>()) {
        let (ours, theirs) = both(size, salt);
        let root = theirs.root();
        prop_assert_eq!(&ours.root()[..], &root.as_bytes()[..]);
        for at in 0..size {
            let leaf = [&at.to_be_bytes()[..], &[salt]].concat();
            let (here, there) = (ours.prove_inclusion(Position(at), size).unwrap(), theirs.prove_inclusion(at as usize));
            prop_assert_eq!(here.concat(), there.as_bytes());
            prop_assert!(check_inclusion(&here, size, ours.root(), Position(at), leaf_hash(&leaf)));
            prop_assert!(root.verify_inclusion(&leaf, at, &there).is_ok());
            prop_assert!(!check_inclusion(&here, size, ours.root(), Position(at ^ 1), leaf_hash(&leaf)));
        }
        for old in 1..size {
            let (here, there) = (ours.prove_consistency(old, size).unwrap(), theirs.prove_consistency((size - old) as usize));
            prop_assert_eq!(here.concat(), there.as_bytes());
            let old_root = ours.root_at(old).unwrap();
            prop_assert!(check_consistency(&here, old, old_root, size, ours.root()));
            let before = ct_merkle::RootHash::<Sha256>::new(*<&ct_merkle::array::Array<u8, _>>::try_from(&old_root[..]).unwrap(), old);
            prop_assert!(root.verify_consistency(&before, &there).is_ok());
            let (other, _) = both(old, salt ^ 1);
            prop_assert!(!check_consistency(&here, old, other.root(), size, ours.root()));
        }
    }

    #[test]
    fn second_implementation_gives_the_same_proofs_in_large_trees(size in 140_u64..5_000, at in any::<prop::sample::Index>()) {
        let (ours, theirs) = both(size, 0);
        let root = theirs.root();
        prop_assert_eq!(&ours.root()[..], &root.as_bytes()[..]);
        let (at, old) = (at.index(size as usize), 1 + at.index(size as usize - 1));
        let here = ours.prove_inclusion(Position(at as u64), size).unwrap();
        let there = theirs.prove_inclusion(at);
        prop_assert_eq!(here.concat(), there.as_bytes());
        let here = ours.prove_consistency(old as u64, size).unwrap();
        let there = theirs.prove_consistency(size as usize - old);
        prop_assert_eq!(here.concat(), there.as_bytes());
    }

    #[test]
    fn proof_of_any_shape_and_size_is_refused_and_never_panics(
        hashes in prop::collection::vec(any::<[u8; 32]>(), 0..70),
        (size, old, at) in prop_oneof![
            (any::<u64>(), any::<u64>(), any::<u64>()),
            (u64::MAX - 3..=u64::MAX, u64::MAX - 3..=u64::MAX, u64::MAX - 3..=u64::MAX),
            (0_u64..9, 0_u64..9, 0_u64..9),
        ],
        root in any::<[u8; 32]>(),
    ) {
        prop_assert!(!check_inclusion(&hashes, size, root, Position(at), leaf_hash(b"x")));
        // Equal trees need no hash to be equal.
        if old != size {
            prop_assert!(!check_consistency(&hashes, old, root, size, [7; 32]));
        }
    }
}

#[test]
fn nothing_is_consistent_with_an_empty_tree() {
    for new in [0, 1, 8] {
        assert!(!check_consistency(&[], 0, EMPTY_ROOT, new, both(new, 0).0.root()));
    }
}

#[test]
fn unverified_reading_is_only_reading() {
    let note = "log.test\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\u{2014} log.test AAAAAAAA\n";
    assert!(SignedCheckpoint::parse_unverified(note.as_bytes()).is_ok());
}
