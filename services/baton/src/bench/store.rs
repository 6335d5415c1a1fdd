//! Stores under measurement: made, filled, opened, served. The one file of the bench that knows the ledger.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use baton_engine::{Engine, Options};
use baton_ledger::{
    AppendError, Appended, BareStore, Batch, CloseError, Disclosure, EraseError, Head, Ledger, MemoryLedger, NodeHash, OpenError,
    OpenOptions, Position, ProofError, ReadError, Receipt, ReopenError, RequestKey, RequestRecord, Revision, SignedCheckpoint,
    SledLedger, StoredRecord, StreamName, SyncHook, SyncPoint, Tile,
};
use tokio::sync::watch;

use crate::exit::Failure;

/// The one person of these logs: administrator, and holder of every role of the route.
pub(crate) const PERSON: &str = "bench";

/// The origin of these logs.
const ORIGIN: &str = "baton.bench/log";

/// Most records held in memory for the rebuild without hash verification; the first ones of the log.
pub(crate) const MOST_HELD: u64 = 200_000;

/// How long a server that was stopped in this process may take to let go of its store.
const LET_GO: Duration = Duration::from_secs(10);

/// A ledger that is open in this process.
pub(crate) type Open = Arc<dyn Ledger>;

/// The storage engine of the ledger with no ledger on it.
pub(crate) type Bare = BareStore;

/// Opens or makes such a store in a directory. Away from the runtime's threads, as every store.
///
/// # Errors
/// When it does not open.
pub(crate) async fn bare(dir: &Path) -> Result<Bare, Failure> {
    let dir = dir.to_owned();
    let opened = tokio::task::spawn_blocking(move || BareStore::open(&dir)).await;
    opened.map_err(|error| failed("open a bare store", &error))?.map_err(|error| failed("open a bare store", &error))
}

/// Makes a log in a directory.
///
/// # Errors
/// When it can not be made.
pub(crate) async fn make(dir: &Path) -> Result<(), Failure> {
    batond::init(dir, &batond::KeyPlace::Beside, ORIGIN, PERSON, None).await.map_err(|error| failed("make a log", &error))
}

/// Opens the store of a log in this process. Away from the runtime's threads: it reads the whole store.
///
/// # Errors
/// When it does not open.
pub(crate) async fn open(dir: &Path) -> Result<Open, Failure> {
    open_with(dir, OpenOptions::default()).await
}

async fn open_with(dir: &Path, options: OpenOptions) -> Result<Open, Failure> {
    let begin = Instant::now();
    loop {
        let key = batond::KeyPlace::Beside.read(dir).map_err(|error| failed("read the signing key", &error))?;
        let (at, options) = (dir.to_owned(), options.clone());
        let opened = tokio::task::spawn_blocking(move || SledLedger::open(&at, key, options)).await;
        match opened.map_err(|error| failed("open the store", &error))? {
            Ok(ledger) => return Ok(Arc::new(ledger)),
            // A server that was stopped in this process lets go of it, and seals it, with its last connection.
            Err(OpenError::InUse { .. }) if begin.elapsed() < LET_GO => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(error) => return Err(failed("open the store", &error)),
        }
    }
}

/// The same, with a count of its syncs: what the ledger tells about itself, whatever time they take.
///
/// # Errors
/// When it does not open.
pub(crate) async fn open_counting(dir: &Path) -> Result<(Open, Arc<AtomicU64>), Failure> {
    let syncs = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&syncs);
    let hook: SyncHook = Arc::new(move |point| {
        if point == SyncPoint::AfterSync {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    });
    let options = OpenOptions { sync_hook: Some(hook), ..OpenOptions::default() };
    Ok((open_with(dir, options).await?, syncs))
}

/// Starts an engine on an open ledger: rebuilds every projection. Away from the runtime's threads.
///
/// # Errors
/// When the log does not fold.
pub(crate) async fn start(ledger: &Open) -> Result<Engine, Failure> {
    let ledger = Arc::clone(ledger);
    let runtime = tokio::runtime::Handle::current();
    let started = tokio::task::spawn_blocking(move || runtime.block_on(Engine::start(ledger, Options::default()))).await;
    started.map_err(|error| failed("start an engine", &error))?.map_err(|error| failed("start an engine", &error))
}

/// Closes a store clean and gives up its directory, so that another process may open it.
///
/// # Errors
/// When it does not close, or something in this process still holds it.
pub(crate) async fn close(ledger: Open) -> Result<(), Failure> {
    ledger.close().await.map_err(|error| failed("close the store", &error))?;
    // The writer of an engine that was dropped ends on its own thread, soon.
    for _ in 0..500 {
        if Arc::strong_count(&ledger) == 1 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(Failure::Unavailable("failed to close the store: it is still in use".to_owned()))
}

/// Serves a directory on a free port of loopback, in this process.
///
/// # Errors
/// When it does not start.
pub(crate) async fn serve(dir: &Path) -> Result<batond::Running, Failure> {
    let config =
        batond::Config { data: dir.to_owned(), listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), ..Default::default() };
    batond::start(config).await.map_err(|error| failed("serve the log", &error))
}

/// How this program is called to serve a directory as a process of its own, on a free port of loopback.
pub(crate) fn up(dir: &Path) -> Vec<std::ffi::OsString> {
    vec!["up".into(), "--data".into(), dir.into(), "--listen".into(), "127.0.0.1:0".into()]
}

