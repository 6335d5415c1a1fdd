//! Sealing: words out of the leaf, commitments in, and back.
//!
//! The commitment to a text is SHA-256 over `"baton/commit/v1"`, a zero byte, the length of the path
//! as four bytes (most significant first), the path (a JSON pointer into the leaf), 32 bytes of salt
//! and the words in UTF-8. The salt is drawn for each text, so that equal words look different and
//! short ones cannot be guessed. Path, salt and words lie beside the leaf as one JSON object:
//! `{"/payload/note": {"salt": HEX, "value": WORDS}}`.

use std::collections::{BTreeMap, HashMap};

use rand::TryRngCore as _;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{DecodeError, EncodeError, hex};

pub(crate) type Salt = [u8; 32];

/// What the domain serialises a text as: see `Text`.
const OPEN: &str = "$open";
const SEALED: &str = "$sealed";

/// How a commitment stands in a leaf, before its 64 digits. Inside a JSON string the quotation marks
/// would be escaped, so these bytes stand nowhere else.
const SEAL: &str = r#"{"$sealed":""#;
const SEAL_DIGITS: usize = 64;
const SEAL_END: &str = r#""}"#;

/// The words of one leaf, by path.
pub(super) type Openings = BTreeMap<String, Opening>;

/// What opens one commitment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Opening {
    #[serde(with = "hex")]
    salt: Salt,
    value: String,
}

/// A salt from the system.
pub(super) fn system_salt() -> Result<Salt, EncodeError> {
    let mut salt = [0; 32];
    OsRng.try_fill_bytes(&mut salt).map_err(EncodeError::Randomness)?;
    Ok(salt)
}

/// Replaces every open text of `leaf` by its commitment and returns what opens them.
pub(super) fn seal(leaf: &mut Value, salt: &mut dyn FnMut() -> Result<Salt, EncodeError>) -> Result<Openings, EncodeError> {
    let mut openings = Openings::new();
    seal_at(leaf, &mut String::new(), salt, &mut openings)?;
    Ok(openings)
}

fn seal_at(
    value: &mut Value,
    path: &mut String,
    salt: &mut dyn FnMut() -> Result<Salt, EncodeError>,
    openings: &mut Openings,
) -> Result<(), EncodeError> {
    let length = path.len();
    match value {
        Value::Object(fields) => {
            if let Some(words) = take_words(fields) {
                let opening = Opening { salt: salt()?, value: words };
                let commitment = commitment(path, &opening);
                fields.insert(SEALED.to_owned(), hex::text(&commitment).into());
                openings.insert(path.clone(), opening);
                return Ok(());
            }
            for (key, field) in fields {
                push_key(path, key);
                seal_at(field, path, salt, openings)?;
                path.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                push_key(path, &index.to_string());
                seal_at(item, path, salt, openings)?;
                path.truncate(length);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Goes one step down in a JSON pointer.
fn push_key(path: &mut String, key: &str) {
    path.push('/');
    if key.contains(['~', '/']) {
        path.push_str(&key.replace('~', "~0").replace('/', "~1"));
    } else {
        path.push_str(key);
    }
}

/// The words of an object that is an open text, taken out of it.
fn take_words(fields: &mut Map<String, Value>) -> Option<String> {
    if fields.len() != 1 {
        return None;
    }
    match fields.get_mut(OPEN)? {
        Value::String(words) => {
            let words = std::mem::take(words);
            fields.clear();
            Some(words)
        }
        _ => None,
    }
}

fn commitment(path: &str, opening: &Opening) -> [u8; 32] {
    // A path is shorter than its leaf, which is shorter than 64 KiB.
    let length = path.len() as u32;
    let mut hasher = Sha256::new();
    hasher.update(b"baton/commit/v1\0");
    hasher.update(length.to_be_bytes());
    hasher.update(path);
    hasher.update(opening.salt);
    hasher.update(&opening.value);
    hasher.finalize().into()
}

/// The leaf with the words of `openings` in place of their commitments.
///
/// Words are found by their commitment, which binds them to their path. Commitments without an
/// opening stay; an opening without a commitment is damage.
pub(super) fn open(leaf: &[u8], openings: &Openings) -> Result<String, DecodeError> {
    let mut rest = std::str::from_utf8(leaf).map_err(|_| not_text())?;
    let mut closed: HashMap<String, (&str, &str)> = openings
        .iter()
        .map(|(path, opening)| (hex::text(&commitment(path, opening)), (path.as_str(), opening.value.as_str())))
        .collect();
    let words: usize = openings.values().map(|opening| opening.value.len()).sum();
    let mut opened = String::with_capacity(leaf.len() + words);
    while let Some(at) = rest.find(SEAL) {
        let (before, seal) = rest.split_at(at);
        opened.push_str(before);
        let end = SEAL.len() + SEAL_DIGITS + SEAL_END.len();
        let digits = seal.get(SEAL.len()..SEAL.len() + SEAL_DIGITS).unwrap_or_default();
        match closed.remove(digits) {
            Some((_, words)) if seal.get(..end).is_some_and(|seal| seal.ends_with(SEAL_END)) => {
                opened.push_str(r#"{"$open":"#);
                opened.push_str(&Value::from(words).to_string());
                opened.push('}');
                rest = &seal[end..];
            }
            Some((path, _)) => return Err(DecodeError::Commitment { path: path.to_owned() }),
            None => {
                opened.push_str(SEAL);
                rest = &seal[SEAL.len()..];
            }
        }
    }
    opened.push_str(rest);
    match closed.into_values().map(|(path, _)| path).min() {
        Some(path) => Err(DecodeError::Commitment { path: path.to_owned() }),
        None => Ok(opened),
    }
}

fn not_text() -> DecodeError {
    DecodeError::Leaf(serde::de::Error::custom("not UTF-8"))
}
