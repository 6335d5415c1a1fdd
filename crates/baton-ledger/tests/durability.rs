//! What a failed, missing or interrupted sync does, and that a real one happens once per append.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use baton_ledger::bounds::MAX_CHUNK;
use baton_ledger::*;
use support::*;

/// A hook that fails with an error at one point while it is switched on.
fn failing(point: SyncPoint, errno: i32) -> (SyncHook, Arc<AtomicBool>) {
    let on = Arc::new(AtomicBool::new(false));
    let switch = on.clone();
    let hook = move |at| match at == point && switch.load(Ordering::SeqCst) {
        true => Err(io::Error::from_raw_os_error(errno)),
        false => Ok(()),
    };
    (Arc::new(hook), on)
}

async fn append_while_failing(dir: &Path, point: SyncPoint, errno: i32) -> (SledLedger, AppendError) {
    let (hook, on) = failing(point, errno);
    let ledger = SledLedger::open(dir, OpenOptions { sync_hook: Some(hook), ..options() }).unwrap();
    append_one(&ledger, "a", b"kept").await;
    on.store(true, Ordering::SeqCst);
    let sets = vec![requested(1, 1, vec![record("a", b"unknown")])];
    let refused = ledger.append(batch(&ledger, sets)).await.unwrap_err();
    on.store(false, Ordering::SeqCst);
    (ledger, refused)
}

#[tokio::test]
async fn a_failed_sync_leaves_the_outcome_unknown_and_shows_nothing_of_it() {
    for point in [SyncPoint::BeforeSync, SyncPoint::AfterSync] {
        let dir = tempfile::tempdir().unwrap();
        let (ledger, refused) = append_while_failing(dir.path(), point, libc_eio()).await;
        assert!(matches!(refused, AppendError::OutcomeUnknown { .. }), "{refused:?}");
        assert_eq!(ledger.head().size, 1);
        assert_eq!(ledger.follow().borrow().size, 1);
        assert_eq!(read_all(&ledger).await.len(), 1);
        assert_eq!(ledger.read(Position(1), 9).await.unwrap(), []);
        assert_eq!(ledger.revision(&stream("a")), Some(Revision(1)));
        assert_eq!(ledger.request(&key(1)), None);

        let again = ledger.append(batch(&ledger, vec![set(vec![record("a", b"2")])])).await;
        assert!(matches!(again.unwrap_err(), AppendError::Poisoned { .. }));
        assert!(matches!(ledger.close().await.unwrap_err(), CloseError::Poisoned { .. }));
        drop(ledger);

        // Kept or not: whole, and the request says which.
        let ledger = open(dir.path());
        let records = read_all(&ledger).await;
        assert_in_order(&records);
        assert_eq!(ledger.request(&key(1)).is_some(), records.len() == 2);
        if point == SyncPoint::AfterSync {
            assert_eq!(records.len(), 2, "a synced batch was lost");
        }
        append_one(&ledger, "a", b"goes on").await;
    }
}

#[tokio::test]
async fn a_disk_that_fills_up_during_the_write_is_full_with_unknown_outcome() {
    let dir = tempfile::tempdir().unwrap();
    let (_ledger, refused) = append_while_failing(dir.path(), SyncPoint::BeforeSync, 28).await;
    assert!(matches!(refused, AppendError::Full { nothing_written: false }), "{refused:?}");
}

