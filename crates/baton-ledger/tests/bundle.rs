//! A log directory: what a reader finds in it is what the ledger holds, however it came about.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use baton_ledger::bundle::{BundleError, BundleFile, DirectoryWriter, Growth, LogDirectory, encode_entries, extend};
use baton_ledger::{Ledger, MemoryLedger, Position, SignedCheckpoint, SigningKey, Tree, leaf_hash};
use proptest::prelude::*;
use support::{batch, record, set};

/// A ledger that grows by whole batches, each of which leaves a checkpoint.
async fn grown(sizes: &[u64]) -> (MemoryLedger, Vec<SignedCheckpoint>) {
    let ledger = MemoryLedger::with_key(SigningKey::generate("bundle.test").unwrap());
    let checkpoints = grow(&ledger, sizes).await;
    (ledger, checkpoints)
}

async fn grow(ledger: &MemoryLedger, sizes: &[u64]) -> Vec<SignedCheckpoint> {
    let mut checkpoints = Vec::new();
    for size in sizes {
        let from = ledger.head().size;
        let records: Vec<_> = (from..*size).map(|at| record("s", format!("leaf {at}").as_bytes())).collect();
        for part in records.chunks(4_000) {
            let batch = batch(ledger, vec![set(part.to_vec())]);
            ledger.append(batch).await.unwrap();
        }
        checkpoints.push(ledger.checkpoint());
    }
    checkpoints
}

fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(below) = waiting.pop() {
        for entry in std::fs::read_dir(&below).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => waiting.push(path),
                false => drop(found.insert(path.strip_prefix(dir).unwrap().to_owned(), std::fs::read(&path).unwrap())),
            }
        }
    }
    found
}

/// Every leaf and every tile of the directory, against the ledger.
async fn assert_holds(dir: &Path, ledger: &dyn Ledger) {
    let log = LogDirectory::new(dir);
    let signed = SignedCheckpoint::parse_unverified(&log.checkpoint().unwrap()).unwrap();
    let size = signed.checkpoint().size;
    let mut tree = Tree::new();
    for number in 0..size.div_ceil(256) {
        for leaf in log.entries(number, size).unwrap() {
            let stored = ledger.read(Position(tree.size()), 1).await.unwrap();
            assert_eq!(stored[0].leaf, leaf);
            tree.push(leaf_hash(&leaf));
        }
    }
    assert_eq!((tree.size(), tree.root()), (size, signed.checkpoint().root));
    for tile in tree.tiles(0, size).unwrap() {
        assert_eq!(log.file(&tile.path, 8_192).unwrap(), tile.bytes, "{}", tile.path);
    }
    let (found, others) = log.tiles().unwrap();
    assert_eq!(others, Vec::<String>::new());
    assert!(found.iter().all(|tile| tile.log_size().unwrap() <= size), "{found:?}");
}

#[tokio::test]
async fn directory_written_at_once_or_in_steps_holds_the_log_at_every_size_around_a_tile() {
    for sizes in [&[1_u64, 2, 255, 256, 257, 511, 512, 513, 700][..], &[700], &[256, 512], &[257, 258]] {
        let (ledger, checkpoints) = grown(sizes).await;
        let (steps, once) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut writer = DirectoryWriter::open(steps.path()).unwrap();
        for checkpoint in &checkpoints {
            extend(&mut writer, &ledger, checkpoint).await.unwrap();
            assert_holds(steps.path(), &ledger).await;
            assert_eq!(extend(&mut writer, &ledger, checkpoint).await.unwrap(), 0, "nothing is left to be done");
        }
        let mut writer = DirectoryWriter::open(once.path()).unwrap();
        extend(&mut writer, &ledger, checkpoints.last().unwrap()).await.unwrap();
        // Steps leave partial files behind where no full one came; everything else is the same.
        let (steps, once) = (files(steps.path()), files(once.path()));
        assert!(once.iter().all(|(path, bytes)| steps.get(path) == Some(bytes)));
        for left in steps.keys().filter(|path| !once.contains_key(*path)) {
            let (full, _) = left.to_str().unwrap().split_once(".p/").expect("only a partial file may be left");
            assert!(!steps.contains_key(Path::new(full)), "{} is there in full", left.display());
        }
    }
}

