//! The real log on a simulated machine, opened through the same rules as the one on sled.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::watch;

use super::bugs::Bug;
use super::machine::Machine;
use crate::contract::{Appended, Batch, Disclosure, Ledger, Record, RequestKey, RequestRecord, StoredRecord};
use crate::error::{AppendError, CloseError, EraseError, ReadError, ReopenError};
use crate::hash::leaf_hash;
use crate::head::Head;
use crate::log::head_file::{HeadFile, Noted};
use crate::log::keeper::Pace;
use crate::log::keys::KeyFile;
use crate::log::start::{self, Refusal, Rules};
use crate::log::succession::no_succession;
use crate::log::{Log, Parts};
use crate::names::{Position, Revision, StreamName};
use crate::proof::{NodeHash, ProofError, Receipt, SignedCheckpoint, SigningKey, Tile};
use crate::storage::{Disk as _, Fault};

/// Least free space for an append; the machine has all or nothing.
const MIN_FREE_BYTES: u64 = 1;

/// The log on a [`Machine`]. It notes its head when told to and starts no thread.
///
/// Dropped, it is the process that ended; the machine is then to be restarted and the log opened anew.
pub struct SimLedger {
    log: Log,
    machine: Machine,
    /// How many records there were when it was opened.
    found: u64,
    /// With [`Bug::ReaderShownUnsynced`], what is shown too early.
    early: Mutex<Vec<StoredRecord>>,
}

/// Why the log was not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The machine stopped on the way.
    Down,
    /// The store ends before what was noted beside it.
    Loss {
        /// Records in the store.
        store: u64,
        /// Records it must at least hold.
        noted: u64,
    },
    /// The store is not sound.
    Damaged(String),
    /// The head file or the key file cannot be used.
    File(String),
    /// An operation failed.
    Failed(String),
    /// The checkpoints are another key's.
    WrongKey,
}

impl SimLedger {
    /// Makes an empty log on a machine whose disks are empty, as the first start of a server does.
    ///
    /// # Errors
    /// [`Refused::Failed`], if faults are on already.
    pub fn create(machine: &Machine, key: SigningKey) -> Result<Self, Refused> {
        let failed = |error: std::io::Error| Refused::Failed(error.to_string());
        KeyFile::begin(&machine.key_file()).map_err(failed)?;
        let empty = SignedCheckpoint::sign(&key, Head::EMPTY.size, Head::EMPTY.root);
        let head_file = HeadFile::create(Box::new(machine.head_file()), empty).map_err(failed)?;
        open(machine, key, head_file, None)
    }

    /// Opens the log under guard, as a server does at each start.
    ///
    /// # Errors
    /// See [`Refused`]; the store is as it was, but for a torn batch that may be removed already.
    pub fn open(machine: &Machine, key: SigningKey) -> Result<Self, Refused> {
        let opened = || {
            let (mut file, noted) = HeadFile::open(Box::new(machine.head_file())).map_err(Refused::File)?;
            file.note(&Noted { clean: false, ..noted.clone() }).map_err(|error| Refused::Failed(error.to_string()))?;
            open(machine, key, file, Some(noted))
        };
        opened().map_err(|refused| if machine.is_down() { Refused::Down } else { refused })
    }

    /// Notes the newest checkpoint in the head file, as a thread of a server does once a second.
    pub fn note_head(&self) {
        self.log.note_head_now();
    }

    fn is(&self, bug: Bug) -> bool {
        self.machine.bug() == Some(bug)
    }

    fn early(&self) -> MutexGuard<'_, Vec<StoredRecord>> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// [`Bug::PublishedBeforeSync`]: the index and the followers first, the sync afterwards.
    fn append_published_first(&self, batch: &Batch) -> Result<Appended, AppendError> {
        self.machine.defer_syncs(true);
        let appended = self.log.append_now(batch);
        self.machine.defer_syncs(false);
        let appended = appended?;
        self.machine.disk().sync().map_err(|error| AppendError::OutcomeUnknown { why: error.to_string() })?;
        Ok(appended)
    }

    /// [`Bug::ReaderShownUnsynced`]: what a batch would add.
    fn preview(&self, batch: &Batch) -> Vec<StoredRecord> {
        let stored = |(offset, record): (usize, &Record)| StoredRecord {
            position: Position(batch.at.0 + offset as u64),
            stream: record.stream.clone(),
            revision: Revision::FIRST,
            leaf: record.leaf.clone(),
            leaf_hash: leaf_hash(&record.leaf),
            disclosure: Disclosure::None,
        };
        batch.records().enumerate().map(stored).collect()
    }
}