#[tokio::test]
async fn a_disk_that_is_nearly_full_refuses_beforehand_and_poisons_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let never_enough = OpenOptions { min_free_bytes: u64::MAX, ..options() };
    let ledger = SledLedger::open(dir.path(), never_enough).unwrap();
    for _ in 0..2 {
        let refused = ledger.append(batch(&ledger, vec![set(vec![record("a", b"1")])])).await;
        assert!(matches!(refused.unwrap_err(), AppendError::Full { nothing_written: true }));
    }
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn the_hook_sees_each_append_before_and_after_its_sync_and_before_it_is_published() {
    let dir = tempfile::tempdir().unwrap();
    let calls = Arc::new(AtomicU64::new(0));
    let seen = calls.clone();
    let hook: SyncHook = Arc::new(move |point| {
        // Before and after alternate: 0, 1, 0, 1.
        let call = seen.fetch_add(1, Ordering::SeqCst);
        assert_eq!(point == SyncPoint::AfterSync, call % 2 == 1);
        Ok(())
    });
    let ledger = SledLedger::open(dir.path(), OpenOptions { sync_hook: Some(hook), ..options() }).unwrap();
    append_one(&ledger, "a", b"1").await;
    append_one(&ledger, "a", b"2").await;
    assert_eq!(calls.load(Ordering::SeqCst), 4);
}

/// The storage engine would put large nodes into side files, which nobody syncs.
#[tokio::test]
async fn full_chunks_never_end_up_in_side_files_of_the_storage_engine() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let side_files = || std::fs::read_dir(dir.path().join("store/blobs")).unwrap().count();
    for number in 0..80_u8 {
        let full = vec![set(vec![record("a", &[number; 60_000]), record("a", &[number; 36_000])])];
        ledger.append(batch(&ledger, full)).await.unwrap();
        assert_eq!(side_files(), 0, "after {number} full chunks");
    }
    let value = raw_len(dir.path(), ledger);
    assert!(value > MAX_CHUNK - 3_000, "chunks of {value} bytes prove little");
}

fn raw_len(dir: &Path, ledger: SledLedger) -> usize {
    drop(ledger);
    raw_store(dir).get(0_u64.to_be_bytes()).unwrap().unwrap().len()
}

/// EIO, the number of which is the same on every Linux.
fn libc_eio() -> i32 {
    5
}

// ---- Other processes: this binary again, in the role named by its first filter. ----

fn child(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", role, "--ignored", "--nocapture", "--test-threads=1"]);
    command
}

fn role_dir() -> std::path::PathBuf {
    std::env::args_os().next_back().unwrap().into()
}

/// Appends for ever; says each position on standard output once it is acknowledged.
#[tokio::test]
#[ignore = "a role for a child process"]
async fn role_writer() {
    let ledger = open(&role_dir());
    loop {
        let name = format!("s{}", ledger.head().size % 3);
        let sets = vec![
            set(vec![record(&name, b"one"), secret(&name, &[7; 300], b"name")]),
            set(vec![record("all", &[8; 60_000]), record("all", &[9; 60_000])]),
        ];
        let appended = ledger.append(batch(&ledger, sets)).await.unwrap();
        println!("\nacknowledged {}", appended.head.size);
    }
}

/// Appends ten small batches; used under a trace of system calls.
#[tokio::test]
#[ignore = "a role for a child process"]
async fn role_ten_appends() {
    ten_appends(SyncMode::Real).await;
}

#[tokio::test]
#[ignore = "a role for a child process"]
async fn role_ten_appends_without_sync() {
    ten_appends(SyncMode::LeftOut).await;
}

async fn ten_appends(sync: SyncMode) {
    let ledger = SledLedger::open(&role_dir(), OpenOptions { sync, ..options() }).unwrap();
    for number in 0..10_u8 {
        // The trace shows this line between the calls of one append and those of the next.
        println!("\nappend {number}");
        let three = vec![set(vec![record("a", &[number]); 3])];
        ledger.append(batch(&ledger, three)).await.unwrap();
    }
    println!("\ndone");
    std::process::exit(0);
}

#[test]
#[ignore = "a role for a child process"]
fn role_probe() {
    std::process::exit(probe_store(&role_dir()));
}

#[test]
#[ignore = "a role for a child process"]
fn role_hang() {
    std::thread::park();
}

