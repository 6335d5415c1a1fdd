//! Evidence: where a statement is taken from (rule I47).

use super::{Day, InvalidValue};
use serde::{Deserialize, Serialize};

/// Whether the document is held, so that its bytes can be compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// The SHA-256 of the document, 64 lower-case hexadecimal digits.
    Sha256(String),
    /// Cited and not held: who looked, and when, in words.
    CitedNotHeld(String),
}

/// One document a statement rests on. Titles here are plain: a confidential title does not belong in evidence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Title of the document, 1 to 300 characters.
    pub title: String,
    /// Held by digest, or cited and not held.
    pub held: Held,
    /// Page, section or other place in the document; empty when the whole document is meant.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// Date of the document, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dated: Option<Day>,
}

impl Held {
    /// A held document with this digest.
    ///
    /// # Errors
    /// When `hex` is not 64 lower-case hexadecimal digits.
    pub fn sha256(hex: &str) -> Result<Self, InvalidValue> {
        let good = hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if good {
            Ok(Self::Sha256(hex.to_owned()))
        } else {
            Err(InvalidValue::new("a SHA-256 is 64 lower-case hexadecimal digits"))
        }
    }
}