/// The guarded open, but for what needs a file system.
fn open(machine: &Machine, key: SigningKey, mut head_file: HeadFile, noted: Option<Noted>) -> Result<SimLedger, Refused> {
    let failed = |error: std::io::Error| Refused::Failed(error.to_string());
    let disk = machine.disk();
    let held_against = noted.as_ref().filter(|_| machine.bug() != Some(Bug::HeadFileIgnored));
    let scan = start::load(&disk, &key, held_against, Rules { fork: false, read_succession: no_succession }).map_err(refused)?;
    let keys = KeyFile::open(Box::new(machine.key_file())).map_err(Refused::File)?;
    start::check_keys(&keys, &scan).map_err(Refused::File)?;
    let slots = start::slots(&keys, &scan, noted.as_ref()).map_err(failed)?;
    if !scan.torn.is_empty() {
        machine.found_torn();
        machine.say(format_args!("a torn batch of {} chunks", scan.torn.len()));
        if machine.bug() != Some(Bug::TornBatchKept) {
            start::remove_torn(&disk, &scan).map_err(|fault| failed(fault.into()))?;
        }
    }
    start::prove_sync(&disk, &keys, &scan).map_err(failed)?;
    let checkpoint = scan.durable.index.checkpoint().clone();
    head_file.note(&Noted { checkpoint, clean: false }).map_err(failed)?;
    let found = scan.durable.index.head().size;
    machine.say(format_args!("open with {found} records"));
    let log = Log::new(Parts {
        key,
        disk: Arc::new(disk),
        durable: scan.durable,
        keys,
        slots,
        head_file,
        pace: Pace::ByHand,
        min_free_bytes: MIN_FREE_BYTES,
    });
    Ok(SimLedger { log: log.map_err(failed)?, machine: machine.clone(), found, early: Mutex::new(Vec::new()) })
}

fn refused(refusal: Refusal) -> Refused {
    match refusal {
        Refusal::Store(Fault::Io(error)) => Refused::Failed(error.to_string()),
        Refusal::Store(Fault::Damage(why)) => Refused::Damaged(why),
        Refusal::Loss { store, noted } => Refused::Loss { store: store.size, noted: noted.size },
        Refusal::WrongKey { .. } | Refusal::Retired(_) => Refused::WrongKey,
    }
}

#[async_trait]
impl Ledger for SimLedger {
    async fn append(&self, mut batch: Batch) -> Result<Appended, AppendError> {
        match self.machine.bug() {
            Some(Bug::PublishedBeforeSync) => self.append_published_first(&batch),
            Some(Bug::ReaderShownUnsynced) => {
                *self.early() = self.preview(&batch);
                let appended = self.log.append_now(&batch);
                self.early().clear();
                appended
            }
            Some(Bug::RequestIdForgotten) => {
                for set in &mut batch.sets {
                    set.request = set.request.take().filter(|key| self.log.durable().index.request(key).is_none());
                }
                self.log.append_now(&batch)
            }
            _ => self.log.append_now(&batch),
        }
    }

    fn head(&self) -> Head {
        self.log.durable().index.head()
    }

    async fn read(&self, from: Position, limit: usize) -> Result<Vec<StoredRecord>, ReadError> {
        let mut page = self.log.read_now(from, limit)?;
        if self.is(Bug::ReaderShownUnsynced) && page.len() < limit {
            page.extend(self.early().iter().filter(|record| record.position >= from).cloned());
        }
        if self.is(Bug::DamageServed)
            && let Some(record) = page.last_mut()
            && record.position.0 % 5 == 4
        {
            // A letter of the leaf's text, so that it can still be read.
            let letters = record.leaf.iter_mut().rev().filter(|byte| byte.is_ascii_lowercase());
            letters.take(1).for_each(|byte| *byte = b'x');
        }
        Ok(page)
    }

    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<StoredRecord>, ReadError> {
        self.log.read_stream_now(stream, from, limit)
    }

    fn revision(&self, stream: &StreamName) -> Option<Revision> {
        self.log.durable().index.revision(stream)
    }

    fn request(&self, key: &RequestKey) -> Option<RequestRecord> {
        let request = self.log.durable().index.request(key);
        request.filter(|request| !self.is(Bug::RequestIdForgotten) || request.first.0 >= self.found)
    }

    fn follow(&self) -> watch::Receiver<SignedCheckpoint> {
        self.log.follow()
    }

    fn keyed_digest(&self, bytes: &[u8]) -> [u8; 32] {
        self.log.keyed_digest(bytes)
    }

    fn origin(&self) -> &str {
        self.log.key().origin()
    }

    fn verifier_key(&self) -> &str {
        self.log.key().verifier_key()
    }

    fn checkpoint(&self) -> SignedCheckpoint {
        self.log.durable().index.checkpoint().clone()
    }

    fn prove_inclusion(&self, position: Position, size: u64) -> Result<Vec<NodeHash>, ProofError> {
        self.log.durable().index.tree().prove_inclusion(position, size)
    }

    fn prove_consistency(&self, old: u64, new: u64) -> Result<Vec<NodeHash>, ProofError> {
        self.log.durable().index.tree().prove_consistency(old, new)
    }

    fn tiles(&self, old: u64, new: u64) -> Result<Vec<Tile>, ProofError> {
        self.log.durable().index.tree().tiles(old, new)
    }

    async fn receipt(&self, position: Position) -> Result<Option<Receipt>, ReadError> {
        self.log.receipt_now(position)
    }

    async fn erase(&self, positions: &[Position]) -> Result<(), EraseError> {
        self.log.erase_now(positions)
    }

    /// Nothing is opened in place: a failure lasts until the machine starts again.
    async fn reopen(&self) -> Result<Head, ReopenError> {
        match self.log.pause() {
            Some(pause) if pause.failure().is_none() => Ok(self.head()),
            _ => Err(ReopenError::Closed),
        }
    }

    async fn close(&self) -> Result<(), CloseError> {
        self.log.close_now()
    }
}