#[tokio::test]
async fn a_second_process_is_refused_and_a_killed_one_leaves_every_acknowledged_record() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let mut writer = child("role_writer").arg(dir.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut acknowledged = || -> u64 {
            lines.find_map(|line| line.strip_prefix("acknowledged ")?.parse().ok()).unwrap()
        };
        acknowledged();
        match refusal(dir.path(), options()) {
            OpenError::InUse { pid, .. } => assert_eq!(pid, Some(writer.id())),
            other => panic!("{other:?}"),
        }
        let last = (0..20).map(|_| acknowledged()).max().unwrap();
        writer.kill().unwrap();
        writer.wait().unwrap();
        let last = lines
            .filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok())
            .fold(last, u64::max);

        let ledger = open(dir.path());
        assert!(ledger.head().size >= last, "{} records of {last}", ledger.head().size);
        assert_eq!(ledger.head().size % 4, 0, "a part of a batch was kept");
        assert_in_order(&read_all(&ledger).await);
    }
}

fn probe(role: &str, time_limit: Duration) -> OpenOptions {
    let command = child(role);
    let probe = ProbeCommand {
        program: command.get_program().into(),
        args: command.get_args().map(Into::into).collect(),
        time_limit,
    };
    OpenOptions { probe: Some(probe), ..options() }
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_sound_store_passes_its_probe_and_the_copy_stays_untouched() {
    let dir = tempfile::tempdir().unwrap();
    append_one(&open(dir.path()), "a", b"1").await;
    let before = std::fs::read(dir.path().join("store/db")).unwrap();
    let ledger = SledLedger::open(dir.path(), probe("role_probe", LONG)).unwrap();
    assert_eq!(ledger.head().size, 1);
    assert!(std::fs::read(dir.path().join("recovery/1/store/db")).unwrap() == before);
    assert!(!dir.path().join("recovery/probe").exists());
}

#[tokio::test]
async fn a_store_that_fails_its_probe_or_hangs_in_it_is_refused_and_left_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    append_one(&open(dir.path()), "a", b"1").await;
    raw_store(dir.path()).insert("what", "is this").unwrap();
    let before = std::fs::read(dir.path().join("store/db")).unwrap();
    for options in [probe("role_probe", LONG), probe("role_hang", Duration::from_millis(50))] {
        match refusal(dir.path(), options) {
            OpenError::Damaged { why, copy: Some(copy), .. } => {
                assert!(why.contains("probe"), "{why}");
                assert!(copy.ends_with("recovery/damaged"));
            }
            other => panic!("{other:?}"),
        }
        assert!(std::fs::read(dir.path().join("store/db")).unwrap() == before);
    }
}

/// The syncs of the store's data file in each of ten appends, from a trace of system calls;
/// `None` where there is no strace.
fn traced_syncs(role: &str) -> Option<Vec<usize>> {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let role = child(role);
    let strace = Command::new("strace")
        .args(["-f", "-y", "-s", "64", "-e", "trace=fdatasync,fsync,write", "-o"])
        .arg(&trace)
        .arg(role.get_program())
        .args(role.get_args())
        .arg(dir.path().join("data"))
        .stdout(Stdio::null())
        .status();
    if strace.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return None;
    }
    let text = std::fs::read_to_string(&trace).unwrap();
    let appends: Vec<&str> = text.split("\\nappend ").skip(1).collect();
    assert_eq!(appends.len(), 10, "{text}");
    let is_sync = |line: &&str| line.contains("fdatasync(") && line.contains("/data/store/db>");
    Some(appends.iter().map(|part| part.split("\\ndone").next().unwrap().lines().filter(is_sync).count()).collect())
}

#[test]
fn each_append_makes_exactly_one_real_sync_and_the_control_without_makes_none() {
    let Some(syncs) = traced_syncs("role_ten_appends") else {
        eprintln!("strace is not installed; nothing was checked");
        return;
    };
    assert_eq!(syncs, [1; 10]);
    assert_eq!(traced_syncs("role_ten_appends_without_sync"), Some(vec![0; 10]));
}
