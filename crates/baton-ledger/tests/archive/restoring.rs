//! What a restore brings back, and into what and with which keys it does not.

use super::*;

async fn everything(ledger: &SledLedger) -> (Vec<StoredRecord>, Vec<String>) {
    let records = read_all(ledger).await;
    let mut receipts = Vec::new();
    for record in &records {
        receipts.push(ledger.receipt(record.position).await.unwrap().unwrap().to_text());
    }
    (records, receipts)
}

#[tokio::test]
async fn restored_log_has_the_same_records_receipts_words_and_answers_to_repeats() {
    let scene = Scene::new();
    let ledger = scene.open();
    // Across the edges of tiles, and with the archive closed and opened again on the way.
    for batches in [1, 84, 1, 90] {
        fill(&ledger, batches).await;
        catch_up(&mut Archive::follow(&scene.at("archive"), &ledger).unwrap(), &ledger);
        assert_eq!(scene.check().unwrap(), ledger.head().size);
    }
    let before = everything(&ledger).await;
    let checkpoint = ledger.checkpoint();
    ledger.close().await.unwrap();

    assert_eq!(
        scene.restore("new").unwrap(),
        Restored { checkpoint: checkpoint.clone(), erased: 0, gone: Vec::new(), missing: 0 }
    );
    let restored = SledLedger::open(&scene.at("new"), scene.key(), options()).unwrap();
    assert_eq!(restored.checkpoint(), checkpoint);
    assert!(everything(&restored).await == before, "records and receipts are the same");
    assert!(before.0.iter().any(|record| matches!(record.disclosure, Disclosure::Open(_))));
    assert_eq!(restored.request(&key(0)).unwrap().count, 2);
    let repeat = vec![requested(0, 7, vec![record("a", b"leaf")])];
    let refused = restored.append(batch(&restored, repeat)).await.unwrap_err();
    assert!(matches!(refused, AppendError::RequestRepeated { first: Position(0), count: 2, .. }));
    // And it goes on, with the archive behind it.
    fill(&restored, 3).await;
    catch_up(&mut Archive::follow(&scene.at("archive"), &restored).unwrap(), &restored);
    assert_eq!(scene.check().unwrap(), restored.head().size);
}

#[tokio::test]
async fn keys_of_words_that_the_log_erased_are_gone_after_a_restore_from_older_keys() {
    let scene = Scene::new();
    let ledger = scene.open();
    fill(&ledger, 4).await;
    let older_keys = scene.at("older-keys");
    fs::copy(scene.at("data/keys"), &older_keys).unwrap();
    append_one(&ledger, "audit", b"erase 1 5").await;
    ledger.erase(&[Position(1), Position(5)]).await.unwrap();
    catch_up(&mut Archive::follow(&scene.at("archive"), &ledger).unwrap(), &ledger);
    ledger.close().await.unwrap();

    let erased: fn(&[u8]) -> Vec<u64> = |leaf| match leaf.strip_prefix(b"erase ") {
        Some(list) => String::from_utf8_lossy(list).split(' ').map(|n| n.parse().unwrap()).collect(),
        None => Vec::new(),
    };
    let restored = scene.restore_with("new", |asked| {
        asked.keys = RestoreKeys::File(older_keys.clone());
        asked.erased = erased;
    });
    assert_eq!(restored.unwrap().erased, 2);
    let restored = SledLedger::open(&scene.at("new"), scene.key(), options()).unwrap();
    let records = read_all(&restored).await;
    let gone: Vec<_> = records.iter().filter(|r| r.disclosure == Disclosure::Erased).map(|r| r.position.0).collect();
    assert_eq!(gone, [1, 5]);
    // The control: a restore that does not ask what was erased brings the words back.
    scene.restore_with("control", |asked| asked.keys = RestoreKeys::File(older_keys.clone())).unwrap();
    let control = SledLedger::open(&scene.at("control"), scene.key(), options()).unwrap();
    assert!(read_all(&control).await.iter().all(|record| record.disclosure != Disclosure::Erased));
}

#[tokio::test]
async fn key_file_of_another_log_or_from_before_the_archive_or_with_holes_is_refused_and_a_lost_one_must_be_said() {
    let scene = Scene::new();
    let ledger = scene.open();
    let early = fs::read(scene.at("data/keys")).unwrap();
    fill(&ledger, 2).await;
    catch_up(&mut Archive::follow(&scene.at("archive"), &ledger).unwrap(), &ledger);
    ledger.close().await.unwrap();
    let other = open(&scene.at("other"));
    // A block of zeros, as a copy has that was not synced before the power went.
    let mut holed = fs::read(scene.at("data/keys")).unwrap();
    holed[64..512].fill(0);
    for keys in [scene.at("other/keys"), scene.at("early"), scene.at("cut"), scene.at("holed")] {
        fs::write(scene.at("early"), &early[..96]).unwrap();
        fs::write(scene.at("cut"), &early[..40]).unwrap();
        fs::write(scene.at("holed"), &holed).unwrap();
        let refused = scene.restore_with("new", |asked| asked.keys = RestoreKeys::File(keys.clone())).unwrap_err();
        assert!(matches!(&refused, RestoreError::Keys { path, .. } if *path == keys), "{refused}");
        let foreign = keys == scene.at("other/keys");
        assert_eq!(refused.to_string().contains("it belongs to another log"), foreign, "{refused}");
        assert!(!scene.at("new").exists());
    }
    drop(other);
    scene.restore_with("new", |asked| asked.keys = RestoreKeys::Lost).unwrap();
    let restored = SledLedger::open(&scene.at("new"), scene.key(), options()).unwrap();
    let records = read_all(&restored).await;
    assert_eq!(records.iter().filter(|record| record.disclosure == Disclosure::Erased).count(), 4);
    fill(&restored, 1).await;
    let newest = read_all(&restored).await.pop().unwrap();
    assert_eq!(newest.disclosure, Disclosure::Open(b"more words".to_vec()));
}

