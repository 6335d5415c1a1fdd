//! A ledger that fails when told to, around one in memory.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use baton_ledger::{
    AppendError, Appended, Batch, CloseError, Disclosure, EraseError, Head, Ledger, MemoryLedger, NodeHash, OpenError, Position,
    ProofError, ReadError, Receipt, ReopenError, RequestKey, RequestRecord, Revision, SignedCheckpoint, StoredRecord, StreamName,
    Tile,
};
use tokio::sync::{Semaphore, watch};

use super::world::{ask, note, start_with};
use crate::{Answer, Engine, Options, SubmitError};

/// What becomes of the appends from now on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Works,
    /// The system refuses; nothing is written.
    Refuses,
    /// The disk is full; nothing is written.
    Full,
    /// The next append fails with an unknown outcome, and the ones after it find a poisoned ledger.
    /// The batch is found after the ledger is opened again, or not.
    Unknown {
        kept: bool,
    },
    Poisoned,
    /// A defect of the ledger itself.
    Panics,
}

pub(crate) struct FaultyLedger {
    inner: MemoryLedger,
    mode: Mutex<Mode>,
    /// A batch whose append failed and that will be found all the same.
    kept: Mutex<Option<Batch>>,
    /// What reads get instead of the words at this position.
    forged: Mutex<Option<Position>>,
    /// Whether keys can not be destroyed.
    keeps_keys: Mutex<bool>,
    /// Whether it can be opened again, and how often that was tried.
    heals: Mutex<bool>,
    tried: watch::Sender<u64>,
    held: Mutex<bool>,
    entered: Semaphore,
    released: Semaphore,
}

impl FaultyLedger {
    pub(crate) async fn opened() -> Arc<Self> {
        let ledger = Self {
            inner: MemoryLedger::new(),
            mode: Mutex::new(Mode::Works),
            kept: Mutex::new(None),
            forged: Mutex::new(None),
            keeps_keys: Mutex::new(false),
            heals: Mutex::new(false),
            tried: watch::Sender::new(0),
            held: Mutex::new(false),
            entered: Semaphore::new(0),
            released: Semaphore::new(0),
        };
        super::world::begin(&ledger).await;
        Arc::new(ledger)
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    /// From now on opening it again succeeds.
    pub(crate) fn heal(&self) {
        *self.heals.lock().unwrap() = true;
    }

    /// Waits until it was tried so often more to open it again.
    pub(crate) async fn tried_again(&self, times: u64) {
        let mut tried = self.tried.subscribe();
        let until = *tried.borrow_and_update() + times;
        let enough = tried.wait_for(|tried| *tried >= until);
        let limit = std::time::Duration::from_secs(20);
        tokio::time::timeout(limit, enough).await.expect("nobody tries to open it again").unwrap();
    }

    async fn open_again(&self) {
        self.set(Mode::Works);
        let kept = self.kept.lock().unwrap().take();
        if let Some(batch) = kept {
            self.inner.append(batch).await.unwrap();
        }
    }

    /// From now on every append waits until it is released.
    pub(crate) fn hold(&self) {
        *self.held.lock().unwrap() = true;
    }

    /// Waits until an append is held.
    pub(crate) async fn entered(&self) {
        self.entered.acquire().await.unwrap().forget();
    }

    /// Lets the append that is held, and all after it, go on.
    pub(crate) fn release(&self) {
        *self.held.lock().unwrap() = false;
        self.released.add_permits(1);
    }

    /// From now on no key can be destroyed, or all can again.
    pub(crate) fn keep_keys(&self, keep: bool) {
        *self.keeps_keys.lock().unwrap() = keep;
    }

    /// From now on the words at this position are others.
    pub(crate) fn forge(&self, position: u64) {
        *self.forged.lock().unwrap() = Some(Position(position));
    }
}

#[async_trait]
impl Ledger for FaultyLedger {
    async fn append(&self, batch: Batch) -> Result<Appended, AppendError> {
        if *self.held.lock().unwrap() {
            self.entered.add_permits(1);
            self.released.acquire().await.unwrap().forget();
        }
        let mode = *self.mode.lock().unwrap();
        match mode {
            Mode::Works => self.inner.append(batch).await,
            Mode::Panics => panic!("a defect of the ledger"),
            Mode::Refuses => Err(AppendError::Io { what: "write", source: std::io::Error::other("a broken cable") }),
            Mode::Full => Err(AppendError::Full { nothing_written: true }),
            Mode::Poisoned => Err(AppendError::Poisoned { why: "an earlier write".to_owned() }),
            Mode::Unknown { kept } => {
                self.set(Mode::Poisoned);
                *self.kept.lock().unwrap() = kept.then_some(batch);
                Err(AppendError::OutcomeUnknown { why: "a sync failed".to_owned() })
            }
        }
    }

