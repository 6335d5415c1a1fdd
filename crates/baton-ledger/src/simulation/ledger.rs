//! The real log on a simulated machine, opened through the same rules as the one on sled.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::bugs::Bug;
use super::machine::Machine;
use crate::contract::{Appended, Batch, Disclosure, Ledger, Record, RequestKey, RequestRecord, StoredRecord};
use crate::error::{AppendError, CloseError, EraseError, OpenError, ReadError, ReopenError};
use crate::hash::leaf_hash;
use crate::head::Head;
use crate::log::head_file::{HeadFile, Noted};
use crate::log::health::Failed;
use crate::log::keeper::Pace;
use crate::log::keys::KeyFile;
use crate::log::scan::Scan;
use crate::log::start::{self, Refusal, Rules};
use crate::log::succession::no_succession;
use crate::log::{Log, Parts};
use crate::names::{Position, Revision, StreamName};
use crate::proof::{NodeHash, ProofError, Receipt, SignedCheckpoint, SigningKey, Tile};
use crate::storage::{Disk as _, Fault};

/// Neither forks nor changes of the key are simulated.
const RULES: Rules = Rules { fork: false, read_succession: no_succession };

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
    fn append_published_first(&self, batch: Batch) -> Result<Appended, AppendError> {
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
    let scan = start::load(&disk, &key, held_against, RULES).map_err(refused)?;
    let keys = KeyFile::open(Box::new(machine.key_file())).map_err(Refused::File)?;
    start::check_keys(&keys, &scan).map_err(Refused::File)?;
    let slots = start::slots(&keys, &scan, noted.as_ref()).map_err(failed)?;
    make_durable(machine, &keys, &scan).map_err(failed)?;
    let checkpoint = scan.durable.index.checkpoint().clone();
    head_file.note(&Noted { checkpoint, clean: false }).map_err(failed)?;
    let found = scan.durable.index.head().size;
    machine.say(format_args!("open with {found} records"));
    let log = Log::new(Parts {
        read_succession: RULES.read_succession,
        key,
        disk: Arc::new(disk),
        // The thread that reads is the one that would open the store again.
        patience: Duration::ZERO,
        durable: scan.durable,
        keys,
        slots,
        head_file,
        pace: Pace::ByHand,
        min_free_bytes: MIN_FREE_BYTES,
    });
    Ok(SimLedger { log: log.map_err(failed)?, machine: machine.clone(), found, early: Mutex::new(Vec::new()) })
}

/// A batch without its end is removed, and everything else made durable.
fn make_durable(machine: &Machine, keys: &KeyFile, scan: &Scan) -> std::io::Result<()> {
    let disk = machine.disk();
    if !scan.torn.is_empty() {
        machine.found_torn();
        machine.say(format_args!("a torn batch of {} chunks", scan.torn.len()));
        if machine.bug() != Some(Bug::TornBatchKept) {
            start::remove_torn(&disk, scan)?;
        }
    }
    start::prove_sync(&disk, keys, scan).map(drop)
}

/// Waits once: asks to be polled again at once, or, for long, whenever somebody happens to.
async fn until_polled_again(long: bool) {
    let mut waited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        if !long {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await;
}

fn reopen_refused(refusal: Refusal) -> OpenError {
    let dir = PathBuf::from("the simulated machine");
    match refusal {
        Refusal::Store(Fault::Io(source)) => OpenError::Io { what: "read the store on", path: dir, source },
        Refusal::Store(Fault::Damage(why)) => OpenError::Damaged { dir, why, copy: None },
        Refusal::Loss { store, noted } => OpenError::Loss { dir, store, noted },
        Refusal::WrongKey { .. } | Refusal::Retired(_) => {
            OpenError::Damaged { dir, why: "another key signed it".to_owned(), copy: None }
        }
    }
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
        until_polled_again(self.machine.append_waits()).await;
        match self.machine.bug() {
            Some(Bug::PublishedBeforeSync) => self.append_published_first(batch),
            Some(Bug::ReaderShownUnsynced) => {
                *self.early() = self.preview(&batch);
                let appended = self.log.append_now(batch);
                self.early().clear();
                appended
            }
            Some(Bug::RequestIdForgotten) => {
                for set in &mut batch.sets {
                    set.request = set.request.take().filter(|key| self.log.durable().index.request(key).is_none());
                }
                self.log.append_now(batch)
            }
            _ => self.log.append_now(batch),
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

    async fn reopen(&self) -> Result<Head, ReopenError> {
        let Some(mut pause) = self.log.pause() else { return Err(ReopenError::Closed) };
        let Some(failed) = pause.failure().map(|failure| failure.failed) else { return Ok(self.head()) };
        let io = |what| move |source| OpenError::Io { what, path: "the simulated machine".into(), source };
        pause.stop_keeper();
        let after_failed_sync = failed == Failed::Sync;
        match after_failed_sync && !self.is(Bug::ReopenedAfterFailedSync) {
            true => self.machine.write_anew().map_err(io("write the store anew on"))?,
            false => self.machine.take_up_store(),
        }
        let disk = self.machine.disk();
        let scan = start::load(&disk, self.log.key(), Some(&pause.acknowledged()), RULES).map_err(reopen_refused)?;
        pause.refill_slots(&scan).map_err(io("fill key slots on"))?;
        let durable = self.machine.unwatched(|| make_durable(&self.machine, &pause.keys(), &scan));
        durable.map_err(io("make durable what was found on"))?;
        let checkpoint = scan.durable.index.checkpoint().clone();
        let head_file = HeadFile::create(Box::new(self.machine.head_file()), checkpoint).map_err(io("note the head on"))?;
        let head = pause.resume(scan.durable, head_file, Pace::ByHand).map_err(io("take up the log on"))?;
        self.machine.reopened(after_failed_sync);
        Ok(head)
    }

    async fn close(&self) -> Result<(), CloseError> {
        self.log.close_now()
    }
}
