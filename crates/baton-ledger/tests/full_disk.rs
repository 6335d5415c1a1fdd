//! A disk that is really full: a small tmpfs, which takes root to mount.
//!
//! Where it cannot be mounted the tests say so on standard error and check nothing; what a full disk is
//! answered with is also tested without one, in `durability.rs` and by the engine.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use baton_ledger::*;
use support::*;

const MIB: u64 = 1024 * 1024;

/// A mounted disk of 96 MiB, and a directory on another one.
struct Disk {
    mount: tempfile::TempDir,
    elsewhere: tempfile::TempDir,
    // Last: the next test begins when this disk is gone. A child that one test starts would for a moment
    // hold the files, and so the locks, of another.
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

impl Disk {
    fn mount() -> Option<Disk> {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (mount, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=96m", "tmpfs"]).arg(mount.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Disk { mount, elsewhere, _alone }),
            refused => {
                eprintln!("NOT RUN: a disk could not be mounted, so nothing was tested on a full one: {refused:?}");
                None
            }
        }
    }

    fn data(&self) -> PathBuf {
        self.mount.path().join("data")
    }

    fn options(&self, min_free_bytes: u64) -> OpenOptions {
        let scratch = Some(self.elsewhere.path().to_owned());
        OpenOptions { min_free_bytes, ballast_bytes: 16 * MIB, scratch, ..OpenOptions::default() }
    }

    fn filler(&self) -> PathBuf {
        self.mount.path().join("filler")
    }

    /// Somebody else takes all of the space, but for so many bytes.
    fn fill(&self, but: u64) {
        let mut filler = File::options().create(true).append(true).open(self.filler()).unwrap();
        let free = || {
            let df = Command::new("df").args(["--output=avail", "-B1"]).arg(self.mount.path()).output().unwrap();
            String::from_utf8(df.stdout).unwrap().lines().nth(1).unwrap().trim().parse::<u64>().unwrap()
        };
        while free() > but {
            let piece = (free() - but).min(MIB) as usize;
            if filler.write_all(&vec![1; piece]).is_err() {
                break;
            }
        }
    }

    fn free(&self) {
        // Cut first: a child that another test is just starting may still have the file open.
        File::create(self.filler()).unwrap();
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.mount.path()).status();
        assert!(unmounted.unwrap().success(), "the disk could not be unmounted");
    }
}

/// Ten records, each with a name beside it.
async fn ten_records(ledger: &SledLedger) {
    for number in 0..10_u8 {
        let sets = vec![set(vec![secret("a", &[number; 2_000], b"a name")])];
        ledger.append(batch(ledger, sets)).await.unwrap();
    }
}

/// Appends records of 60,000 bytes until that fails; says how many were taken and what the failure was.
async fn append_until_it_fails(ledger: &SledLedger) -> (u64, AppendError) {
    for taken in 0..10_000_u64 {
        let sets = vec![requested(ledger.head().size.into(), 1, vec![record("b", &[taken as u8; 60_000])])];
        if let Err(error) = ledger.append(batch(ledger, sets)).await {
            return (taken, error);
        }
    }
    panic!("the disk never filled up");
}

async fn assert_full(ledger: &SledLedger) {
    let refused = ledger.append(batch(ledger, vec![set(vec![record("b", b"no")])])).await.unwrap_err();
    assert!(matches!(refused, AppendError::Full { nothing_written: true }), "{refused:?}");
    let refused = ledger.reopen().await.unwrap_err();
    assert!(matches!(refused, ReopenError::Full { .. }), "{refused:?}");
}

/// Every record is read, the first ten with their names.
async fn assert_reads(ledger: &SledLedger, size: u64) {
    let records = read_all(ledger).await;
    assert_eq!(records.len() as u64, size);
    assert_in_order(&records);
    assert!(records[..10].iter().all(|record| record.disclosure == Disclosure::Open(b"a name".to_vec())));
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).unwrap().next().is_none()
}

#[tokio::test]
async fn a_disk_that_is_nearly_full_refuses_reads_on_and_takes_records_when_space_returns() {
    let Some(disk) = Disk::mount() else { return };
    let ledger = open_with(&disk.data(), disk.options(4 * MIB)).unwrap();
    ten_records(&ledger).await;
    disk.fill(2 * MIB);
    assert_full(&ledger).await;
    assert_reads(&ledger, 10).await;
    disk.free();
    append_one(&ledger, "a", b"goes on").await;
    ledger.reopen().await.unwrap();
    ledger.close().await.unwrap();
}

/// The snapshot alone does not fit: what there was room for of it is gone, and the stop is a clean one.
#[tokio::test]
async fn a_snapshot_for_which_there_is_no_room_leaves_a_clean_stop() {
    let Some(disk) = Disk::mount() else { return };
    let ledger = open_with(&disk.data(), disk.options(0)).unwrap();
    ten_records(&ledger).await;
    disk.fill(20 * MIB);
    ledger.close_with_snapshot(&|out| out.write_all(&vec![7; 30 * MIB as usize])).await.unwrap();
    drop(ledger);
    assert!(!disk.data().join("snapshot").exists() && !disk.data().join("snapshot.new").exists());
    let ledger = open_with(&disk.data(), disk.options(0)).unwrap();
    assert!(ledger.snapshot().is_none() && !disk.data().join("recovery").exists());
    assert_reads(&ledger, 10).await;
}