/// Bytes of leaves and disclosures from a position on, and how many events these are.
///
/// # Errors
/// When a record can not be read.
pub(crate) async fn payload(ledger: &Open, from: u64) -> Result<(u64, u64), Failure> {
    let (mut bytes, mut next) = (0, from);
    while next < ledger.head().size {
        for record in page(ledger, next).await? {
            bytes += record.leaf.len() as u64;
            if let Disclosure::Open(words) = &record.disclosure {
                bytes += words.len() as u64;
            }
            next += 1;
        }
    }
    Ok((bytes, next - from))
}

/// The first records of a log, held in memory: a ledger that checks no hash when it is read.
///
/// # Errors
/// When a record can not be read.
pub(crate) async fn hold(ledger: &Open) -> Result<Open, Failure> {
    let mut records: Vec<StoredRecord> = Vec::new();
    while (records.len() as u64) < ledger.head().size.min(MOST_HELD) {
        records.extend(page(ledger, records.len() as u64).await?);
    }
    Ok(Arc::new(Held { rest: MemoryLedger::new(), records }))
}

/// The next records from a position on; at least one, or the log is shorter than it says.
async fn page(ledger: &Open, from: u64) -> Result<Vec<StoredRecord>, Failure> {
    let page = ledger.read(Position(from), 1_024).await.map_err(|error| failed("read the log", &error))?;
    if page.is_empty() {
        return Err(Failure::Damage(format!("the log ends before position {from}, and its head says otherwise")));
    }
    Ok(page)
}

/// The name of the snapshot that the last stop left in a data directory, until the next start.
const SNAPSHOT: &str = "snapshot";

/// Bytes of that snapshot on its disk; 0 where there is none.
pub(crate) fn snapshot_bytes(dir: &Path) -> u64 {
    std::fs::metadata(dir.join(SNAPSHOT)).map_or(0, |meta| meta.blocks() * 512)
}

/// Bytes that a data directory takes on its disk, but for the snapshot of its last stop.
///
/// # Errors
/// When it can not be read.
pub(crate) fn disk_bytes(dir: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        if entry.file_name() == SNAPSHOT {
            continue;
        }
        // A block is 512 bytes here, whatever the file system's own blocks are.
        bytes += if meta.is_dir() { disk_bytes(&entry.path())? } else { meta.blocks() * 512 };
    }
    Ok(bytes)
}

fn failed(what: &str, error: &dyn std::error::Error) -> Failure {
    Failure::Unavailable(format!("failed to {what}: {error}"))
}

/// The first records of another ledger in memory, given out as they are. Enough to rebuild from; what is
/// asked beyond that, an empty ledger answers.
struct Held {
    rest: MemoryLedger,
    records: Vec<StoredRecord>,
}

#[async_trait]
impl Ledger for Held {
    async fn append(&self, _: Batch) -> Result<Appended, AppendError> {
        Err(AppendError::Closed)
    }

    fn head(&self) -> Head {
        Head { size: self.records.len() as u64, ..Head::EMPTY }
    }

    async fn read(&self, from: Position, limit: usize) -> Result<Vec<StoredRecord>, ReadError> {
        let from = usize::try_from(from.0).unwrap_or(usize::MAX);
        Ok(self.records.iter().skip(from).take(limit).cloned().collect())
    }

    async fn read_stream(&self, stream: &StreamName, from: Revision, limit: usize) -> Result<Vec<StoredRecord>, ReadError> {
        self.rest.read_stream(stream, from, limit).await
    }

    fn revision(&self, stream: &StreamName) -> Option<Revision> {
        self.rest.revision(stream)
    }

    fn request(&self, key: &RequestKey) -> Option<RequestRecord> {
        self.rest.request(key)
    }

    fn follow(&self) -> watch::Receiver<SignedCheckpoint> {
        self.rest.follow()
    }

    fn keyed_digest(&self, bytes: &[u8]) -> [u8; 32] {
        self.rest.keyed_digest(bytes)
    }

    fn origin(&self) -> &str {
        self.rest.origin()
    }

    fn verifier_key(&self) -> &str {
        self.rest.verifier_key()
    }

    fn checkpoint(&self) -> SignedCheckpoint {
        self.rest.checkpoint()
    }

    fn prove_inclusion(&self, position: Position, size: u64) -> Result<Vec<NodeHash>, ProofError> {
        self.rest.prove_inclusion(position, size)
    }

    fn prove_consistency(&self, old: u64, new: u64) -> Result<Vec<NodeHash>, ProofError> {
        self.rest.prove_consistency(old, new)
    }

    fn tiles(&self, old: u64, new: u64) -> Result<Vec<Tile>, ProofError> {
        self.rest.tiles(old, new)
    }

    async fn receipt(&self, position: Position) -> Result<Option<Receipt>, ReadError> {
        self.rest.receipt(position).await
    }

    async fn erase(&self, positions: &[Position]) -> Result<(), EraseError> {
        self.rest.erase(positions).await
    }

    async fn reopen(&self) -> Result<Head, ReopenError> {
        Err(ReopenError::Closed)
    }

    async fn close(&self) -> Result<(), CloseError> {
        Ok(())
    }
}
