//! The five consistency proofs that transparency-dev/merkle publishes as accepted, and the alterations that it publishes as
//! refused. The proofs are in `vectors/consistency.json`; the alterations are made here, each kind of the list for every proof.

use baton_ledger::{NodeHash, Tree, check_consistency, leaf_hash};
use serde_json::Value;

/// A hash that is in no tree. The published "garbage" and "WrongRoot" have lengths that no hash of ours can have.
const GARBAGE: NodeHash = [0x67; 32];

#[derive(Clone, Debug, PartialEq)]
struct Published {
    size1: u64,
    root1: NodeHash,
    size2: u64,
    root2: NodeHash,
    proof: Vec<NodeHash>,
}

impl Published {
    fn holds(&self) -> bool {
        check_consistency(&self.proof, self.size1, self.root1, self.size2, self.root2)
    }

    /// Altered in every way of the published list, by its names there, but for alterations that change nothing.
    fn altered(&self) -> Vec<(String, Published)> {
        let mut all = Vec::new();
        let mut alter = |kind: &str, change: &dyn Fn(&mut Published)| {
            let mut altered = self.clone();
            change(&mut altered);
            if altered != *self {
                all.push((kind.to_owned(), altered));
            }
        };
        alter("size1 - 1", &|p| p.size1 -= 1);
        alter("size1 + 1", &|p| p.size1 += 1);
        alter("size1 ^ 2", &|p| p.size1 ^= 2);
        alter("size2 * 2", &|p| p.size2 *= 2);
        alter("size2 / 2", &|p| p.size2 /= 2);
        alter("wrong root1", &|p| p.root1 = GARBAGE);
        alter("wrong root2", &|p| p.root2 = GARBAGE);
        alter("swapped roots", &|p| (p.root1, p.root2) = (p.root2, p.root1));
        alter("empty proof", &|p| p.proof.clear());
        alter("truncated proof", &|p| p.proof.truncate(p.proof.len().saturating_sub(1)));
        for (name, hash) in [("garbage", GARBAGE), ("root1", self.root1), ("root2", self.root2)] {
            alter(&format!("trailing {name}"), &|p| p.proof.push(hash));
            alter(&format!("preceding {name}"), &|p| p.proof.insert(0, hash));
        }
        alter("preceding proof[0]", &|p| drop(p.proof.splice(0..0, self.proof.first().copied())));
        for at in 0..self.proof.len() {
            alter(&format!("modified proof[{at}] bit 4"), &|p| p.proof[at][0] ^= 1 << 4);
        }
        all
    }
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/consistency.json")).unwrap()
}

fn published() -> Vec<Published> {
    let hash = |value: &Value| super::hash(value).unwrap();
    let read = |case: &Value| Published {
        size1: case["size1"].as_u64().unwrap(),
        root1: hash(&case["root1"]),
        size2: case["size2"].as_u64().unwrap(),
        root2: hash(&case["root2"]),
        proof: super::proof(&case["proof"]).unwrap(),
    };
    vectors()["cases"].as_array().unwrap().iter().map(read).collect()
}

#[test]
fn published_consistency_proofs_are_accepted_and_every_published_kind_of_alteration_of_them_refused() {
    let published = published();
    assert_eq!(published.len(), 5);
    let mut refused = 0;
    for proof in published {
        assert!(proof.holds(), "{proof:?}");
        for (kind, altered) in proof.altered() {
            assert!(!altered.holds(), "{kind}: {altered:?}");
            refused += 1;
        }
    }
    assert_eq!(refused, 92);
}

#[test]
fn tree_over_the_published_leaves_gives_the_published_consistency_proofs() {
    let vectors = vectors();
    let mut tree = Tree::new();
    for leaf in vectors["leaf_inputs_hex"].as_array().unwrap() {
        tree.push(leaf_hash(&super::bytes(leaf)));
    }
    assert_eq!(tree.size(), 8);
    for published in published() {
        let Published { size1, root1, size2, root2, proof } = published;
        assert_eq!((tree.root_at(size1).unwrap(), tree.root_at(size2).unwrap()), (root1, root2));
        assert_eq!(tree.prove_consistency(size1, size2).unwrap(), proof, "from {size1} to {size2}");
    }
}
