//! The stored form of an event: one JSON text, the leaf, and beside it the words it does not show.
//!
//! A leaf is the event with sorted keys and without nulls, and with `"v"` and `"schema"`. Absent means
//! unknown or default. Empty lists and objects of the envelope are left out; inside a payload they
//! stay, because there an empty list may say something else than an absent one. In place of every
//! text stands `{"$sealed": COMMITMENT}` (how it is made: `seal.rs`).
//!
//! A leaf that was written once is read for ever: every schema ever released keeps its reader and its
//! golden files (`golden/`). This module holds no key and encrypts nothing; that is the ledger's part.

mod hex;
mod leaf;
mod open;
mod seal;
mod tree;

use baton_domain::event::Recorded;
use baton_ledger::Disclosure;
use baton_ledger::bounds::{MAX_DISCLOSURE, MAX_LEAF, MAX_RECORD};
use smol_str::SmolStr;

use self::leaf::Papers;
use self::seal::{Openings, Salt};
use self::tree::Node;

/// What every leaf says it is.
pub const FORMAT: &str = "baton/leaf/1";

/// The version of the stored form that is written now; all up to it are read.
pub const SCHEMA: u32 = 1;

/// An event ready to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// What is stored, hashed and served verbatim: 1 to 65,535 bytes.
    pub leaf: Vec<u8>,
    /// The words beside it with their salts; `None` when the event has no text.
    pub disclosure: Option<Vec<u8>>,
}

/// Why an event cannot be stored.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// It is over a bound of the ledger.
    #[error("{what} of {size} bytes is over the bound of {bound}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        size: usize,
        /// The bound.
        bound: usize,
    },
    /// A value has no stored form. A defect of the domain.
    #[error("the event has no stored form")]
    Form(#[source] serde_json::Error),
    /// The stream has no name in the ledger. A defect of the domain.
    #[error("the stream has no name in the ledger")]
    Stream(#[from] baton_ledger::NameError),
}

/// Why a leaf is not read as an event. All but the newer ones are damage.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Another kind of leaf.
    #[error("the leaf is of format {found:?} and this release reads {FORMAT:?}")]
    NewerFormat {
        /// What it says it is.
        found: String,
    },
    /// Written by a newer release.
    #[error("the leaf is of schema {found} and this release reads up to {SCHEMA}; use a newer release")]
    NewerSchema {
        /// What it says.
        found: u32,
    },
    /// Not the stored form of an event.
    #[error("the leaf is not the stored form of an event: {0}")]
    Leaf(#[source] serde_json::Error),
    /// The words beside the leaf are not in their form.
    #[error("what lies beside the leaf is not a disclosure")]
    Disclosure,
    /// Words that are not those the leaf commits to.
    #[error("the words disclosed for {path} open no commitment of the leaf")]
    Commitment {
        /// The field.
        path: String,
    },
    /// The key of the words does not fit.
    #[error(
        "the words beside the leaf are not opened by their key, which no erasure overwrote: put the key file back, or a copy of it"
    )]
    Unreadable,
}

/// Encodes an event, with a fresh salt for every text.
///
/// # Errors
/// See [`EncodeError`].
pub fn encode(recorded: &Recorded) -> Result<Encoded, EncodeError> {
    encode_with(recorded, &mut rand::random)
}

/// As [`encode`], with salts from elsewhere, so that tests get the same bytes twice.
pub(crate) fn encode_with(recorded: &Recorded, salt: &mut dyn FnMut() -> Salt) -> Result<Encoded, EncodeError> {
    let mut tree = tree::tree(recorded).map_err(EncodeError::Form)?;
    leaf::strip(&mut tree);
    tree.sort();
    let openings = seal::seal(&mut tree, salt);
    if let Node::Object(fields) = &mut tree {
        let at = |name: &str, fields: &[(SmolStr, Node)]| fields.partition_point(|(other, _)| other.as_str() < name);
        fields.insert(at("schema", fields), (SmolStr::new_static("schema"), Node::Unsigned(SCHEMA.into())));
        fields.insert(at("v", fields), (SmolStr::new_static("v"), Node::Text(SmolStr::new_static(FORMAT))));
    }
    let leaf = serde_json::to_vec(&tree).map_err(EncodeError::Form)?;
    let disclosure = disclosure(&openings)?;

    let beside = disclosure.as_ref().map_or(0, Vec::len);
    within("a leaf", leaf.len(), MAX_LEAF)?;
    within("the words beside a leaf", beside, MAX_DISCLOSURE)?;
    within("a leaf with the words beside it", leaf.len() + beside, MAX_RECORD)?;
    Ok(Encoded { leaf, disclosure })
}

/// Decodes one leaf; see [`Decoder::decode`].
///
/// # Errors
/// See [`DecodeError`].
pub fn decode(leaf: &[u8], disclosure: &Disclosure) -> Result<(Recorded, u32), DecodeError> {
    Decoder::default().decode(leaf, disclosure)
}

/// Decodes leaves one after the other. Remembers evidence that it has read, because the same papers are
/// named by many statements: they share it then, in time and in memory.
#[derive(Debug, Default)]
pub struct Decoder {
    papers: Papers,
    opened: Vec<u8>,
}

impl Decoder {
    /// Decodes a leaf, puts back the words that are disclosed, and says in which schema it was written.
    /// Words that are erased stay [`Withheld`](baton_domain::values::Text::Withheld).
    ///
    /// # Errors
    /// See [`DecodeError`]. Words that do not open their commitment are an error, never left out.
    pub fn decode(&mut self, leaf: &[u8], disclosure: &Disclosure) -> Result<(Recorded, u32), DecodeError> {
        let opened = match disclosure {
            Disclosure::None | Disclosure::Erased => leaf,
            Disclosure::Unreadable => return Err(DecodeError::Unreadable),
            Disclosure::Open(words) => {
                open::open(leaf, words, &mut self.opened)?;
                &self.opened
            }
        };
        // Looked at once as a whole, the text need not be looked at again string by string.
        let text = std::str::from_utf8(opened).map_err(|_| DecodeError::Leaf(serde::de::Error::custom("not UTF-8")))?;
        leaf::read(text, &mut self.papers)
    }
}

fn disclosure(openings: &Openings) -> Result<Option<Vec<u8>>, EncodeError> {
    if openings.is_empty() {
        return Ok(None);
    }
    serde_json::to_vec(openings).map(Some).map_err(EncodeError::Form)
}

fn within(what: &'static str, size: usize, bound: usize) -> Result<(), EncodeError> {
    if size > bound { Err(EncodeError::TooLarge { what, size, bound }) } else { Ok(()) }
}