/// Destroying it takes no space, and reading from a copy of the store does not use it.
#[tokio::test]
async fn a_start_on_a_full_disk_destroys_the_snapshot_as_well() {
    let Some(disk) = Disk::mount() else { return };
    let ledger = open_with(&disk.data(), disk.options(0)).unwrap();
    ten_records(&ledger).await;
    ledger.close_with_snapshot(&|out| out.write_all(b"a name")).await.unwrap();
    drop(ledger);
    let link = disk.mount.path().join("link");
    fs::hard_link(disk.data().join("snapshot"), &link).unwrap();
    // Half of one that a killed process left, with no byte in it.
    fs::write(disk.data().join("snapshot.new"), "").unwrap();
    fs::remove_file(disk.data().join("ballast")).unwrap();
    disk.fill(0);
    let ledger = open_with(&disk.data(), disk.options(MIB)).unwrap();
    assert_full(&ledger).await;
    assert!(ledger.snapshot().is_none());
    assert!(!disk.data().join("snapshot").exists() && !disk.data().join("snapshot.new").exists());
    assert_eq!(fs::read(link).unwrap()[12..44], [0; 32]);
    assert_reads(&ledger, 10).await;
}

#[tokio::test]
async fn a_disk_that_fills_up_in_the_middle_of_a_write_loses_nothing_and_heals_in_place() {
    let Some(disk) = Disk::mount() else { return };
    let ledger = open_with(&disk.data(), disk.options(0)).unwrap();
    ten_records(&ledger).await;
    for round in 0..3 {
        let before = ledger.head().size;
        disk.fill(if round == 1 { 0 } else { MIB });
        let (taken, failure) = append_until_it_fails(&ledger).await;
        assert!(matches!(failure, AppendError::Full { nothing_written: false }), "{failure:?}");
        assert_full(&ledger).await;
        assert_reads(&ledger, before + taken).await;
        disk.free();
        let found = ledger.reopen().await.unwrap().size;
        assert!(found == before + taken || found == before + taken + 1, "{found} of {}", before + taken);
        assert_reads(&ledger, found).await;
        append_one(&ledger, "a", b"goes on").await;
    }
    ledger.close().await.unwrap();
    drop(ledger);
    let found = inspect(&disk.data(), disk.elsewhere.path()).unwrap();
    assert!(found.clean && found.verified && !found.rewrite_due);
}

#[tokio::test]
async fn a_start_on_a_full_disk_serves_reads_from_a_copy_and_takes_records_when_space_returns() {
    let Some(disk) = Disk::mount() else { return };
    for clean in [true, false] {
        let ledger = open_with(&disk.data(), disk.options(MIB)).unwrap();
        if clean {
            ten_records(&ledger).await;
            ledger.close().await.unwrap();
        }
        let size = ledger.head().size;
        drop(ledger);
        fs::remove_file(disk.data().join("ballast")).unwrap();
        disk.fill(0);
        let before = files(&disk.data());
        let ledger = open_with(&disk.data(), disk.options(MIB)).unwrap();
        assert_full(&ledger).await;
        assert_reads(&ledger, size).await;
        let kept = |path: &PathBuf| !path.ends_with("LOCK");
        let same =
            files(&disk.data()).into_iter().filter(|(path, _)| kept(path)).eq(before.into_iter().filter(|(path, _)| kept(path)));
        assert!(same, "the data directory was changed");
        assert!(!is_empty(disk.elsewhere.path()));
        disk.free();
        ledger.reopen().await.unwrap();
        assert!(is_empty(disk.elsewhere.path()), "the copy is still there");
        assert!(disk.data().join("ballast").exists(), "no space was put aside again");
        assert_reads(&ledger, size).await;
        append_one(&ledger, "a", b"goes on").await;
    }
}

#[tokio::test]
async fn the_ballast_is_given_up_for_a_start_in_place() {
    let Some(disk) = Disk::mount() else { return };
    let ledger = open_with(&disk.data(), disk.options(MIB)).unwrap();
    ten_records(&ledger).await;
    ledger.close().await.unwrap();
    drop(ledger);
    let ballast = disk.data().join("ballast");
    assert_eq!(fs::metadata(&ballast).unwrap().len(), 16 * MIB);
    disk.fill(0);
    let ledger = open_with(&disk.data(), disk.options(MIB)).unwrap();
    assert!(!ballast.exists() && is_empty(disk.elsewhere.path()), "it was opened in place");
    assert_reads(&ledger, 10).await;
    append_one(&ledger, "a", b"there is room now").await;
    disk.free();
    ledger.reopen().await.unwrap();
    assert_eq!(fs::metadata(&ballast).unwrap().len(), 16 * MIB);
}

#[tokio::test]
async fn neither_space_nor_a_place_for_a_copy_refuses_the_start_and_changes_nothing() {
    let Some(disk) = Disk::mount() else { return };
    let ledger = open_with(&disk.data(), disk.options(MIB)).unwrap();
    ten_records(&ledger).await;
    ledger.close().await.unwrap();
    drop(ledger);
    fs::remove_file(disk.data().join("ballast")).unwrap();
    let here = disk.mount.path().join("scratch");
    fs::create_dir(&here).unwrap();
    disk.fill(0);
    let refused = refusal(&disk.data(), OpenOptions { scratch: Some(here.clone()), ..disk.options(MIB) });
    assert!(matches!(refused, OpenError::Io { what: "copy to a scratch directory", .. }), "{refused:?}");
    assert!(is_empty(&here));
    disk.free();
    assert_reads(&open_with(&disk.data(), disk.options(MIB)).unwrap(), 10).await;
}
