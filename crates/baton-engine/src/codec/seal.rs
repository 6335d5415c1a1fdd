//! Sealing: words out of the leaf, commitments in. The way back is in `open.rs`.
//!
//! The commitment to a text is SHA-256 over `"baton/commit/v1"`, a zero byte, the length of the path
//! as four bytes (most significant first), the path (a JSON pointer into the leaf), 32 bytes of salt
//! and the words in UTF-8. The salt is drawn for each text, from a generator that the system seeds, so that equal words look different and
//! short ones cannot be guessed. Path, salt and words lie beside the leaf as one JSON object:
//! `{"/payload/note": {"salt": HEX, "value": WORDS}}`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use smol_str::SmolStr;

use super::hex;
use super::tree::Node;

pub(crate) type Salt = [u8; 32];

/// What the domain serialises a text as: see `Text`.
const OPEN: &str = "$open";
const SEALED: &str = "$sealed";

/// The words of one leaf, by path.
pub(super) type Openings = BTreeMap<String, Opening<'static>>;

/// What opens one commitment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Opening<'w> {
    #[serde(with = "hex")]
    salt: Salt,
    #[serde(borrow)]
    pub(super) value: Cow<'w, str>,
}

/// Replaces every open text of `leaf` by its commitment and returns what opens them. Salts are drawn in
/// the order of the tree.
pub(super) fn seal(leaf: &mut Node, salt: &mut dyn FnMut() -> Salt) -> Openings {
    let mut openings = Openings::new();
    seal_at(leaf, &mut String::new(), salt, &mut openings);
    openings
}

fn seal_at(node: &mut Node, path: &mut String, salt: &mut dyn FnMut() -> Salt, openings: &mut Openings) {
    let length = path.len();
    match node {
        Node::Object(fields) => {
            if let [(name, Node::Text(words))] = fields.as_mut_slice()
                && name == OPEN
            {
                let opening = Opening { salt: salt(), value: String::from(std::mem::take(words)).into() };
                *name = SmolStr::new_static(SEALED);
                *words = hex::text(&hex::digits(&commitment(path, &opening))).into();
                openings.insert(path.clone(), opening);
                return;
            }
            for (name, field) in fields {
                push_key(path, name);
                seal_at(field, path, salt, openings);
                path.truncate(length);
            }
        }
        Node::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                push_key(path, &index.to_string());
                seal_at(item, path, salt, openings);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

/// Goes one step down in a JSON pointer.
fn push_key(path: &mut String, key: &str) {
    path.push('/');
    if key.bytes().any(|b| matches!(b, b'~' | b'/')) {
        path.push_str(&key.replace('~', "~0").replace('/', "~1"));
    } else {
        path.push_str(key);
    }
}

/// What stands in the leaf for the words of `opening` at `path`.
pub(super) fn commitment(path: &str, opening: &Opening<'_>) -> [u8; 32] {
    // A path is shorter than its leaf, which is shorter than 64 KiB.
    let length = path.len() as u32;
    let mut hasher = Sha256::new();
    hasher.update(b"baton/commit/v1\0");
    hasher.update(length.to_be_bytes());
    hasher.update(path);
    hasher.update(opening.salt);
    hasher.update(opening.value.as_bytes());
    hasher.finalize().into()
}
