//! System calls that really fail, in a process of their own under strace: what hooks cannot show is what
//! the storage engine does then.
//!
//! The other process is this test binary again, in the role of its ignored test. Without strace these
//! fail: a check that did not run has not passed.
#![allow(clippy::unwrap_used)]

mod support;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use baton_ledger::*;
use support::*;

/// Appends 100 records, opening the ledger again in place whenever that fails, at most 60 times in all.
/// Says each acknowledged one on standard output, and how it ended.
#[tokio::test]
#[ignore = "a role for a child process"]
async fn role_persistent_writer() {
    let dir = std::env::args_os().next_back().unwrap();
    let ledger = open(Path::new(&dir));
    println!();
    let mut attempts = 0;
    let mut id = 0;
    while id < 100 {
        let key = key(id);
        let known = ledger.request(&key).is_some();
        let sets = vec![requested(id, 1, vec![secret("a", &[id as u8; 30_000], b"a name")])];
        if known || ledger.append(batch(&ledger, sets)).await.is_ok() {
            println!("acknowledged {id}");
            id += 1;
            continue;
        }
        println!("failed {id}");
        loop {
            attempts += 1;
            let reopened = ledger.reopen().await;
            // Whether that succeeded or not, what was acknowledged can be read.
            let records = read_all(&ledger).await;
            assert!(records.len() as u128 >= id, "{} of {id}", records.len());
            match reopened {
                Ok(_) => break println!("reopened"),
                Err(error) if attempts < 60 => {
                    println!("not reopened {error}");
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(_) => {
                    println!("gave up");
                    std::process::exit(0);
                }
            }
        }
    }
    match ledger.close().await {
        Ok(()) => println!("closed"),
        // The call that fails may be one of the close.
        Err(error) => println!("not closed {error}"),
    }
    std::process::exit(0);
}

/// The role under strace, with this injected; its output.
fn under(inject: &str, dir: &Path) -> Output {
    under_with(inject, &[], dir)
}

/// The same with further arguments to strace.
fn under_with(inject: &str, more: &[&OsStr], dir: &Path) -> Output {
    let calls = inject.split(':').next().unwrap();
    let mut strace = Command::new("strace");
    // A process that ends on its own account may leave a copy of its store there.
    strace.args(more).env("TMPDIR", dir.parent().unwrap());
    strace.args(["-f", "-o", "/dev/null", "-e", &format!("trace={calls}"), "-e", &format!("inject={inject}")]);
    strace.arg(std::env::current_exe().unwrap());
    strace.args(["--exact", "role_persistent_writer", "--ignored", "--nocapture", "--test-threads=1"]).arg(dir);
    strace.output().expect("strace runs; tests/run installs it")
}

/// What the process said, line by line.
fn said(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn acknowledged(said: &[String]) -> Vec<u128> {
    said.iter().filter_map(|line| line.strip_prefix("acknowledged ")).map(|id| id.parse().unwrap()).collect()
}

/// Every acknowledged record is there, once, in order, with its name.
async fn assert_kept(dir: &Path, acknowledged: &[u128]) {
    let ledger = open(dir);
    let records = read_all(&ledger).await;
    assert_in_order(&records);
    for (at, id) in acknowledged.iter().enumerate() {
        let found = ledger.request(&key(*id)).unwrap();
        assert_eq!(found.first, Position(at as u64));
        assert_eq!(records[at].leaf, vec![*id as u8; 30_000]);
        assert_eq!(records[at].disclosure, Disclosure::Open(b"a name".to_vec()));
    }
    append_one(&ledger, "z", b"goes on").await;
}

#[tokio::test]
async fn a_call_that_really_fails_a_few_times_is_healed_in_place_and_every_record_is_kept() {
    // Calls are counted by thread, and the engine has eight that write: each of them fails in its turn.
    for inject in [
        "fdatasync:error=EIO:when=7",
        "fdatasync:error=EIO:when=7..8",
        "pwrite64:error=EIO:when=7",
        "pwrite64:error=ENOSPC:when=7",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let output = under(inject, &data);
        let said = said(&output);
        let story = || format!("{inject}: {said:#?}\n{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(acknowledged(&said), (0..100).collect::<Vec<_>>(), "{}", story());
        assert!(said.iter().any(|line| line == "reopened"), "nothing failed: {}", story());
        let ended = said.last().unwrap();
        assert!(ended == "closed" || ended.starts_with("not closed"), "{}", story());
        assert!(ended == "closed" || data.join("REWRITE").exists(), "{}", story());
        assert_kept(&data, &acknowledged(&said)).await;
    }
}

#[tokio::test]
async fn while_every_sync_really_fails_nothing_more_is_acknowledged_and_the_next_start_has_it_all() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let output = under("fdatasync:error=EIO:when=7+", &data);
    let said = said(&output);
    let story = || format!("{said:#?}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.last().map(String::as_str), Some("gave up"), "{}", story());
    let last = said.iter().rposition(|line| line.starts_with("failed")).unwrap();
    assert!(said[last..].iter().all(|line| !line.starts_with("acknowledged")), "{}", story());
    assert!(data.join("REWRITE").exists(), "the next start would trust what it reads");
    assert_kept(&data, &acknowledged(&said)).await;
    assert!(!data.join("REWRITE").exists());
}

/// The engine's own handle then refuses reads, and no other can be opened in place.
#[tokio::test]
async fn while_every_write_of_the_store_really_fails_what_was_acknowledged_is_read_from_a_copy() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let store = data.join("store/db");
    let output = under_with("pwrite64:error=ENOSPC:when=4+", &[OsStr::new("-P"), store.as_os_str()], &data);
    let said = said(&output);
    let story = || format!("{said:#?}\n{}", String::from_utf8_lossy(&output.stderr));
    // It gives up rather than ending in a read that was refused.
    assert_eq!(said.last().map(String::as_str), Some("gave up"), "{}", story());
    assert!(!acknowledged(&said).is_empty(), "{}", story());
    assert_kept(&data, &acknowledged(&said)).await;
}