#[tokio::test]
async fn upper_levels_are_whole_past_65_536_records() {
    let (ledger, checkpoints) = grown(&[65_535, 65_536, 66_000, 66_001]).await;
    let dir = tempfile::tempdir().unwrap();
    let mut writer = DirectoryWriter::open(dir.path()).unwrap();
    for checkpoint in [&checkpoints[0], &checkpoints[1], &checkpoints[3]] {
        extend(&mut writer, &ledger, checkpoint).await.unwrap();
    }
    assert_holds(dir.path(), &ledger).await;
    assert!(dir.path().join("tile/2/000.p/1").is_file());
}

/// The same files as [`extend`] writes, stopped after `most` of them as a crash would.
async fn extend_and_die(dir: &Path, ledger: &dyn Ledger, to: &SignedCheckpoint, most: usize) -> bool {
    let mut writer = DirectoryWriter::open(dir).unwrap();
    let mut growth = Growth::between(writer.size(), to.checkpoint().size);
    let mut put = 0;
    while let Some(step) = growth.step() {
        let mut leaves = Vec::new();
        for at in step.from..step.to {
            leaves.push(ledger.read(Position(at), 1).await.unwrap().remove(0).leaf);
        }
        let tiles = ledger.tiles(step.tiles_from, step.to).unwrap();
        for file in growth.files(leaves.iter().map(Vec::as_slice), tiles).unwrap() {
            if put == most {
                // Under way and torn, as a stop in the middle of a write leaves it.
                std::fs::write(dir.join(".writing"), &file.bytes[..file.bytes.len() / 2]).unwrap();
                return false;
            }
            writer.put(&file).unwrap();
            put += 1;
        }
    }
    true
}

#[tokio::test]
async fn writer_that_stopped_after_any_file_is_gone_on_with_and_the_old_checkpoint_held_until_then() {
    let (ledger, checkpoints) = grown(&[300, 900, 1_000]).await;
    for stopped_at in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = DirectoryWriter::open(dir.path()).unwrap();
        extend(&mut writer, &ledger, &checkpoints[0]).await.unwrap();
        drop(writer);
        let ended = extend_and_die(dir.path(), &ledger, &checkpoints[1], stopped_at).await;
        let log = LogDirectory::new(dir.path());
        assert_eq!(log.checkpoint().unwrap(), checkpoints[0].note().as_bytes());
        assert_eq!(log.entries(1, 300).unwrap().len(), 44, "what the old checkpoint covers is still there");
        // The log has grown meanwhile: what is gone on with need not be what was begun.
        let to = &checkpoints[1 + stopped_at % 2];
        let mut writer = DirectoryWriter::open(dir.path()).unwrap();
        assert_eq!(writer.size(), 300);
        extend(&mut writer, &ledger, to).await.unwrap();
        assert_eq!(log.checkpoint().unwrap(), to.note().as_bytes());
        assert!(!dir.path().join(".writing").exists());
        let mut tree = Tree::new();
        for number in 0..4 {
            log.entries(number, to.checkpoint().size).unwrap().iter().for_each(|leaf| tree.push(leaf_hash(leaf)));
        }
        assert_eq!(tree.root(), to.checkpoint().root);
        if ended {
            assert!(stopped_at > 5);
            break;
        }
    }
}

#[tokio::test]
async fn directory_of_another_log_or_history_or_with_other_bytes_is_not_touched() {
    let (ledger, checkpoints) = grown(&[300]).await;
    let dir = tempfile::tempdir().unwrap();
    let mut writer = DirectoryWriter::open(dir.path()).unwrap();
    extend(&mut writer, &ledger, &checkpoints[0]).await.unwrap();
    let before = files(dir.path());

    let elsewhere = MemoryLedger::with_key(SigningKey::generate("other.test").unwrap());
    let rewritten = MemoryLedger::with_key(SigningKey::generate("bundle.test").unwrap());
    append_other(&rewritten, 400).await;
    append_other(&elsewhere, 400).await;
    let (shorter, _) = grown(&[200]).await;
    for other in [&elsewhere, &rewritten, &shorter] {
        let refused = extend(&mut writer, other, &other.checkpoint()).await;
        assert!(matches!(refused, Err(BundleError::OtherLog { .. })), "{refused:?}");
    }
    let altered = BundleFile { path: "tile/entries/000".to_owned(), bytes: encode_entries([&b"x"[..]]) };
    assert!(matches!(writer.put(&altered), Err(BundleError::Conflict { .. })));
    assert!(matches!(DirectoryWriter::open(dir.path()), Err(BundleError::InUse { .. })));
    assert_eq!(files(dir.path()), before);
    drop(writer);
    DirectoryWriter::open(dir.path()).unwrap();
}

