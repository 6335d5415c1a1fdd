//! The signing key of a log: an Ed25519 key under the log's origin, in a file of its own.
//!
//! The file holds one line in the format of signed notes, `PRIVATE+KEY+name+hash+key`, and only its
//! owner may read it. Whoever has it can sign for the log; it belongs outside the data directory,
//! its backups and everything an auditor gets.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::OsRng;
use signed_note::{Signer, StandardSigner};

use crate::bounds::MAX_ORIGIN;
use crate::hash::hmac_sha256;
use crate::storage::files::sync_parent;

/// The key that signs the checkpoints of one log. Cloning shares it.
#[derive(Clone)]
pub struct SigningKey {
    origin: String,
    verifier_key: String,
    secret: Arc<Secret>,
    /// The key that takes over, while this one hands over to it.
    successor: Option<Box<SigningKey>>,
}

struct Secret {
    signer: StandardSigner,
    line: String,
    seed: [u8; 32],
}

/// Why there is no signing key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The origin can not be the name of a key.
    #[error(
        "{0:?} is no origin: write 1 to 100 printable ASCII characters without spaces and plus signs, such as baton.example.nhs.uk/2026"
    )]
    Origin(String),
    /// The file is not a signing key.
    #[error("the key file {} is not a signing key ({why}); give the file that baton init made", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Others than the owner may read the file.
    #[error("the key file {} may be read by others (mode {mode:03o}); run chmod 600 on it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The new key can not take over from the old one.
    #[error("{new} can not take over from {old}: the new key must be another one, of the same origin")]
    NoSuccessor {
        /// The public half of the old key.
        old: String,
        /// The public half of the new key.
        new: String,
    },
    /// A file is there already.
    #[error("the key file {} is there already; a key is never overwritten, choose another name", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("failed to {what} the key file {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl SigningKey {
    /// A new key from the system's randomness, kept nowhere.
    ///
    /// # Errors
    /// [`KeyError::Origin`].
    pub fn generate(origin: &str) -> Result<Self, KeyError> {
        let printable = origin.bytes().all(|b| b.is_ascii_graphic() && b != b'+');
        if !(1..=MAX_ORIGIN).contains(&origin.len()) || !printable {
            return Err(KeyError::Origin(origin.chars().take(MAX_ORIGIN).collect()));
        }
        let (line, _) = signed_note::generate_key(&mut OsRng, origin);
        Ok(SigningKey::from_line(&line).expect("a key that was just made is one"))
    }

    /// Makes a key and its file, readable by its owner alone. Durable when it returns.
    ///
    /// # Errors
    /// [`KeyError::Origin`], [`KeyError::Exists`], [`KeyError::Io`].
    pub fn create(path: &Path, origin: &str) -> Result<Self, KeyError> {
        let key = SigningKey::generate(origin)?;
        key.save(path)?;
        Ok(key)
    }

    /// Makes the file of a key that was generated, readable by its owner alone. Durable when it returns.
    ///
    /// # Errors
    /// [`KeyError::Exists`], [`KeyError::Io`].
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        let io = |what| move |source| KeyError::Io { what, path: path.to_owned(), source };
        if path.exists() {
            return Err(KeyError::Exists { path: path.to_owned() });
        }
        // Whole or not at all: half a key left by a crash could neither be used nor, rightly, be overwritten.
        let mut draft = path.as_os_str().to_owned();
        draft.push(".draft");
        let draft = PathBuf::from(draft);
        let _ = fs::remove_file(&draft);
        let mut file = File::options().create_new(true).write(true).mode(0o600).open(&draft).map_err(io("create"))?;
        let written = writeln!(file, "{}", self.secret.line).and_then(|()| file.sync_all());
        // A link, because unlike a rename it never takes the place of another file.
        let written = written.and_then(|()| fs::hard_link(&draft, path)).and_then(|()| fs::remove_file(&draft));
        let written = written.and_then(|()| sync_parent(path));
        written.map_err(io("write"))
    }

    /// Reads a key file, which only its owner may be able to read.
    ///
    /// # Errors
    /// [`KeyError::Malformed`], [`KeyError::Exposed`], [`KeyError::Io`].
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let io = |source| KeyError::Io { what: "read", path: path.to_owned(), source };
        let mode = fs::metadata(path).map_err(io)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: path.to_owned(), mode });
        }
        let text = fs::read_to_string(path).map_err(io)?;
        SigningKey::from_line(text.trim_end()).map_err(|why| KeyError::Malformed { path: path.to_owned(), why })
    }

    fn from_line(line: &str) -> Result<Self, String> {
        let signer = StandardSigner::new(line).map_err(|e| e.to_string())?;
        let key = line.splitn(5, '+').nth(4).unwrap_or_default();
        let key = STANDARD.decode(key).map_err(|e| e.to_string())?;
        // The first byte names the algorithm; the crate has checked it.
        let key = ed25519_dalek::SigningKey::try_from(key.get(1..).unwrap_or_default()).map_err(|e| e.to_string())?;
        let origin = signer.name().to_owned();
        let verifier_key = signed_note::new_ed25519_verifier_key(&origin, &key.verifying_key());
        let secret = Arc::new(Secret { signer, line: line.to_owned(), seed: key.to_bytes() });
        Ok(SigningKey { origin, verifier_key, secret, successor: None })
    }

    /// The log it signs for.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The public half as a line of a trust file: `name+hash+key`.
    pub fn verifier_key(&self) -> &str {
        &self.verifier_key
    }

    /// This key while it hands over to a new one: every checkpoint then bears the signatures of both. The old
    /// one's says that it agrees, and the new one's lets the log be opened under the new key from there on.
    ///
    /// # Errors
    /// [`KeyError::NoSuccessor`] when they are of different origins, or the same key.
    pub fn handing_over_to(&self, new: &SigningKey) -> Result<SigningKey, KeyError> {
        if self.origin != new.origin || self.verifier_key == new.verifier_key {
            return Err(KeyError::NoSuccessor { old: self.verifier_key.clone(), new: new.verifier_key.clone() });
        }
        Ok(SigningKey { successor: Some(Box::new(new.clone())), ..self.clone() })
    }

    /// The public half of the key that this one hands over to; `None` while it does not.
    pub fn successor_key(&self) -> Option<&str> {
        self.successor.as_ref().map(|new| new.verifier_key.as_str())
    }

    /// A key for something else than signing, the same for the same purpose and salt. Nothing of this key follows from
    /// it. A key that hands over to another one derives what it would alone.
    pub(crate) fn derive(&self, purpose: &str, salt: &[u8]) -> [u8; 32] {
        hmac_sha256(&self.secret.seed, &[purpose.as_bytes(), b"\0", salt].concat())
    }

    /// Whoever signs: the key, and the one it hands over to.
    pub(super) fn signers(&self) -> Vec<&dyn Signer> {
        let new = self.successor.iter().map(|new| &new.secret.signer as &dyn Signer);
        std::iter::once(&self.secret.signer as &dyn Signer).chain(new).collect()
    }
}

// A key in a log line would be a key given away.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier_key)
    }
}
