//! The ledger and other processes: a second one, a killed one, a probing one, a traced one.
//!
//! The other process is this test binary again, in the role of one of its ignored tests.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use baton_ledger::*;
use support::*;

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
        println!("\nacknowledged {}", appended.checkpoint.checkpoint().size);
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

/// The same with nothing on the storage engine.
#[test]
#[ignore = "a role for a child process"]
fn role_ten_bare_appends() {
    std::fs::create_dir(role_dir()).unwrap();
    let mut store = BareStore::open(&role_dir().join("store")).unwrap();
    println!();
    for number in 0..10_u8 {
        println!("append {number}");
        store.append(&[number; 300]).unwrap();
    }
    println!("done");
}

async fn ten_appends(sync: SyncMode) {
    let ledger = open_with(&role_dir(), OpenOptions { sync, ..options() }).unwrap();
    // Ends the line on which the test's name was printed.
    println!();
    for number in 0..10_u8 {
        // The trace shows this line between the calls of one append and those of the next.
        println!("append {number}");
        let three = vec![set(vec![record("a", &[number]); 3])];
        ledger.append(batch(&ledger, three)).await.unwrap();
    }
    println!("done");
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

/// Appends once, then dies in the second append.
#[tokio::test]
#[ignore = "a role for a child process"]
async fn role_dies_before_sync() {
    die_at(SyncPoint::BeforeSync).await;
}

#[tokio::test]
#[ignore = "a role for a child process"]
async fn role_dies_after_sync() {
    die_at(SyncPoint::AfterSync).await;
}

async fn die_at(point: SyncPoint) {
    let appends = AtomicU64::new(0);
    let hook: SyncHook = Arc::new(move |at| {
        if at == point && appends.fetch_add(1, Ordering::SeqCst) == 1 {
            std::process::abort();
        }
        Ok(())
    });
    let options = OpenOptions { sync_hook: Some(hook), ..options() };
    let ledger = open_with(&role_dir(), options).unwrap();
    append_one(&ledger, "a", b"acknowledged").await;
    let sets = vec![requested(1, 1, vec![record("a", b"2"), record("b", b"3")])];
    let _ = ledger.append(batch(&ledger, sets)).await;
    unreachable!("the process ends in the append");
}

#[tokio::test]
async fn a_process_that_dies_before_its_sync_loses_the_batch_and_after_it_keeps_it() {
    for (role, kept) in [("role_dies_before_sync", false), ("role_dies_after_sync", true)] {
        let dir = tempfile::tempdir().unwrap();
        let died = child(role).arg(dir.path()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert_eq!(died.unwrap().signal(), Some(6), "{role} did not end in its append");
        let ledger = open(dir.path());
        assert_eq!(ledger.head().size, if kept { 3 } else { 1 }, "{role}");
        assert_eq!(ledger.request(&key(1)).is_some(), kept);
    }
}

#[tokio::test]
async fn a_second_process_is_refused_and_a_killed_one_leaves_every_acknowledged_record() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let mut writer = child("role_writer").arg(dir.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut acknowledged = || -> u64 { lines.find_map(|line| line.strip_prefix("acknowledged ")?.parse().ok()).unwrap() };
        acknowledged();
        match refusal(dir.path(), options()) {
            OpenError::InUse { pid, .. } => assert_eq!(pid, Some(writer.id())),
            other => panic!("{other:?}"),
        }
        let last = (0..20).map(|_| acknowledged()).max().unwrap();
        writer.kill().unwrap();
        writer.wait().unwrap();
        let last = lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok()).fold(last, u64::max);

        let ledger = open(dir.path());
        assert!(ledger.head().size >= last, "{} records of {last}", ledger.head().size);
        assert_eq!(ledger.head().size % 4, 0, "a part of a batch was kept");
        assert_in_order(&read_all(&ledger).await);
    }
}

fn probe(role: &str, time_limit: Duration) -> OpenOptions {
    let command = child(role);
    let probe =
        ProbeCommand { program: command.get_program().into(), args: command.get_args().map(Into::into).collect(), time_limit };
    OpenOptions { probe: Some(probe), ..options() }
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_sound_store_passes_its_probe_and_the_copy_stays_untouched() {
    let dir = tempfile::tempdir().unwrap();
    append_one(&open(dir.path()), "a", b"1").await;
    let before = std::fs::read(dir.path().join("store/db")).unwrap();
    let ledger = open_with(dir.path(), probe("role_probe", LONG)).unwrap();
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

/// The syncs of the store's data file in each of ten appends, from a trace of system calls.
/// Without strace this fails: a check that did not run has not passed.
fn traced_syncs(role: &str) -> Vec<usize> {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let role = child(role);
    Command::new("strace")
        .args(["-f", "-y", "-s", "64", "-e", "trace=fdatasync,fsync,write", "-o"])
        .arg(&trace)
        .arg(role.get_program())
        .args(role.get_args())
        .arg(dir.path().join("data"))
        .stdout(Stdio::null())
        .status()
        .expect("strace runs; tests/run installs it");
    let text = std::fs::read_to_string(&trace).unwrap();
    let of_appends = text.split("\"append ").skip(1).map(|part| part.split("done\\n").next().unwrap());
    let is_sync = |line: &&str| line.contains("fdatasync(") && line.contains("/data/store/db>");
    of_appends.map(|part| part.lines().filter(is_sync).count()).collect()
}

#[test]
fn each_append_makes_exactly_one_real_sync_and_the_control_without_makes_none() {
    assert_eq!(traced_syncs("role_ten_appends"), [1; 10]);
    assert_eq!(traced_syncs("role_ten_appends_without_sync"), [0; 10]);
}

#[test]
fn each_bare_append_makes_exactly_one_real_sync_as_well() {
    assert_eq!(traced_syncs("role_ten_bare_appends"), [1; 10]);
}