async fn append_other(ledger: &MemoryLedger, count: u64) {
    let records = (0..count).map(|at| record("s", format!("other {at}").as_bytes())).collect();
    ledger.append(batch(ledger, vec![set(records)])).await.unwrap();
}

#[test]
fn name_that_leads_out_of_the_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = DirectoryWriter::open(&dir.path().join("log")).unwrap();
    for name in ["../x", "/etc/x", "a/../../x", "", "a//b", "a/./b", ".hidden", "a/.b", "a\\b", "a\nb", "a/", &"a".repeat(201)] {
        let refused = writer.put(&BundleFile { path: name.to_owned(), bytes: Vec::new() });
        assert!(matches!(refused, Err(BundleError::Name(_))), "{name:?}: {refused:?}");
    }
    writer.put(&BundleFile { path: "proofs/12.tlog-proof".to_owned(), bytes: b"x".to_vec() }).unwrap();
    assert_eq!(files(dir.path()).len(), 1);
}

#[test]
fn growth_that_ends_on_a_full_tile_of_level_one_gives_exactly_the_tiles_of_the_tree() {
    let mut tree = Tree::new();
    (0..65_536_u64).for_each(|at| tree.push(leaf_hash(&at.to_be_bytes())));
    let mut growth = Growth::between(65_000, 65_536);
    let mut given = Vec::new();
    while let Some(step) = growth.step() {
        let leaves: Vec<[u8; 8]> = (step.from..step.to).map(u64::to_be_bytes).collect();
        let tiles = tree.tiles(step.tiles_from, step.to).unwrap();
        given.extend(growth.files(leaves.iter().map(<[u8; 8]>::as_slice), tiles).unwrap());
    }
    let mut given: Vec<String> = given.into_iter().map(|file| file.path).filter(|path| !path.contains("entries")).collect();
    let mut expected: Vec<String> = tree.tiles(65_000, 65_536).unwrap().into_iter().map(|tile| tile.path).collect();
    given.sort();
    expected.sort();
    assert_eq!(given, expected);
}

proptest! {
    #[test]
    fn growth_in_random_steps_gives_every_tile_of_the_tree(steps in prop::collection::vec(1_u64..700, 1..8)) {
        let mut tree = Tree::new();
        let mut given = BTreeMap::new();
        let mut old = 0;
        for add in steps {
            let leaves: Vec<Vec<u8>> = (old..old + add).map(|at: u64| at.to_be_bytes().to_vec()).collect();
            leaves.iter().for_each(|leaf| tree.push(leaf_hash(leaf)));
            let mut growth = Growth::between(old, old + add);
            while let Some(step) = growth.step() {
                let leaves: Vec<Vec<u8>> = (step.from..step.to).map(|at| at.to_be_bytes().to_vec()).collect();
                let tiles = tree.tiles(step.tiles_from, step.to).unwrap();
                for file in growth.files(leaves.iter().map(Vec::as_slice), tiles).unwrap() {
                    given.insert(file.path, file.bytes);
                }
            }
            old += add;
            for tile in tree.tiles(0, old).unwrap() {
                prop_assert_eq!(given.get(&tile.path), Some(&tile.bytes), "{}", tile.path);
            }
        }
    }

    #[test]
    fn entry_bundle_of_any_bytes_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..600), width in 0_u64..300) {
        if let Ok(leaves) = baton_ledger::bundle::decode_entries(&bytes, width) {
            prop_assert_eq!(encode_entries(leaves), bytes);
        }
    }
}
