//! Checkpoints: the size and root of the log, signed; and the keys that a reader trusts.

use std::fmt;
use std::sync::Arc;

use signed_note::{Note, StandardVerifier, Verifier, VerifierList};
use tlog_tiles::checkpoint;
use tlog_tiles::tlog::Hash;

use super::key::SigningKey;
use super::tree::{EMPTY_ROOT, NodeHash};
use crate::bounds::{MAX_CHECKPOINT, MAX_NOTE};

/// What a checkpoint says: at this size the log of this origin had this root.
#[derive(Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log; the first line of the note.
    pub origin: String,
    /// How many leaves the log held.
    pub size: u64,
    /// The root of the tree over them.
    pub root: NodeHash,
}

/// A checkpoint with the note it was read from or written to.
///
/// Cheap to clone: every receipt of a batch holds the same one.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedCheckpoint(Arc<Signed>);

#[derive(PartialEq, Eq)]
struct Signed {
    checkpoint: Checkpoint,
    note: String,
}

/// The keys that a reader trusts for one log or several, from a file of his own.
#[derive(Clone, Debug)]
pub struct TrustedKeys {
    lines: Vec<String>,
}

/// Why a note is no checkpoint that can be relied on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not a signed note, or not one with a checkpoint in it.
    #[error("the note is not a signed checkpoint ({0})")]
    Malformed(String),
    /// Nobody that is trusted signed it.
    #[error("the checkpoint of {origin:?} bears no signature by a trusted key for that origin")]
    Untrusted {
        /// The origin it names.
        origin: String,
    },
    /// A trusted key's signature is there and does not fit the text.
    #[error("the checkpoint of {origin:?} bears a signature that does not fit it")]
    BadSignature {
        /// The origin it names.
        origin: String,
    },
    /// A line of the trust file is not a verifier key.
    #[error("line {line} of the trust file is not a verifier key: {why}")]
    TrustLine {
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// The trust file names nobody.
    #[error("the trust file names no key; it holds one verifier key a line, as trust.txt of the log's operator does")]
    NoTrust,
}

impl Checkpoint {
    /// The checkpoint of a log without records.
    pub fn empty(origin: &str) -> Self {
        Checkpoint { origin: origin.to_owned(), size: 0, root: EMPTY_ROOT }
    }

    fn text(&self) -> Vec<u8> {
        let checkpoint = checkpoint::Checkpoint::new(&self.origin, self.size, Hash(self.root), "");
        checkpoint.expect("an origin is not empty").to_bytes()
    }
}

impl SignedCheckpoint {
    /// Signs. The same checkpoint and key give the same note, byte for byte.
    ///
    /// The caller answers for it that the tree is durable, and that it is neither smaller than nor
    /// inconsistent with any that was signed before.
    pub(crate) fn sign(key: &SigningKey, size: u64, root: NodeHash) -> Self {
        let checkpoint = Checkpoint { origin: key.origin().to_owned(), size, root };
        let mut note = Note::new(&checkpoint.text(), &[]).expect("a checkpoint is the text of a note");
        note.add_sigs(&key.signers()).expect("an Ed25519 key signs any text");
        let note = String::from_utf8(note.to_bytes()).expect("a note is UTF-8");
        debug_assert!(note.len() <= MAX_CHECKPOINT);
        SignedCheckpoint::of(checkpoint, note)
    }

    /// A checkpoint that nobody signed, as a beginning for what is only looked at.
    pub(crate) fn unsigned(checkpoint: Checkpoint) -> Self {
        SignedCheckpoint::of(checkpoint, String::new())
    }

    fn of(checkpoint: Checkpoint, note: String) -> Self {
        SignedCheckpoint(Arc::new(Signed { checkpoint, note }))
    }

    /// Reads a note **without checking any signature**: for what is then compared with something
    /// that is known. Use [`TrustedKeys::verify`] wherever a note comes from outside.
    ///
    /// # Errors
    /// [`CheckpointError::Malformed`].
    pub fn parse_unverified(note: &[u8]) -> Result<Self, CheckpointError> {
        Ok(parse(note)?.0)
    }