    fn head(&self) -> Head {
        self.inner.head()
    }

    async fn read(&self, from: Position, limit: usize) -> Result<Vec<StoredRecord>, ReadError> {
        let mut page = self.inner.read(from, limit).await?;
        let forged = *self.forged.lock().unwrap();
        for record in page.iter_mut().filter(|record| Some(record.position) == forged) {
            let Disclosure::Open(words) = &mut record.disclosure else { panic!("no words there") };
            *words = String::from_utf8(std::mem::take(words)).unwrap().replace("a note", "a lie!").into_bytes();
        }
        Ok(page)
    }

    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<StoredRecord>, ReadError> {
        self.inner.read_stream(stream, from, limit).await
    }

    fn revision(&self, stream: &StreamName) -> Option<Revision> {
        self.inner.revision(stream)
    }

    fn request(&self, key: &RequestKey) -> Option<RequestRecord> {
        self.inner.request(key)
    }

    fn follow(&self) -> watch::Receiver<SignedCheckpoint> {
        self.inner.follow()
    }

    fn keyed_digest(&self, bytes: &[u8]) -> [u8; 32] {
        self.inner.keyed_digest(bytes)
    }

    fn origin(&self) -> &str {
        self.inner.origin()
    }

    fn verifier_key(&self) -> &str {
        self.inner.verifier_key()
    }

    fn checkpoint(&self) -> SignedCheckpoint {
        self.inner.checkpoint()
    }

    fn prove_inclusion(&self, position: Position, size: u64) -> Result<Vec<NodeHash>, ProofError> {
        self.inner.prove_inclusion(position, size)
    }

    fn prove_consistency(&self, old: u64, new: u64) -> Result<Vec<NodeHash>, ProofError> {
        self.inner.prove_consistency(old, new)
    }

    fn tiles(&self, old: u64, new: u64) -> Result<Vec<Tile>, ProofError> {
        self.inner.tiles(old, new)
    }

    async fn receipt(&self, position: Position) -> Result<Option<Receipt>, ReadError> {
        self.inner.receipt(position).await
    }

    async fn erase(&self, positions: &[Position]) -> Result<(), EraseError> {
        if *self.keeps_keys.lock().unwrap() {
            return Err(EraseError::Io { source: std::io::Error::other("a broken cable") });
        }
        self.inner.erase(positions).await
    }

    async fn reopen(&self) -> Result<Head, ReopenError> {
        self.tried.send_modify(|tried| *tried += 1);
        let mode = *self.mode.lock().unwrap();
        if mode != Mode::Works {
            match (mode, *self.heals.lock().unwrap()) {
                (_, true) => {}
                (Mode::Full, false) => return Err(ReopenError::Full { free: 1, needed: 2 }),
                (_, false) => {
                    let source = std::io::Error::other("still a broken cable");
                    return Err(OpenError::Io { what: "open", path: "a store".into(), source }.into());
                }
            }
        }
        self.open_again().await;
        Ok(self.inner.head())
    }

    async fn close(&self) -> Result<(), CloseError> {
        self.inner.close().await
    }
}

/// A running engine whose writer is held in the append of a first request.
pub(crate) async fn held(options: Options) -> (Arc<FaultyLedger>, Engine, tokio::task::JoinHandle<Result<Answer, SubmitError>>) {
    let ledger = FaultyLedger::opened().await;
    let shared: Arc<dyn Ledger> = Arc::clone(&ledger) as _;
    let engine = start_with(&shared, options).await;
    ledger.hold();
    let first = tokio::spawn({
        let engine = engine.clone();
        async move { ask(&engine, vec![note("first")]).await }
    });
    ledger.entered().await;
    (ledger, engine, first)
}
