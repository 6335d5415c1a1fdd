//! The same on disk: what was acknowledged is there after the process is gone.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use baton_ledger::{Ledger, OpenOptions, SigningKey, SledLedger, SyncPoint};

use super::world::*;
use crate::{Options, SubmitError, Writes, dump};

pub(super) fn open(dir: &Path) -> Arc<dyn Ledger> {
    open_with(dir, OpenOptions::default())
}

fn open_with(dir: &Path, options: OpenOptions) -> Arc<dyn Ledger> {
    let options = OpenOptions { min_free_bytes: 0, ballast_bytes: 0, ..options };
    let key = dir.join("signing-key");
    let key = SigningKey::read(&key).or_else(|_| SigningKey::create(&key, super::world::ORIGIN)).unwrap();
    Arc::new(SledLedger::open(dir, key, options).unwrap())
}

#[tokio::test]
async fn state_and_receipts_on_disk_survive_a_shutdown() {
    let dir = tempfile::tempdir().unwrap();
    let (before, first) = {
        let ledger = open(dir.path());
        begin(ledger.as_ref()).await;
        let engine = start(&ledger).await;
        let first = engine.submit(request(ADMIN, 7, first_commands())).await.unwrap();
        for _ in 0..20 {
            ask(&engine, vec![note("a note"), note("another")]).await.unwrap();
        }
        engine.shutdown().await.unwrap();
        (dump(&engine.snapshot()), first)
    };
    let engine = start(&open(dir.path())).await;
    assert_eq!(dump(&engine.snapshot()), before);
    let again = engine.submit(request(ADMIN, 7, first_commands())).await.unwrap();
    assert!(again.already_recorded);
    assert_eq!(again.entries, first.entries);
    ask(&engine, vec![note("and on")]).await.unwrap();
}

#[tokio::test]
async fn after_a_failed_sync_or_write_on_disk_requests_are_recorded_again_by_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let [sync, write] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
    let failing = |switch: &AtomicBool| match switch.load(Ordering::SeqCst) {
        true => Err(std::io::Error::from_raw_os_error(5)),
        false => Ok(()),
    };
    let (on_sync, on_write) = (sync.clone(), write.clone());
    let options = OpenOptions {
        sync_hook: Some(Arc::new(move |at| if at == SyncPoint::BeforeSync { failing(&on_sync) } else { Ok(()) })),
        write_hook: Some(Arc::new(move || failing(&on_write))),
        ..OpenOptions::default()
    };
    let ledger = open_with(dir.path(), options);
    begin(ledger.as_ref()).await;
    let options = Options { reopen_pause: Duration::from_millis(1), ..Options::default() };
    let engine = start_with(&ledger, options).await;
    engine.submit(request(ADMIN, 1, first_commands())).await.unwrap();
    for (id, switch) in [(2, &sync), (3, &write)] {
        let mut writes = engine.writes();
        switch.store(true, Ordering::SeqCst);
        let failed = engine.submit(request(ADMIN, id, vec![note("a note")])).await;
        assert!(matches!(failed, Err(SubmitError::OutcomeUnknown | SubmitError::NotWritten { .. })), "{failed:?}");
        switch.store(false, Ordering::SeqCst);
        writes.wait_for(|writes| *writes == Writes::Open).await.unwrap();
        // Found or recorded now, once either way.
        let answer = engine.submit(request(ADMIN, id, vec![note("a note")])).await.unwrap();
        let again = engine.submit(request(ADMIN, id, vec![note("a note")])).await.unwrap();
        assert_eq!(answer.entries, again.entries);
        assert!(again.already_recorded);
    }
    let shown = dump(&engine.snapshot());
    engine.shutdown().await.unwrap();
    drop((engine, ledger));
    assert_eq!(dump(&start(&open(dir.path())).await.snapshot()), shown);
}
