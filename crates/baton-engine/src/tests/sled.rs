//! The same on disk: what was acknowledged is there after the process is gone.

use std::path::Path;
use std::sync::Arc;

use baton_ledger::{Ledger, OpenOptions, SigningKey, SledLedger};

use super::world::*;
use crate::dump;

fn open(dir: &Path) -> Arc<dyn Ledger> {
    let options = OpenOptions { min_free_bytes: 0, ..OpenOptions::default() };
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