    /// What it says.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.0.checkpoint
    }

    /// The note, with its signatures, as it is kept and handed out.
    pub fn note(&self) -> &str {
        &self.0.note
    }

    /// Whether this key signed it, for its own origin.
    pub fn is_signed_by(&self, key: &SigningKey) -> bool {
        self.bears_signature_of(key.verifier_key())
    }

    /// Whether it bears a signature, for its own origin, that fits this line of a trust file.
    pub fn bears_signature_of(&self, verifier_key: &str) -> bool {
        TrustedKeys { lines: vec![verifier_key.to_owned()] }.verify(self.note().as_bytes()).is_ok()
    }
}

impl TrustedKeys {
    /// Reads a trust file: one verifier key (`name+hash+key`) a line; empty lines and lines that
    /// begin with `#` are passed over.
    ///
    /// # Errors
    /// [`CheckpointError::TrustLine`], [`CheckpointError::NoTrust`].
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            StandardVerifier::new(line).map_err(|e| CheckpointError::TrustLine { line: number + 1, why: e.to_string() })?;
            lines.push(line.to_owned());
        }
        if lines.is_empty() { Err(CheckpointError::NoTrust) } else { Ok(TrustedKeys { lines }) }
    }

    /// The verifier keys, as they stand in the file.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// Whether any of the keys is one for this origin.
    pub(crate) fn names(&self, origin: &str) -> bool {
        self.lines.iter().filter_map(|line| StandardVerifier::new(line).ok()).any(|key| key.name() == origin)
    }

    /// Reads a note and accepts it only with a signature, for its own origin, by a trusted key. Any
    /// signature of such a key that does not fit refuses it; signatures of others are passed over.
    ///
    /// # Errors
    /// [`CheckpointError::Malformed`], [`CheckpointError::Untrusted`], [`CheckpointError::BadSignature`].
    pub fn verify(&self, note: &[u8]) -> Result<SignedCheckpoint, CheckpointError> {
        let (signed, parsed) = parse(note)?;
        let origin = signed.checkpoint().origin.clone();
        // A key counts for the log that bears its name and for no other.
        let known = self.lines.iter().filter_map(|line| StandardVerifier::new(line).ok()).filter(|key| key.name() == origin);
        let known = VerifierList::new(known.map(|key| Box::new(key) as Box<dyn Verifier>).collect());
        match parsed.verify(&known) {
            Ok(_) => Ok(signed),
            Err(signed_note::NoteError::InvalidSignature { .. }) => Err(CheckpointError::BadSignature { origin }),
            Err(_) => Err(CheckpointError::Untrusted { origin }),
        }
    }
}

fn parse(note: &[u8]) -> Result<(SignedCheckpoint, Note), CheckpointError> {
    let malformed = |why: &dyn fmt::Display| CheckpointError::Malformed(why.to_string());
    if note.len() > MAX_NOTE {
        return Err(malformed(&format_args!("{} bytes are over the bound of {MAX_NOTE}", note.len())));
    }
    let text = std::str::from_utf8(note).map_err(|e| malformed(&e))?;
    let parsed = Note::from_bytes(note).map_err(|e| malformed(&e))?;
    let read = checkpoint::Checkpoint::from_bytes(parsed.text()).map_err(|e| malformed(&e))?;
    if !read.extension().is_empty() {
        return Err(malformed(&"it has extension lines, which Baton neither writes nor understands"));
    }
    let checkpoint = Checkpoint { origin: read.origin().to_owned(), size: read.size(), root: read.hash().0 };
    // The reader of the crate is lenient in places; what is accepted is exactly what would be written.
    if checkpoint.text() != parsed.text() || Note::to_bytes(&parsed) != note {
        return Err(malformed(&"it is not written as such a note is"));
    }
    Ok((SignedCheckpoint::of(checkpoint, text.to_owned()), parsed))
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} with root {}", self.origin, self.size, Hash(self.root))
    }
}

impl fmt::Debug for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.checkpoint().fmt(f)
    }
}
