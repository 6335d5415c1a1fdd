//! Copies of the log: an archive behind a server that is killed, a backup under load, and restores. All by real
//! processes, and by what they leave on disk.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use baton_e2e::cli::{Ran, baton};
use baton_e2e::commands::{fact, request, worded_fact};
use baton_e2e::{Clients, DataDir, Server};
use baton_proto::v1 as proto;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::doctor::{complaints, doctor, files};

/// The long form takes its number from here; every push runs the short one.
const CYCLES_VARIABLE: &str = "BATON_ARCHIVE_CYCLES";
const CYCLES: usize = 6;

/// What a log says to its readers: every event as read, and its receipt.
#[derive(Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) events: Vec<proto::RecordedEvent>,
    pub(crate) receipts: Vec<String>,
}

impl Told {
    /// The first `size` events, with receipts of some of them.
    pub(crate) async fn by(server: &Server, size: u64) -> Told {
        let clients = Clients::connect(server.address()).await;
        let mut events = clients.read_all(0).await.expect("the log is read");
        assert!(events.len() as u64 >= size, "{} events where {size} are due", events.len());
        events.truncate(size as usize);
        let mut receipts = Vec::new();
        for position in (0..size).step_by(1 + size as usize / 60) {
            let asked = proto::GetReceiptRequest { event_position: position, ..Default::default() };
            receipts.push(clients.ledger.clone().get_receipt(asked).await.expect("a receipt").into_inner().receipt);
        }
        Told { events, receipts }
    }
}

async fn progress(clients: &Clients) -> proto::ArchiveProgress {
    let asked = proto::GetCheckpointRequest::default();
    let answer = clients.audit.clone().get_checkpoint(asked).await.expect("a checkpoint").into_inner();
    answer.archive.expect("this server keeps an archive")
}

