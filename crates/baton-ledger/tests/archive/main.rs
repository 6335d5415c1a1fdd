//! Archives and restores: what comes back is what was there, and nothing else is accepted.
#![allow(clippy::unwrap_used)]

mod restoring;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use baton_ledger::archive::{Archive, ArchiveError, RestoreError, RestoreKeys, Restored, Restoring, check, restore};
use baton_ledger::*;
use support::*;
use xxhash_rust::xxh3::xxh3_128;

/// A ledger, its archive, and a place to restore into, all in one temporary directory.
struct Scene {
    dir: tempfile::TempDir,
}

impl Scene {
    fn new() -> Scene {
        Scene { dir: tempfile::tempdir().unwrap() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn open(&self) -> SledLedger {
        open(&self.at("data"))
    }

    fn key(&self) -> SigningKey {
        signing_key(&self.at("data"))
    }

    fn trusted(&self) -> TrustedKeys {
        TrustedKeys::parse(self.key().verifier_key()).unwrap()
    }

    fn check(&self) -> Result<u64, ArchiveError> {
        check(&self.at("archive"), &self.trusted(), no_succession).map(|checked| checked.checkpoint.checkpoint().size)
    }

    fn restore(&self, to: &str) -> Result<Restored, RestoreError> {
        self.restore_with(to, |_| {})
    }

    fn restore_with(&self, to: &str, change: impl FnOnce(&mut Restoring)) -> Result<Restored, RestoreError> {
        let mut asked = Restoring {
            from: self.at("archive"),
            data: self.at(to),
            keys: RestoreKeys::File(self.at("data/keys")),
            key: self.key(),
            last_known: None,
            trust: None,
            older_copy: false,
            erased: |_| Vec::new(),
            read_succession: no_succession,
        };
        change(&mut asked);
        restore(asked)
    }
}

/// Records of every kind: with and without words, with and without a request, in batches of several sets.
async fn fill(ledger: &SledLedger, batches: u128) {
    for number in 0..batches {
        let at = u128::from(ledger.head().size);
        let leaf = format!("leaf {at} {number}").into_bytes();
        let sets = vec![
            requested(at, 7, vec![record("a", &leaf), secret("b", &leaf, format!("words {at}").as_bytes())]),
            set(vec![secret("a", &leaf, b"more words")]),
        ];
        ledger.append(batch(ledger, sets)).await.unwrap();
    }
}

fn catch_up(archive: &mut Archive, ledger: &SledLedger) {
    while !archive.step(ledger).unwrap() {}
    assert_eq!(archive.size(), ledger.head().size);
}

/// An archive of a ledger with so many batches, both closed.
async fn archived(batches: u128) -> Scene {
    let scene = Scene::new();
    let ledger = scene.open();
    fill(&ledger, batches).await;
    catch_up(&mut Archive::follow(&scene.at("archive"), &ledger).unwrap(), &ledger);
    ledger.close().await.unwrap();
    scene
}

fn segment(scene: &Scene) -> PathBuf {
    let mut segments: Vec<_> = fs::read_dir(scene.at("archive/chunks")).unwrap().map(|entry| entry.unwrap().path()).collect();
    segments.sort();
    segments.pop().unwrap()
}

#[tokio::test]
async fn archive_never_holds_words_or_keys() {
    let scene = archived(20).await;
    let keys = fs::read(scene.at("data/keys")).unwrap();
    for (path, bytes) in files(&scene.at("archive")) {
        assert!(!bytes.windows(5).any(|window| window == b"words"), "{}", path.display());
        for key in keys.chunks(32).filter(|key| key.iter().any(|byte| *byte != 0)).take(70) {
            assert!(!bytes.windows(32).any(|window| window == key), "{}", path.display());
        }
    }
}

#[tokio::test]
async fn archive_of_more_than_one_segment_is_continued_checked_and_restored() {
    let scene = Scene::new();
    let ledger = scene.open();
    let mut archive = Archive::follow(&scene.at("archive"), &ledger).unwrap();
    for number in 0..12_u8 {
        let records: Vec<_> = (0..60_u8).map(|n| record("a", &[vec![number, n], vec![9; 60_000]].concat())).collect();
        ledger.append(batch(&ledger, vec![set(records)])).await.unwrap();
        if number % 5 == 4 {
            catch_up(&mut archive, &ledger);
            drop(archive);
            archive = Archive::follow(&scene.at("archive"), &ledger).unwrap();
        }
    }
    catch_up(&mut archive, &ledger);
    assert_eq!(fs::read_dir(scene.at("archive/chunks")).unwrap().count(), 2);
    assert_eq!(scene.check().unwrap(), 720);
    // A backup in steps holds the same, but for partial tiles, which each has of the sizes that it was grown to.
    let (mut backup, tree) = written_in_steps(&ledger, &scene.at("backup"), 2 * 1024 * 1024);
    backup.cover(|old, new| tree.tiles(old, new)).unwrap();
    let below = |dir: &str| -> Vec<_> {
        let relative = |(path, bytes): (PathBuf, Vec<u8>)| (path.strip_prefix(scene.at(dir)).unwrap().to_owned(), bytes);
        files(&scene.at(dir))
            .into_iter()
            .map(relative)
            .filter(|(path, _)| !path.starts_with("chunks") && !path.to_string_lossy().contains(".p/"))
            .collect()
    };
    assert!(below("backup") == below("archive"));
    assert_eq!(fs::read_dir(scene.at("backup/chunks")).unwrap().count(), 2);
    let before = read_all(&ledger).await;
    ledger.close().await.unwrap();
    scene.restore("new").unwrap();
    let restored = SledLedger::open(&scene.at("new"), scene.key(), options()).unwrap();
    assert!(read_all(&restored).await == before);

    // The first segment gone is named by the one that does not follow.
    let newest = segment(&scene);
    let first = scene.at("archive/chunks/00000000000000000000.segment");
    fs::rename(&first, scene.at("aside")).unwrap();
    assert!(matches!(scene.check(), Err(ArchiveError::Damaged { path, .. }) if path == newest));
}

#[tokio::test]
async fn a_byte_changed_anywhere_in_an_archive_is_found_and_named_with_its_file() {
    let scene = Scene::new();
    let ledger = scene.open();
    fill(&ledger, 2).await;
    // Past a full tile, in few batches: each is a signature to verify.
    let many = (0..260_u32).map(|n| record("m", &n.to_be_bytes())).collect();
    ledger.append(batch(&ledger, vec![set(many)])).await.unwrap();
    catch_up(&mut Archive::follow(&scene.at("archive"), &ledger).unwrap(), &ledger);
    ledger.close().await.unwrap();
    let good = files(&scene.at("archive"));
    let mut tried = 0;
    for (path, bytes) in good.iter().filter(|(path, _)| path.is_file()) {
        let step = (bytes.len() / 25).max(1);
        for at in (0..bytes.len()).step_by(step) {
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            fs::write(path, &bad).unwrap();
            let refused = scene.restore("new").unwrap_err();
            let named = match &refused {
                RestoreError::Archive(ArchiveError::Damaged { path, .. } | ArchiveError::Checkpoint { path, .. }) => path.clone(),
                RestoreError::Archive(ArchiveError::NotAnArchive { dir, .. }) => dir.join("FORMAT"),
                // A key check that is well-formed and another one.
                RestoreError::Keys { .. } => scene.at("archive/FORMAT"),
                other => panic!("{}: {other}", path.display()),
            };
            assert_eq!(&named, path, "byte {at}: {refused}");
            assert!(!scene.at("new").exists(), "nothing was written");
            tried += 1;
        }
        fs::write(path, bytes).unwrap();
        fs::remove_file(path).unwrap();
        assert!(scene.check().is_err(), "without {}", path.display());
        fs::write(path, bytes).unwrap();
    }
    assert!(tried > 100, "{tried}");
    assert_eq!(scene.check().unwrap(), 266);
}

/// Bytes whose sums fit: only the tree over the leaves knows better.
#[tokio::test]
async fn a_tile_in_an_archive_that_is_not_that_of_its_leaves_is_found_under_a_sum_that_fits() {
    let scene = archived(90).await;
    let first_leaf = {
        let ledger = scene.open();
        ledger.read(Position(0), 1).await.unwrap()[0].leaf_hash
    };
    let segment = segment(&scene);
    let mut bytes = fs::read(&segment).unwrap();
    let tile = bytes.windows(32).position(|window| window == first_leaf).unwrap();
    bytes[tile + 77 * 32] ^= 1;
    let mut at = 0;
    while at < bytes.len() {
        let length = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let (body, sum) = bytes[at + 4..at + 4 + length].split_at_mut(length - 16);
        sum.copy_from_slice(&xxh3_128(body).to_be_bytes());
        at += 4 + length;
    }
    fs::write(&segment, &bytes).unwrap();
    let refused = scene.check().unwrap_err().to_string();
    assert!(refused.contains("the tile that ends at size 256 has another leaf at position 77"), "{refused}");
    assert!(matches!(scene.restore("new"), Err(RestoreError::Archive(ArchiveError::Damaged { .. }))));
}

#[tokio::test]
async fn archive_cut_short_above_its_checkpoint_goes_on_and_below_it_is_refused_unchanged() {
    let scene = archived(3).await;
    let path = segment(&scene);
    let checkpoint = fs::read(scene.at("archive/checkpoint")).unwrap();
    let covered = fs::read(&path).unwrap();
    let ledger = scene.open();
    fill(&ledger, 2).await;
    catch_up(&mut Archive::follow(&scene.at("archive"), &ledger).unwrap(), &ledger);
    let whole = files(&scene.at("archive"));
    let longer = whole[&path].clone();

    let lengths = (0..longer.len()).step_by(longer.len() / 40);
    for length in lengths.chain([covered.len() - 1, covered.len(), covered.len() + 3, longer.len() - 1, longer.len()]) {
        // As a crash leaves it: so much of the segment, and still the checkpoint from before.
        fs::write(&path, &longer[..length]).unwrap();
        fs::write(scene.at("archive/checkpoint"), &checkpoint).unwrap();
        let before = files(&scene.at("archive"));
        match Archive::follow(&scene.at("archive"), &ledger) {
            Ok(mut archive) => {
                assert!(length >= covered.len(), "{length}");
                catch_up(&mut archive, &ledger);
                assert_eq!(fs::read(&path).unwrap(), longer);
                assert_eq!(scene.check().unwrap(), 15);
            }
            Err(ArchiveError::Damaged { path: named, .. }) => {
                assert!(length < covered.len(), "{length}");
                assert_eq!(named, path);
                assert!(files(&scene.at("archive")) == before, "nothing was changed");
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn archive_of_another_log_one_that_is_ahead_and_one_in_use_are_refused_unchanged() {
    let scene = archived(5).await;
    let before = files(&scene.at("archive"));
    let refused = |ledger: &SledLedger| Archive::follow(&scene.at("archive"), ledger).err().unwrap();

    let other = open(&scene.at("other"));
    fill(&other, 9).await;
    assert!(matches!(refused(&other), ArchiveError::OtherLog { .. }));
    fs::create_dir(scene.at("full")).unwrap();
    fs::write(scene.at("full/letter.txt"), "not ours").unwrap();
    assert!(matches!(Archive::follow(&scene.at("full"), &other), Err(ArchiveError::NotAnArchive { .. })));
    assert_eq!(files(&scene.at("full")).len(), 1);

    // The log as it was three batches ago, brought back by copying the directory.
    let ledger = scene.open();
    let held = Archive::follow(&scene.at("archive"), &ledger).unwrap();
    assert!(matches!(refused(&ledger), ArchiveError::InUse { .. }));
    drop(held);
    ledger.close().await.unwrap();
    drop(ledger);
    copy_all(&scene.at("data"), &scene.at("older"));
    let ledger = scene.open();
    fill(&ledger, 3).await;
    catch_up(&mut Archive::follow(&scene.at("archive"), &ledger).unwrap(), &ledger);
    let after = files(&scene.at("archive"));
    assert_ne!(before, after);
    let older = SledLedger::open(&scene.at("older"), scene.key(), options()).unwrap();
    assert!(matches!(refused(&older), ArchiveError::Ahead { archive: 24, log: 15, .. }));
    // Grown past it again, it is as long and another history.
    fill(&older, 1).await;
    let sets = (0..12).map(|n| set(vec![record("z", &[n])])).collect();
    older.append(batch(&older, sets)).await.unwrap();
    assert!(matches!(refused(&older), ArchiveError::OtherLog { .. }));
    assert!(files(&scene.at("archive")) == after, "nothing was changed");
}

/// Writes a log into an archive as a backup is written: from chunks, its tree in steps of so many bytes, and no checkpoint.
fn written_in_steps(ledger: &SledLedger, dir: &Path, step: usize) -> (Archive, Tree) {
    let (mut archive, mut tree) = (Archive::begin(dir, &ledger.key_check()).unwrap(), Tree::new());
    let (mut from, mut ahead) = (Position(0), 0);
    loop {
        let chunks = ledger.raw_chunks(from, 2_000).unwrap();
        let Some(last) = chunks.last() else { return (archive, tree) };
        from = last.next();
        for chunk in chunks {
            let received = RawChunk::check(chunk.bytes().to_vec()).unwrap();
            received.grow(&mut tree);
            archive.append(&received).unwrap();
            assert!(matches!(archive.append(&received), Err(ArchiveError::DoesNotFollow { .. })));
            ahead += received.bytes().len();
            if received.checkpoint().is_some() && ahead >= step {
                ahead = 0;
                archive.grow(|old, new| tree.tiles(old, new)).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn backup_is_written_from_chunks_alone_and_only_in_their_order() {
    let scene = Scene::new();
    let ledger = scene.open();
    fill(&ledger, 90).await;
    let (mut archive, tree) = written_in_steps(&ledger, &scene.at("archive"), 2_000);
    assert_eq!(archive.size(), 0, "nobody relies on it before its end");
    assert!(matches!(scene.check(), Err(ArchiveError::Damaged { path, .. }) if path == scene.at("archive/checkpoint")));
    archive.cover(|old, new| tree.tiles(old, new)).unwrap();
    assert_eq!(scene.check().unwrap(), ledger.head().size);
    assert!(matches!(Archive::begin(&scene.at("archive"), &ledger.key_check()), Err(ArchiveError::NotAnArchive { .. })));
}
