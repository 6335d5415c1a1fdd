//! Opening: words back into the leaf, in place of their commitments.
//!
//! Every event that is read goes through here, so nothing is copied but what the opened leaf holds.

use std::borrow::Cow;
use std::fmt;

use memchr::memmem;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::seal::{Opening, commitment};
use super::{DecodeError, hex};

/// How a commitment stands in a leaf, before its 64 digits. Inside a JSON string the quotation marks
/// would be escaped, so these bytes stand nowhere else.
const SEAL: &str = r#"{"$sealed":""#;
const SEAL_DIGITS: usize = 64;
const SEAL_END: &str = r#""}"#;

/// How an open text begins in a leaf.
const OPEN: &str = r#"{"$open":"#;

/// What lies beside a leaf: openings by path, in the order in which they are stored.
struct Disclosed<'w>(Vec<(Path<'w>, Opening<'w>)>);

/// A path, borrowed where it is written without escapes.
struct Path<'w>(Cow<'w, str>);

/// Words that have been found in the leaf, or not yet.
struct Closed<'w> {
    digits: [u8; SEAL_DIGITS],
    path: &'w str,
    words: &'w str,
    opened: bool,
}

/// Writes the leaf with the words of `disclosure` in place of their commitments into `opened`.
///
/// Words are found by their commitment, which binds them to their path. Commitments without an
/// opening stay; an opening without a commitment is damage.
pub(super) fn open(leaf: &[u8], disclosure: &[u8], opened: &mut Vec<u8>) -> Result<(), DecodeError> {
    let Disclosed(openings) = serde_json::from_slice(disclosure).map_err(|_| DecodeError::Disclosure)?;
    let mut closed: Vec<Closed<'_>> = openings.iter().map(|(path, opening)| closed(&path.0, opening)).collect();
    closed.sort_unstable_by_key(|closed| closed.digits);
    opened.clear();
    let mut rest = leaf;
    while let Some(at) = memmem::find(rest, SEAL.as_bytes()) {
        let (before, seal) = rest.split_at(at);
        opened.extend_from_slice(before);
        let after = &seal[SEAL.len()..];
        match find(&mut closed, after) {
            Some(found) => {
                let Some(end) = after[SEAL_DIGITS..].strip_prefix(SEAL_END.as_bytes()) else { return Err(unopened(found.path)) };
                found.opened = true;
                opened.extend_from_slice(OPEN.as_bytes());
                // Writing to a vector does not fail, and a text has a JSON form.
                serde_json::to_writer(&mut *opened, found.words).map_err(DecodeError::Leaf)?;
                opened.push(b'}');
                rest = end;
            }
            None => {
                opened.extend_from_slice(SEAL.as_bytes());
                rest = after;
            }
        }
    }
    opened.extend_from_slice(rest);
    match closed.iter().filter(|closed| !closed.opened).map(|closed| closed.path).min() {
        Some(path) => Err(unopened(path)),
        None => Ok(()),
    }
}

fn closed<'w>(path: &'w str, opening: &'w Opening<'_>) -> Closed<'w> {
    Closed { digits: hex::digits(&commitment(path, opening)), path, words: &opening.value, opened: false }
}

/// The words to which the digits at the start of `text` commit, if they are not opened yet.
fn find<'c, 'w>(closed: &'c mut [Closed<'w>], text: &[u8]) -> Option<&'c mut Closed<'w>> {
    let digits = text.get(..SEAL_DIGITS)?;
    let index = closed.binary_search_by(|closed| closed.digits.as_slice().cmp(digits)).ok()?;
    closed.get_mut(index).filter(|closed| !closed.opened)
}

fn unopened(path: &str) -> DecodeError {
    DecodeError::Commitment { path: path.to_owned() }
}

impl<'de: 'w, 'w> Deserialize<'de> for Path<'w> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Path<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path")
            }
            fn visit_borrowed_str<E>(self, path: &'de str) -> Result<Path<'de>, E> {
                Ok(Path(path.into()))
            }
            fn visit_str<E>(self, path: &str) -> Result<Path<'de>, E> {
                Ok(Path(path.to_owned().into()))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl<'de: 'w, 'w> Deserialize<'de> for Disclosed<'w> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Openings;
        impl<'de> Visitor<'de> for Openings {
            type Value = Disclosed<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("openings by path")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Disclosed<'de>, A::Error> {
                let mut openings = Vec::with_capacity(2);
                while let Some(opening) = map.next_entry()? {
                    openings.push(opening);
                }
                Ok(Disclosed(openings))
            }
        }
        deserializer.deserialize_map(Openings)
    }
}