#[tokio::test]
async fn what_a_damaged_or_short_key_file_still_opens_is_kept_when_it_is_all_there_is_and_the_rest_is_named() {
    let scene = archived(2).await;
    let whole = fs::read(scene.at("data/keys")).unwrap();
    let worded = read_all(&scene.open()).await;
    let worded: Vec<_> = worded.iter().filter(|r| matches!(r.disclosure, Disclosure::Open(_))).map(|r| r.position).collect();
    let mut holed = whole.clone();
    holed[64..96].fill(0);
    for (name, keys, gone) in
        [("holed", &holed[..], &worded[..1]), ("short", &whole[..140], &worded[2..]), ("whole", &whole, &[])]
    {
        let path = scene.at(&format!("{name}-keys"));
        fs::write(&path, keys).unwrap();
        let restored = scene.restore_with(name, |asked| asked.keys = RestoreKeys::Rest(path)).unwrap();
        assert_eq!(restored.gone, gone, "{name}");
        let ledger = SledLedger::open(&scene.at(name), scene.key(), options()).unwrap();
        let records = read_all(&ledger).await;
        let closed: Vec<_> =
            records.iter().filter(|record| record.disclosure == Disclosure::Erased).map(|record| record.position).collect();
        assert_eq!(closed, gone, "{name}");
        assert!(records.iter().all(|record| record.disclosure != Disclosure::Unreadable), "{name}");
        fill(&ledger, 1).await;
        assert_eq!(read_all(&ledger).await.pop().unwrap().disclosure, Disclosure::Open(b"more words".to_vec()), "{name}");
    }
}

#[tokio::test]
async fn restore_goes_into_an_empty_directory_only_and_needs_the_key_of_the_log() {
    let scene = archived(2).await;
    fs::create_dir(scene.at("new")).unwrap();
    fs::write(scene.at("new/letter.txt"), "not ours").unwrap();
    assert!(matches!(scene.restore("new"), Err(RestoreError::NotEmpty { .. })));
    assert_eq!(files(&scene.at("new")).len(), 1);
    let stranger = SigningKey::generate(scene.key().origin()).unwrap();
    let refused = scene.restore_with("fresh", |asked| asked.key = stranger).unwrap_err();
    assert!(matches!(refused, RestoreError::Archive(ArchiveError::Checkpoint { .. })), "{refused}");
    assert!(!scene.at("fresh").exists());
}

#[tokio::test]
async fn archive_older_than_a_known_checkpoint_is_restored_for_a_fork_alone() {
    let scene = archived(3).await;
    let ledger = scene.open();
    fill(&ledger, 2).await;
    let known = ledger.checkpoint();
    ledger.close().await.unwrap();
    let note = known.note().as_bytes().to_vec();

    let refused = scene.restore_with("new", |asked| asked.last_known = Some(note.clone())).unwrap_err();
    assert!(matches!(refused, RestoreError::Older { archive: 9, known: 15 }));
    assert!(refused.to_string().contains("positions 9 to 14 are missing"), "{refused}");
    assert!(!scene.at("new").exists());
    let altered = String::from_utf8(note.clone()).unwrap().replacen("\n15\n", "\n16\n", 1);
    let refused = scene.restore_with("new", |asked| asked.last_known = Some(altered.into_bytes())).unwrap_err();
    assert!(matches!(refused, RestoreError::LastKnown { .. }), "{refused}");

    let restored = scene.restore_with("new", |asked| {
        asked.last_known = Some(note.clone());
        asked.older_copy = true;
    });
    assert_eq!(restored.unwrap().missing, 6);
    let refused = SledLedger::open(&scene.at("new"), scene.key(), options()).err().unwrap();
    assert!(matches!(refused, OpenError::Loss { .. }), "the old key does not go on from an older copy: {refused}");
    let fresh = SigningKey::generate("test/fork").unwrap();
    // A fork that was cut short before its first record changes nothing for the old key.
    drop(SledLedger::open(&scene.at("new"), fresh.clone(), OpenOptions { fork: true, ..options() }).unwrap());
    let refused = SledLedger::open(&scene.at("new"), scene.key(), options()).err().unwrap();
    assert!(matches!(refused, OpenError::Loss { .. }), "{refused}");
    let forked = SledLedger::open(&scene.at("new"), fresh.clone(), OpenOptions { fork: true, ..options() }).unwrap();
    assert_eq!(forked.head().size, 9);
    append_one(&forked, "log", b"forked").await;
    forked.close().await.unwrap();
    drop(forked);
    let again_key = fresh.clone();
    let again = SledLedger::open(&scene.at("new"), fresh, options()).unwrap();
    assert_eq!(again.head().size, 10);

    // The old origin's archive is not continued; the fork has its own, from which it is restored.
    let refused = Archive::follow(&scene.at("archive"), &again).err().unwrap();
    assert!(matches!(refused, ArchiveError::OtherLog { .. }), "{refused}");
    catch_up(&mut Archive::follow(&scene.at("fork-archive"), &again).unwrap(), &again);
    let before = everything(&again).await;
    again.close().await.unwrap();
    scene
        .restore_with("fork-new", |asked| {
            asked.from = scene.at("fork-archive");
            asked.key = again_key.clone();
        })
        .unwrap();
    let restored = SledLedger::open(&scene.at("fork-new"), again_key, options()).unwrap();
    assert!(everything(&restored).await == before);
}