/// Waits until the archive covers everything durable now, and says how much that is.
pub(crate) async fn caught_up(clients: &Clients) -> u64 {
    let asked = proto::GetCheckpointRequest::default();
    let durable = clients.audit.clone().get_checkpoint(asked).await.expect("a checkpoint").into_inner().position + 1;
    for _ in 0..3_000 {
        if progress(clients).await.size >= durable {
            return durable;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the archive does not catch up: {:?}", progress(clients).await);
}

/// Four writers, until they are told to stop or the server is gone.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    writers: Vec<tokio::task::JoinHandle<Vec<proto::RecordRequest>>>,
}

impl Load {
    async fn start(server: &Server, name: &str) -> Load {
        let clients = Clients::connect(server.address()).await;
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let writers = (0..4)
            .map(|writer| {
                let (clients, stop, answered) = (clients.clone(), Arc::clone(&stop), Arc::clone(&answered));
                let stream = format!("wave/{name}-{writer}");
                tokio::spawn(async move {
                    let mut sent = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let request = request(vec![worded_fact(&stream, "what was said"), fact(&stream)]);
                        if clients.record("admin", request.clone()).await.is_err() {
                            break;
                        }
                        sent.push(request);
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    sent
                })
            })
            .collect();
        Load { stop, answered, writers }
    }

    async fn reach(&self, answers: usize) {
        for _ in 0..6_000 {
            if self.answered.load(Ordering::Relaxed) >= answers {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("too few answers: {}", self.answered.load(Ordering::Relaxed));
    }

    /// The requests that were answered.
    async fn end(self) -> Vec<proto::RecordRequest> {
        self.stop.store(true, Ordering::Relaxed);
        let mut sent = Vec::new();
        for writer in self.writers {
            sent.extend(writer.await.expect("a writer ends"));
        }
        sent
    }
}

pub(crate) fn text(path: &Path) -> String {
    path.display().to_string()
}

fn start_archived(data: &DataDir) -> Server {
    Server::start_with(data, &["--archive", &text(&data.beside("archive"))])
}

pub(crate) fn restore(data: &DataDir, from: &str, to: &str, more: &[&str]) -> Ran {
    let (from, to) = (text(&data.beside(from)), text(&data.beside(to)));
    let (key, keys) = (text(&data.key()), text(&data.path().join("keys")));
    let mut arguments = vec!["restore", "--from", &from, "--data", &to, "--key", &key, "--keys", &keys];
    arguments.extend(["--output", "json"]);
    arguments.extend(more);
    baton(arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn archive_of_a_server_that_is_killed_again_and_again_gives_back_everything_archived() {
    let cycles = std::env::var(CYCLES_VARIABLE).ok().and_then(|n| n.parse().ok()).unwrap_or(CYCLES);
    let mut random = StdRng::seed_from_u64(7);
    let data = DataDir::begun().await;
    let mut answered = Vec::new();
    for cycle in 0..cycles {
        let server = start_archived(&data);
        let load = Load::start(&server, &format!("ARCHIVE-{cycle}")).await;
        load.reach(random.random_range(10..80)).await;
        if cycle == 0 {
            // A rehearsal, from an archive and a key file that are being written.
            caught_up(&Clients::connect(server.address()).await).await;
            let rehearsed = restore(&data, "archive", "rehearsal", &[]);
            assert_eq!(rehearsed.code, Some(0), "{rehearsed:?}");
        }
        tokio::time::sleep(Duration::from_micros(random.random_range(0..300_000))).await;
        server.kill();
        answered.extend(load.end().await);
    }
    let server = start_archived(&data);
    let clients = Clients::connect(server.address()).await;
    let archived = caught_up(&clients).await;
    let before = Told::by(&server, archived).await;
    assert_eq!(progress(&clients).await.failure, "");
    drop(clients);
    assert!(server.stop().success());

    let restored = restore(&data, "archive", "new", &[]);
    assert_eq!(restored.code, Some(0), "{restored:?}");
    assert_eq!(restored.json()["size"], archived);
    let server = Server::start(&data.other("new", "signing-key"));
    assert!(Told::by(&server, archived).await == before, "events and receipts are the same");
    let clients = Clients::connect(server.address()).await;
    for request in answered.iter().step_by(1 + answered.len() / 50) {
        let answer = clients.record("admin", request.clone()).await.expect("a repeat is answered");
        assert!(answer.already_recorded);
    }
    println!("{cycles} kills with an archive: {archived} events archived, {} requests answered, all back", answered.len());
    assert!(answered.len() >= cycles * 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_under_load_reaches_its_position_and_is_restored_to_it() {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let load = Load::start(&server, "BACKUP").await;
    load.reach(60).await;
    let address = server.address().to_string();
    let (out, trust) = (text(&data.beside("backup")), text(&data.path().join("trust.txt")));
    let arguments = ["backup", "--server", &address, "--out", &out, "--to", "40", "--trust", &trust, "--output", "json"];
    let taken = baton(arguments);
    assert_eq!(taken.code, Some(0), "{taken:?}");
    let size = taken.json()["size"].as_u64().expect("a size");
    assert!((41..60).contains(&size), "the batch that holds position 40 ends soon after it: {size}");
    let full = text(&data.beside("full"));
    let whole = baton(["backup", "--server", &address, "--out", &full, "--output", "json"]);
    assert!(whole.json()["size"].as_u64().expect("a size") >= 120, "{whole:?}");
    let again = baton(arguments);
    assert_eq!(again.code, Some(1), "a backup is never overwritten: {again:?}");
    let beyond = baton(["backup", "--server", &address, "--out", &text(&data.beside("beyond")), "--to", "99999999"]);
    assert_eq!(beyond.code, Some(1), "{beyond:?}");
    assert!(beyond.err.contains("to_position"), "{beyond:?}");
    let copy = text(&data.beside("keys-copy"));
    let keys = baton(["backup", "--keys", "--data", &text(&data.path()), "--out", &copy]);
    assert_eq!(keys.code, Some(0), "{keys:?}");
    load.end().await;
    let before = Told::by(&server, size).await;
    drop(server);

    let restored = restore(&data, "backup", "new", &[]);
    assert_eq!(restored.code, Some(0), "{restored:?}");
    let key = text(&data.key());
    let with_copy =
        baton(["restore", "--from", &full, "--data", &text(&data.beside("full-new")), "--key", &key, "--keys", &copy]);
    assert_eq!(with_copy.code, Some(0), "keys that were copied after the backup open all of it: {with_copy:?}");
    let server = Server::start(&data.other("new", "signing-key"));
    assert!(Told::by(&server, size).await == before);
    assert!(before.events.iter().any(|event| event.payload_json.contains("what was said")), "words come back");
}

#[tokio::test(flavor = "multi_thread")]
async fn archive_that_is_damaged_or_of_another_log_is_refused_by_name_and_left_as_it_is() {
    let data = DataDir::begun().await;
    let server = start_archived(&data);
    let load = Load::start(&server, "DAMAGE").await;
    load.reach(40).await;
    load.end().await;
    caught_up(&Clients::connect(server.address()).await).await;
    assert!(server.stop().success());
    let archive = data.beside("archive");
    let segment = archive.join("chunks/00000000000000000000.segment");
    let good = std::fs::read(&segment).expect("a segment");
    for at in [10, good.len() / 2, good.len() - 10] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&segment, &bad).expect("written");
        let refused = restore(&data, "archive", "new", &[]);
        assert_eq!(refused.code, Some(4), "{refused:?}");
        assert!(refused.err.contains(&text(&segment)), "{refused:?}");
        assert!(!data.beside("new").exists());
        let looked = doctor(&data.path(), &["--archive", &text(&archive)]);
        assert_eq!((looked.code, complaints(&looked)), (Some(4), vec![("archive".to_owned(), "damage".to_owned())]));
    }
    std::fs::write(&segment, &good).expect("written");
    assert_eq!(doctor(&data.path(), &["--archive", &text(&archive)]).code, Some(0));

    let other = DataDir::begun().await;
    let before = files(&archive);
    let refused = Server::refused_with(&other, &["--archive", &text(&archive)]);
    assert!(refused.said.contains("another log"), "{refused:?}");
    assert!(files(&archive) == before);
    let inside = Server::refused_with(&data, &["--archive", &text(&data.path().join("archive"))]);
    assert!(inside.said.contains("keep them apart"), "{inside:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn archive_that_cannot_be_written_stops_no_writes_says_so_and_catches_up_later() {
    let data = DataDir::begun().await;
    let server = start_archived(&data);
    let clients = Clients::connect(server.address()).await;
    caught_up(&clients).await;
    // A file where the directory of tiles belongs fails every write of one, for root as well.
    let tiles = data.beside("archive/tile");
    std::fs::rename(&tiles, data.beside("aside")).expect("moved");
    std::fs::write(&tiles, "in the way").expect("written");
    for _ in 0..20 {
        clients.record("admin", request(vec![fact("wave/LATER")])).await.expect("records are taken all the same");
    }
    let mut told = progress(&clients).await;
    for _ in 0..500 {
        if !told.failure.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        told = progress(&clients).await;
    }
    assert!(told.failure.contains("tile"), "{told:?}");
    assert!(told.events_behind > 0, "{told:?}");
    assert!(data.log().contains("nothing is archived at the moment"), "{}", data.log());
    std::fs::remove_file(&tiles).expect("removed");
    std::fs::rename(data.beside("aside"), &tiles).expect("moved back");
    caught_up(&clients).await;
    assert_eq!(progress(&clients).await.failure, "");
    assert_eq!(doctor_after_stop(server, &data).code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoint_of_an_archive_gets_its_name_after_everything_below_it_is_synced() {
    let data = DataDir::begun().await;
    let trace = data.beside("trace");
    let archive = text(&data.beside("archive"));
    let calls = "openat,write,fsync,fdatasync,rename,renameat,renameat2";
    let server = Server::start_traced(&data, &["--archive", &archive], calls, &trace);
    let load = Load::start(&server, "TRACE").await;
    load.reach(60).await;
    load.end().await;
    caught_up(&Clients::connect(server.address()).await).await;
    let stopped = tokio::task::spawn_blocking(move || server.stop()).await.expect("the traced server ends");
    assert!(stopped.success());
    let trace = String::from_utf8_lossy(&std::fs::read(&trace).expect("the trace")).into_owned();
    let (named, violations) = unsynced_at_checkpoints(&trace, &archive);
    println!("{named} checkpoints of the archive, {} with something unsynced below them", violations.len());
    assert!(named >= 2, "{named}");
    assert_eq!(violations, Vec::<String>::new());
    // The control: the same trace without its syncs of segments is found out.
    let without: String = trace.lines().filter(|line| !line.contains("fdatasync")).flat_map(|line| [line, "\n"]).collect();
    assert!(!unsynced_at_checkpoints(&without, &archive).1.is_empty());
}

/// How often the archive's checkpoint got its name, and which files below it had been written since their
/// last sync then. Only one thread at a time writes an archive, so the order of lines is that of calls.
fn unsynced_at_checkpoints(trace: &str, archive: &str) -> (usize, Vec<String>) {
    let (mut named, mut violations) = (0, Vec::new());
    let mut unsynced = std::collections::BTreeSet::new();
    let file = |line: &str| {
        let path = line.split_once('<')?.1.split_once('>')?.0;
        path.starts_with(archive).then(|| path.to_owned())
    };
    for line in trace.lines() {
        let call = line.split_whitespace().nth(1).unwrap_or_default();
        if call.starts_with("write(") {
            unsynced.extend(file(line));
        } else if call.starts_with("fsync(") || call.starts_with("fdatasync(") {
            file(line).map(|path| unsynced.remove(&path));
        } else if call.starts_with("rename") && line.contains(&format!("{archive}/checkpoint\"")) {
            named += 1;
            violations.extend(unsynced.iter().map(|path| format!("{path} at checkpoint {named}")));
        }
    }
    (named, violations)
}

fn doctor_after_stop(server: Server, data: &DataDir) -> Ran {
    assert!(server.stop().success());
    doctor(&data.path(), &["--archive", &text(&data.beside("archive"))])
}
