//! Whether a log may go on from what a store holds: nothing acknowledged missing, nothing signed
//! twice, the keys of this store, and no torn end left behind.
//!
//! The rules of the guarded open that need no file system; `sled/open.rs` and the simulation go
//! through the same ones, whether all records were read or a snapshot was taken up. Nothing is changed but
//! the removal of a torn batch, which was never acknowledged and which the caller has copied aside.

use super::chunk::Chunk;
use super::head_file::Noted;
use super::keys::{BLOCK, KeyFile, Slots};
use super::scan::{Durable, STORE_KEY, Scan, StoreValue, scan};
use super::succession::{KeyChange, NotTheKey, ReadSuccession, may_sign, no_succession};
use crate::bounds::MAX_BATCH_RECORDS;
use crate::head::Head;
use crate::proof::{SignedCheckpoint, SigningKey};
use crate::storage::{Disk, Fault, Visitor};

/// Digested under the key file's own key and kept in the store, to know a foreign key file.
const KEY_CHECK: &[u8] = b"baton-ledger key check";

/// Why a log may not go on.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The store cannot be read, or is not sound.
    Store(Fault),
    /// The store ends before what was noted beside it.
    Loss {
        /// Where the store ends.
        store: Head,
        /// Where it must at least reach.
        noted: Head,
    },
    /// The checkpoints are those of another key.
    WrongKey {
        /// The origin of the newest checkpoint.
        found: String,
    },
    /// The log changed its key, and this is not the new one.
    Retired(Box<KeyChange>),
}

/// What an open asks of a store besides being sound.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// Checkpoints of another key are accepted once, and a store that ends before the one noted, so that a new
    /// origin can begin after them.
    pub(crate) fork: bool,
    /// What leaves say of keys.
    pub(crate) read_succession: ReadSuccession,
}

/// Reads all of a store and says whether this key may go on from it.
///
/// Never to be signed is a tree that is smaller than, or inconsistent with, the checkpoint noted
/// beside the store.
pub(crate) fn load(disk: &dyn Disk, key: &SigningKey, noted: Option<&Noted>, rules: Rules) -> Result<Scan, Refusal> {
    let empty = SignedCheckpoint::sign(key, Head::EMPTY.size, Head::EMPTY.root);
    let scan = walk(|visitor| disk.visit(visitor), empty, rules.read_succession)?;
    allow(scan, key, noted, rules)
}

/// As [`load`], from what a snapshot says that the store holds: of the records only the last are read, to see that the
/// store ends there, in the same checkpoint.
pub(crate) fn take_up(
    disk: &dyn Disk,
    key: &SigningKey,
    noted: Option<&Noted>,
    rules: Rules,
    durable: Durable,
) -> Result<Scan, Refusal> {
    let store_value = read_end(disk, &durable).map_err(Refusal::Store)?;
    let next_slot = durable.next_slot;
    let scan = of_its_records(Scan { durable, torn: Vec::new(), next_slot, store_value })?;
    allow(scan, key, noted, rules)
}

/// The store's own value, if the store ends as it is said to.
fn read_end(disk: &dyn Disk, durable: &Durable) -> Result<Option<StoreValue>, Fault> {
    let damage = |why: &str| Fault::Damage(why.to_owned());
    if let Some(first) = durable.chunks.last() {
        let bytes = disk.get(&first.0.to_be_bytes())?.ok_or_else(|| damage("its last chunk is missing"))?;
        let chunk = Chunk::decode(&bytes).map_err(Fault::Damage)?;
        if chunk.first != *first || chunk.checkpoint.as_ref() != Some(durable.index.checkpoint()) {
            return Err(damage("it does not end in the checkpoint of the snapshot"));
        }
    }
    if disk.get(&durable.index.next().0.to_be_bytes())?.is_some() {
        return Err(damage("it goes on after the end of the snapshot"));
    }
    let decode = |bytes: Vec<u8>| StoreValue::decode(&bytes).ok_or_else(|| damage("the store's own value is damaged"));
    disk.get(STORE_KEY)?.map(decode).transpose()
}

/// Whether this key may go on from what was found.
fn allow(scan: Scan, key: &SigningKey, noted: Option<&Noted>, rules: Rules) -> Result<Scan, Refusal> {
    if !rules.fork {
        let newest = scan.durable.index.checkpoint();
        may_sign(key, &scan.durable.key_changes, newest, noted).map_err(|why| match why {
            // The right name under a wrong signature is no other log but a changed one, or another key of its name.
            NotTheKey::Foreign => Refusal::WrongKey { found: newest.checkpoint().origin.clone() },
            NotTheKey::Retired(change) => Refusal::Retired(change),
            NotTheKey::OneSided(change) => Refusal::Store(Fault::Damage(format!(
                "the change of its key at position {} is not signed by both keys",
                change.position
            ))),
        })?;
    }
    let forks_after = rules.fork.then(|| before_fork(&scan, noted, |checkpoint| checkpoint.is_signed_by(key)));
    hold_against(noted, scan, forks_after)
}

