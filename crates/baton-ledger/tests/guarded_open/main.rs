//! The guarded open of the ledger on disk: what is refused, what is kept, what is taken up again.
#![allow(clippy::unwrap_used)]

mod copying;
mod creation;
mod keys;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use baton_ledger::*;
use support::*;

/// Every file below a directory with its bytes, but for LOCK, which names the last process.
fn snapshot(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(snapshot(&path));
        } else if !path.ends_with("LOCK") {
            files.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    files
}

async fn filled(dir: &Path, records: u8) -> SledLedger {
    let ledger = open(dir);
    for leaf in 0..records {
        append_one(&ledger, "a", &[leaf]).await;
    }
    ledger
}

async fn filled_and_closed(dir: &Path, records: u8) {
    filled(dir, records).await.close().await.unwrap();
}

fn copies(dir: &Path) -> Vec<String> {
    let recovery = fs::read_dir(dir.join("recovery"));
    let names = recovery.into_iter().flatten().map(|e| e.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_second_open_is_refused_names_directory_and_process_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = filled(dir.path(), 3).await;
    let before = snapshot(dir.path());
    let refused = refusal(dir.path(), options());
    let pid = std::process::id();
    assert!(matches!(refused, OpenError::InUse { pid: Some(named), .. } if named == pid));
    assert!(refused.to_string().contains(dir.path().to_str().unwrap()));
    assert_eq!(snapshot(dir.path()), before);
    append_one(&ledger, "a", b"goes on").await;
}

#[tokio::test]
async fn a_newer_format_is_refused_and_nothing_changed() {
    let dir = tempfile::tempdir().unwrap();
    filled_and_closed(dir.path(), 3).await;
    fs::write(dir.path().join("FORMAT"), "baton-ledger 5\n").unwrap();
    let before = snapshot(dir.path());
    let refused = refusal(dir.path(), options());
    assert!(matches!(refused, OpenError::NewerFormat { found: 5, supported: 4, .. }));
    assert_eq!(snapshot(dir.path()), before);
}

#[tokio::test]
async fn a_format_from_before_the_first_release_is_refused_and_nothing_changed() {
    let dir = tempfile::tempdir().unwrap();
    filled_and_closed(dir.path(), 3).await;
    fs::write(dir.path().join("FORMAT"), "baton-ledger 3\n").unwrap();
    let before = snapshot(dir.path());
    let refused = refusal(dir.path(), options());
    assert!(matches!(refused, OpenError::OlderFormat { found: 3, supported: 4, .. }));
    assert!(refused.to_string().contains("load its events into a new directory"), "{refused}");
    assert_eq!(snapshot(dir.path()), before);
}

#[tokio::test]
async fn a_directory_of_somebody_else_is_refused_and_nothing_changed() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("letter.txt"), "mine").unwrap();
    signing_key(dir.path());
    let before = snapshot(dir.path());
    assert!(matches!(refusal(dir.path(), options()), OpenError::NotALedger { .. }));
    assert_eq!(snapshot(dir.path()), before);
    assert!(!dir.path().join("LOCK").exists());
}

#[tokio::test]
async fn a_store_below_the_head_file_is_refused_as_loss() {
    let dir = tempfile::tempdir().unwrap();
    filled_and_closed(dir.path(), 3).await;
    raw_store(dir.path()).remove(2_u64.to_be_bytes()).unwrap();
    match refusal(dir.path(), options()) {
        OpenError::Loss { store, noted, .. } => assert_eq!((store.size, noted.size), (2, 3)),
        other => panic!("{other:?}"),
    }
    // As it lay before the storage engine saw it.
    assert_eq!(copies(dir.path()), ["damaged"]);
    // The refusal is no clean start: the next open makes a copy of its own and refuses again.
    assert!(matches!(refusal(dir.path(), options()), OpenError::Loss { .. }));
    assert_eq!(copies(dir.path()), ["1", "damaged"]);
}

#[tokio::test]
async fn a_store_of_the_same_size_with_another_history_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    filled_and_closed(dir.path(), 3).await;
    let other = tempfile::tempdir().unwrap();
    fs::copy(dir.path().join("signing-key"), other.path().join("signing-key")).unwrap();
    filled(other.path(), 2).await;
    {
        let ledger = open(other.path());
        append_one(&ledger, "a", b"another third").await;
        ledger.close().await.unwrap();
    }
    fs::copy(other.path().join("head"), dir.path().join("head")).unwrap();
    assert!(matches!(refusal(dir.path(), options()), OpenError::Damaged { .. }));
}

#[tokio::test]
async fn a_store_beyond_the_head_file_is_adopted() {
    let dir = tempfile::tempdir().unwrap();
    filled_and_closed(dir.path(), 1).await;
    let old_head = fs::read(dir.path().join("head")).unwrap();
    {
        let ledger = open(dir.path());
        append_one(&ledger, "a", b"later").await;
        ledger.close().await.unwrap();
    }
    fs::write(dir.path().join("head"), old_head).unwrap();
    assert_eq!(open(dir.path()).head().size, 2);
}

#[tokio::test]
async fn a_missing_head_file_is_refused_unless_the_operator_trusts_the_store() {
    let dir = tempfile::tempdir().unwrap();
    filled_and_closed(dir.path(), 3).await;
    fs::remove_file(dir.path().join("head")).unwrap();
    assert!(matches!(refusal(dir.path(), options()), OpenError::HeadFile { .. }));
    let trusting = OpenOptions { trust_store_without_head: true, ..options() };
    let ledger = open_with(dir.path(), trusting).unwrap();
    ledger.close().await.unwrap();
    drop(ledger);
    assert_eq!(open(dir.path()).head().size, 3);
}
