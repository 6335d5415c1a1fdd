//! The data directory: which file is where, whose it is, and who may have it open.
//!
//! ```text
//! DATA/FORMAT      format of the directory; written last, so its presence says "complete"
//! DATA/LOCK        locked while open; holds the process id
//! DATA/store/      the storage engine's files
//! DATA/head        the newest checkpoint, beside the store (log/head_file.rs)
//! DATA/keys        keys of the disclosures (log/keys.rs); in no backup of the store
//! DATA/trust.txt   the public keys of the log's checkpoints, to be handed to auditors
//! DATA/ballast     space that is given up when the disk is full (ballast.rs)
//! DATA/FORKING     the public key of a fork that is being made (claim.rs)
//! DATA/REWRITE     a sync failed; the store is to be written anew (rewrite.rs)
//! DATA/store.new   the new store, until it takes the place of the old one
//! DATA/seal        how the store lay after a stop in order (seal.rs)
//! DATA/snapshot    what the next start need not read the records for, encrypted (snapshot.rs); in no backup
//! DATA/recovery/   raw copies from before each start on anything else (recovery.rs)
//! ```

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::OpenError;
use crate::storage::files::{sync_dir, sync_parent, write_synced};

/// The newest format of the data directory this release reads, and the one it writes.
pub(super) const FORMAT: u32 = 4;
const FORMAT_WORD: &str = "baton-ledger";

/// What a creation that was cut short may leave behind. `lost+found` is a file system's own.
/// The signing key lies here only in demonstrations.
const OURS: [&str; 17] = [
    "LOCK",
    "store",
    "store.new",
    "head",
    "head.new",
    "keys",
    "keys.new",
    "ballast",
    "trust.txt",
    "signing-key",
    "seal",
    "snapshot",
    "snapshot.new",
    "REWRITE",
    "recovery",
    "FORMAT.new",
    "lost+found",
];

/// Paths in a data directory.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) dir: PathBuf,
}

impl Layout {
    pub(super) fn new(dir: &Path) -> Self {
        Layout { dir: dir.to_owned() }
    }

    pub(super) fn store(&self) -> PathBuf {
        self.dir.join("store")
    }

    pub(super) fn head(&self) -> PathBuf {
        self.dir.join("head")
    }

    pub(super) fn keys(&self) -> PathBuf {
        self.dir.join("keys")
    }

    pub(super) fn trust(&self) -> PathBuf {
        self.dir.join("trust.txt")
    }

    pub(super) fn recovery(&self) -> PathBuf {
        self.dir.join("recovery")
    }

    /// The sums of the store as a stop in order left it (seal.rs).
    pub(super) fn seal(&self) -> PathBuf {
        self.dir.join("seal")
    }

    /// What a stop in order left for the next start (snapshot.rs).
    pub(super) fn snapshot(&self) -> PathBuf {
        self.dir.join("snapshot")
    }

    /// The same, until it is whole.
    pub(super) fn new_snapshot(&self) -> PathBuf {
        self.dir.join("snapshot.new")
    }

    pub(super) fn ballast(&self) -> PathBuf {
        self.dir.join("ballast")
    }

    /// Says that a sync had failed and the store is to be rewritten (rewrite.rs).
    pub(super) fn marker(&self) -> PathBuf {
        self.dir.join("REWRITE")
    }

    /// Under which key the log is about to go on as a fork (claim.rs).
    pub(super) fn forking(&self) -> PathBuf {
        self.dir.join("FORKING")
    }

    /// The rewritten store, until it takes the place of the old one.
    pub(super) fn new_store(&self) -> PathBuf {
        self.dir.join("store.new")
    }

    /// There from the moment at which a log is made here.
    pub(super) fn lock_file(&self) -> PathBuf {
        self.dir.join("LOCK")
    }

    fn format(&self) -> PathBuf {
        self.dir.join("FORMAT")
    }

    /// Makes the directory, and its entry in the parent durable, if it is not there.
    pub(super) fn create_dir(&self) -> Result<(), OpenError> {
        if self.dir.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(&self.dir).map_err(io_at("create", &self.dir))?;
        sync_parent(&self.dir).map_err(io_at("sync the parent of", &self.dir))
    }

    /// Refuses a directory that holds files of somebody else and no ledger. Changes nothing.
    pub(super) fn refuse_foreign(&self) -> Result<(), OpenError> {
        if self.format().exists() {
            return Ok(());
        }
        for entry in fs::read_dir(&self.dir).map_err(io_at("list", &self.dir))? {
            let name = entry.map_err(io_at("list", &self.dir))?.file_name();
            if !OURS.iter().any(|ours| name == *ours) {
                let why = format!("it holds {} and no FORMAT file", name.to_string_lossy());
                return Err(OpenError::NotALedger { dir: self.dir.clone(), why });
            }
        }
        Ok(())
    }

    /// Takes the directory for this process, or says who has it. Changes nothing on a refusal.
    ///
    /// The lock is the system's and ends with the process, so a stale one cannot exist.
    pub(super) fn lock(&self) -> Result<File, OpenError> {
        let path = self.lock_file();
        let mut file =
            File::options().create(true).truncate(false).read(true).write(true).open(&path).map_err(io_at("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(self.in_use(&mut file)),
            Err(TryLockError::Error(source)) => return Err(io_at("lock", &path)(source)),
        }
        // Of one length, so that on a full disk it is written in place. Nothing rests on it.
        let pid = format!("{:<10}\n", std::process::id());
        if let Err(error) = file.write_all(pid.as_bytes()).and_then(|()| file.set_len(pid.len() as u64)) {
            tracing::warn!(%error, file = %path.display(), "failed to say which process has the directory open");
        }
        Ok(file)
    }

    /// Keeps servers away while somebody looks; changes nothing. `None` where there is no lock file.
    pub(super) fn lock_shared(&self) -> Result<Option<File>, OpenError> {
        let path = self.lock_file();
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(io_at("open", &path)(source)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Err(self.in_use(&mut file)),
            Err(TryLockError::Error(source)) => Err(io_at("lock", &path)(source)),
        }
    }

    fn in_use(&self, lock: &mut File) -> OpenError {
        let mut text = String::new();
        let pid = lock.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
        OpenError::InUse { dir: self.dir.clone(), pid }
    }

    /// Whether the directory is complete; refuses one of a newer release.
    pub(super) fn read_format(&self) -> Result<bool, OpenError> {
        let text = match fs::read_to_string(self.format()) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(io_at("read", &self.format())(source)),
        };
        let found = text.trim_end().strip_prefix(FORMAT_WORD).and_then(|n| n.trim().parse().ok());
        match found {
            Some(FORMAT) => Ok(true),
            Some(found) if found > FORMAT => Err(OpenError::NewerFormat { dir: self.dir.clone(), found, supported: FORMAT }),
            Some(found) => Err(OpenError::OlderFormat { dir: self.dir.clone(), found, supported: FORMAT }),
            None => {
                Err(OpenError::NotALedger { dir: self.dir.clone(), why: "its FORMAT file is not one of a ledger".to_owned() })
            }
        }
    }

    /// Declares the directory complete. Durable when it returns.
    pub(super) fn write_format(&self) -> Result<(), OpenError> {
        let path = self.format();
        let draft = self.dir.join("FORMAT.new");
        write_synced(&draft, format!("{FORMAT_WORD} {FORMAT}\n").as_bytes())
            .and_then(|()| fs::rename(&draft, &path))
            .and_then(|()| sync_dir(&self.dir))
            .map_err(io_at("write", &path))
    }
}

/// An error of the system, with what was tried and where.
pub(super) fn io_at(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io { what, path, source }
}