/// How many records of a log that forks the old origin can have signed: not the last, which says so, if a fork that was
/// cut short left it there under its key and nothing was noted since.
fn before_fork(scan: &Scan, noted: Option<&Noted>, is_its: impl Fn(&SignedCheckpoint) -> bool) -> u64 {
    let newest = scan.durable.index.checkpoint();
    let recorded = is_its(newest) && !noted.is_some_and(|noted| is_its(&noted.checkpoint));
    newest.checkpoint().size.saturating_sub(u64::from(recorded))
}

/// As [`load`], without a key: whose checkpoints these are is not asked. For those who only look. `forking` is the public
/// key of a fork that was cut short.
pub(crate) fn read(
    visit: impl FnOnce(&mut Visitor<'_>) -> Result<(), Fault>,
    empty: SignedCheckpoint,
    noted: Option<&Noted>,
    forking: Option<&str>,
) -> Result<Scan, Refusal> {
    let scan = walk(visit, empty, no_succession)?;
    let is_its = |checkpoint: &SignedCheckpoint| forking.is_some_and(|key| checkpoint.bears_signature_of(key));
    let recorded = is_its(scan.durable.index.checkpoint());
    let forks_after = recorded.then(|| before_fork(&scan, noted, is_its));
    hold_against(noted, scan, forks_after)
}

/// Reads all of a store; its newest checkpoint is that of its records.
fn walk(
    visit: impl FnOnce(&mut Visitor<'_>) -> Result<(), Fault>,
    empty: SignedCheckpoint,
    read_succession: ReadSuccession,
) -> Result<Scan, Refusal> {
    of_its_records(scan(visit, empty, read_succession).map_err(Refusal::Store)?)
}

/// The newest checkpoint has the root of the tree.
fn of_its_records(scan: Scan) -> Result<Scan, Refusal> {
    let index = &scan.durable.index;
    match index.head().root == index.tree().root() {
        true => Ok(scan),
        false => damaged(format!("its newest checkpoint, of size {}, is not that of its records", index.head().size)),
    }
}

/// What was noted beside the store is the beginning of it; of a log that forks, as far as the old origin went.
fn hold_against(noted: Option<&Noted>, scan: Scan, forks_after: Option<u64>) -> Result<Scan, Refusal> {
    let index = &scan.durable.index;
    let noted = noted.map_or(Head::EMPTY, |noted| noted.checkpoint.checkpoint().into());
    // The fork's first record names the checkpoint that the store falls short of.
    if forks_after.is_some_and(|size| size < noted.size) {
        return Ok(scan);
    }
    match index.tree().root_at(noted.size) {
        Ok(root) if root == noted.root => Ok(scan),
        Ok(_) => damaged(format!("its first {} records are not those acknowledged", noted.size)),
        Err(_) => Err(Refusal::Loss { store: index.head(), noted }),
    }
}

/// The digest by which the key file of a log is known.
pub(crate) fn key_check(keys: &KeyFile) -> [u8; 32] {
    keys.keyed_digest(KEY_CHECK)
}

fn damaged(why: String) -> Result<Scan, Refusal> {
    Err(Refusal::Store(Fault::Damage(why)))
}

/// The key file of this store, or why it is not; the text completes "cannot be used because".
pub(crate) fn check_keys(keys: &KeyFile, scan: &Scan) -> Result<(), String> {
    let slots = keys.slots().map_err(|error| error.to_string())?;
    if slots < scan.next_slot {
        return Err(format!("it has {slots} slots and the store uses {}", scan.next_slot));
    }
    match &scan.store_value {
        Some(value) if value.key_check != key_check(keys) => Err("it belongs to another store".to_owned()),
        _ => Ok(()),
    }
}

/// The slots from which an append takes: above the highest in use, and after an unclean stop above
/// those that a batch which left no trace may have used.
pub(crate) fn slots(keys: &KeyFile, scan: &Scan, noted: Option<&Noted>) -> std::io::Result<Slots> {
    let next = match noted {
        Some(Noted { clean: false, .. }) => scan.next_slot + MAX_BATCH_RECORDS as u64,
        _ => scan.next_slot,
    };
    let mut slots = Slots::continue_at(next);
    slots.ensure(keys, BLOCK)?;
    Ok(slots)
}

/// Removes a batch whose end is missing: it was never acknowledged. From its end, so that a crash on
/// the way leaves a torn batch again. Durable with [`prove_sync`].
pub(crate) fn remove_torn(disk: &dyn Disk, scan: &Scan) -> Result<(), Fault> {
    scan.torn.iter().rev().try_for_each(|(position, _)| disk.remove(&position.0.to_be_bytes()))
}

/// Writes the store's own value and syncs, which also makes a removed torn batch durable, and says
/// whether that sync was a real one.
pub(crate) fn prove_sync(disk: &dyn Disk, keys: &KeyFile, scan: &Scan) -> std::io::Result<bool> {
    // A value that is there already might not be written, so each open needs another one.
    let opens = scan.store_value.as_ref().map_or(0, |value| value.opens) + 1;
    let value = StoreValue { opens, key_check: key_check(keys) };
    disk.put(STORE_KEY, value.encode())?;
    disk.prove_sync()
}
