//! The machine: what becomes of each operation on its store and its two small files. They are in `devices`.

mod devices;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::blob::Contents;
use super::bugs::Bug;
use super::dice::Dice;
use super::store::Store;
use super::trace::Trace;
use crate::log::chunk::Chunk;
use crate::log::head_file::HeadFile;
use crate::log::scan::STORE_KEY;

use devices::{SimBlob, SimDisk, Still, Which, read};

/// How often operations go wrong, in a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// The machine stops before or after an operation.
    pub stops: u32,
    /// The machine stops while the store is synced.
    pub stops_in_sync: u32,
    /// A write fails, kept or not.
    pub failed_writes: u32,
    /// A sync fails.
    pub failed_syncs: u32,
    /// A read fails, once.
    pub failed_reads: u32,
    /// A read from the store brings a flipped bit, once.
    pub flipped_bits: u32,
    /// An append waits before it writes, until the writer is polled again: other things happen meanwhile.
    pub slow_appends: u32,
}

/// How a stopped machine comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// The power was gone, and the page cache with it.
    Power,
    /// Only the process ended.
    Process,
}

/// What went wrong so far, to know what may be blamed on faults and what a run has tried at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Operations of any kind.
    pub operations: u64,
    /// Stops in the middle of an operation.
    pub stops: u64,
    /// Restarts after power loss.
    pub power_losses: u64,
    /// Restarts of the process alone.
    pub kills: u64,
    /// Writes that failed.
    pub failed_writes: u64,
    /// Writes that failed because the disk was full, or were refused beforehand.
    pub full: u64,
    /// Syncs that failed.
    pub failed_syncs: u64,
    /// Reads that failed.
    pub failed_reads: u64,
    /// Reads with a flipped bit.
    pub flipped_bits: u64,
    /// Appends that waited.
    pub slow_appends: u64,
    /// Times that the log was opened again in place, after a failed write and after a failed sync.
    pub reopened: [u64; 2],
    /// Batches found without their end.
    pub torn_batches: u64,
    /// Ends of the store that went in silence.
    pub lost_ends: u64,
}

/// Looks at the world while an operation is under way.
type Watcher = Arc<dyn Fn() + Send + Sync>;

/// A simulated machine. Cloning gives another handle to the same one.
#[derive(Clone)]
pub struct Machine(Arc<Shared>);

struct Shared {
    inside: Mutex<Inside>,
    watcher: Mutex<Option<Watcher>>,
}

struct Inside {
    dice: Dice,
    faults: Faults,
    bug: Option<Bug>,
    trace: Trace,
    counts: Counts,
    down: bool,
    full: bool,
    /// A sync failed since the power last went: what the page cache returns proves nothing.
    sync_failed: bool,
    /// With [`Bug::PublishedBeforeSync`], syncs wait for this to end.
    syncs_deferred: bool,
    store: Store,
    head: Contents,
    keys: Contents,
    /// The nonce with which each key was used.
    keys_used: HashMap<[u8; 32], [u8; 24]>,
    violation: Option<String>,
}

impl Machine {
    /// A machine with empty disks that goes wrong by these dice. Lines of its trace are kept on demand:
    /// they cost more than the run.
    pub fn new(dice: Dice, bug: Option<Bug>, keep_lines: bool) -> Self {
        let inside = Inside {
            dice,
            faults: Faults::default(),
            bug,
            trace: Trace::new(keep_lines),
            counts: Counts::default(),
            down: false,
            full: false,
            sync_failed: false,
            syncs_deferred: false,
            store: Store::default(),
            head: Contents::default(),
            keys: Contents::default(),
            keys_used: HashMap::new(),
            violation: None,
        };
        Machine(Arc::new(Shared { inside: Mutex::new(inside), watcher: Mutex::new(None) }))
    }

    /// From now on operations go wrong this often; at first none does.
    pub fn set_faults(&self, faults: Faults) {
        self.inside().faults = faults;
    }

    /// From now on there is no space left, or there is again.
    pub fn set_full(&self, full: bool) {
        self.inside().full = full;
    }

    /// Calls this around every write and sync of the store, until it is told otherwise. It may read
    /// through the log, and sees what a reader sees at that moment.
    pub fn watch(&self, watcher: Option<Arc<dyn Fn() + Send + Sync>>) {
        *self.0.watcher.lock().unwrap_or_else(PoisonError::into_inner) = watcher;
    }

    /// Whether it has stopped. Then every operation fails, nothing has an effect any more, and whatever
    /// the process still does reaches nobody.
    pub fn is_down(&self) -> bool {
        self.inside().down
    }

    /// Stops it.
    pub fn stop(&self) {
        self.inside().down = true;
    }

    /// Comes back with what the disk kept. After a failed sync that was not healed in place the power goes, whatever is
    /// asked: the simulated log knows no other way to start from one.
    pub fn restart(&self, how: Restart) {
        let inside = &mut *self.inside();
        let forced = inside.sync_failed && inside.bug != Some(Bug::ReopenedAfterFailedSync);
        let how = if forced { Restart::Power } else { how };
        match how {
            Restart::Power => {
                inside.store.lose_power(&mut inside.dice);
                inside.head.lose_power(&mut inside.dice);
                inside.keys.lose_power(&mut inside.dice);
                inside.sync_failed = false;
                inside.counts.power_losses += 1;
            }
            Restart::Process => {
                inside.store.lose_process(&mut inside.dice);
                inside.counts.kills += 1;
            }
        }
        inside.down = false;
        inside.syncs_deferred = false;
        inside.trace.say(format_args!("restart after {how:?}"));
    }

    /// Takes the end of the store away, durable or not, from some place on that the head file covers.
    /// Says whether there was such a place.
    pub fn lose_end(&self) -> bool {
        let inside = &mut *self.inside();
        let Ok((_, noted)) = HeadFile::open(Box::new(Still(inside.head.view().to_owned()))) else { return false };
        let covered = noted.checkpoint.checkpoint().size.to_be_bytes();
        let keys = inside.store.pairs().into_iter().map(|(key, _)| key);
        let keys: Vec<Vec<u8>> = keys.filter(|key| key[..] != *STORE_KEY && key[..] < covered[..]).collect();
        if keys.is_empty() {
            return false;
        }
        let from = inside.dice.pick(&keys);
        inside.store.take_away(from, STORE_KEY);
        inside.counts.lost_ends += 1;
        inside.trace.say(format_args!("the store is lost from {from:02x?} on"));
        true
    }

    /// Puts back what [`lose_end`](Machine::lose_end) took, as a restored copy would.
    pub fn put_back_end(&self) {
        self.inside().store.put_back();
    }

    /// What went wrong so far.
    pub fn counts(&self) -> Counts {
        self.inside().counts
    }

    /// Something that the disk itself saw and that must never be.
    pub fn violation(&self) -> Option<String> {
        self.inside().violation.clone()
    }

    /// The bug that is planted.
    pub fn bug(&self) -> Option<Bug> {
        self.inside().bug
    }

    /// Adds a line to the trace.
    pub fn say(&self, what: fmt::Arguments<'_>) {
        self.inside().trace.say(what);
    }

    /// A hash of everything in the trace.
    pub fn trace_hash(&self) -> u64 {
        self.inside().trace.hash()
    }

    /// The lines of the trace, where they are kept.
    pub fn trace_lines(&self) -> Vec<String> {
        self.inside().trace.lines()
    }

    /// The storage engine lets go of the store and takes it up again: a beginning of what it held back is there.
    pub(super) fn take_up_store(&self) {
        let inside = &mut *self.inside();
        inside.store.lose_process(&mut inside.dice);
        inside.trace.say(format_args!("the store is taken up again"));
    }

    /// Everything that can be read is written to new files. They are synced before they take the place of the old ones.
    pub(super) fn write_anew(&self) -> io::Result<()> {
        self.operate(format_args!("write everything anew"), |inside| {
            inside.write(|_| {})?;
            if inside.sync_fails() {
                return Err(io::Error::other("a simulated sync error"));
            }
            inside.store.write_anew();
            inside.keys.write_anew();
            inside.head.write_anew();
            inside.sync_failed = false;
            Ok(())
        })
    }

    pub(super) fn reopened(&self, after_failed_sync: bool) {
        self.inside().counts.reopened[usize::from(after_failed_sync)] += 1;
    }

    /// Whether the append that begins is to wait for long.
    pub(super) fn append_waits(&self) -> bool {
        let inside = &mut *self.inside();
        let waits = inside.dice.chance(inside.faults.slow_appends);
        if waits {
            inside.counts.slow_appends += 1;
            inside.trace.say(format_args!("an append waits"));
        }
        waits
    }

    pub(super) fn found_torn(&self) {
        self.inside().counts.torn_batches += 1;
    }

    pub(super) fn defer_syncs(&self, deferred: bool) {
        self.inside().syncs_deferred = deferred;
    }

    /// Does something for which readers have to wait.
    pub(super) fn unwatched<T>(&self, act: impl FnOnce() -> T) -> T {
        let watcher = || self.0.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = watcher().take();
        let result = act();
        *watcher() = waiting;
        result
    }

    /// Lets the watcher look.
    pub(super) fn look(&self) {
        let watcher = self.0.watcher.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(watcher) = watcher {
            watcher();
        }
    }

    pub(super) fn disk(&self) -> SimDisk {
        SimDisk(self.clone())
    }

    pub(super) fn head_file(&self) -> SimBlob {
        SimBlob { machine: self.clone(), which: Which::Head }
    }

    pub(super) fn key_file(&self) -> SimBlob {
        SimBlob { machine: self.clone(), which: Which::Keys }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One operation: the machine may stop on either side of it.
    fn operate<T>(&self, what: fmt::Arguments<'_>, act: impl FnOnce(&mut Inside) -> io::Result<T>) -> io::Result<T> {
        let inside = &mut *self.inside();
        if inside.down {
            return Err(gone());
        }
        inside.counts.operations += 1;
        let stops = inside.dice.chance(inside.faults.stops);
        let before = stops && inside.dice.chance(500);
        let result = if before { Err(gone()) } else { act(inside) };
        let how = match &result {
            _ if before => "stopped before it",
            _ if stops => "stopped after it",
            Ok(_) => "done",
            Err(_) => "failed",
        };
        inside.trace.say(format_args!("{what}: {how}"));
        if stops {
            inside.down = true;
            inside.counts.stops += 1;
            return Err(gone());
        }
        result
    }
}

impl Inside {
    /// A write of something; `write` makes it.
    fn write(&mut self, write: impl FnOnce(&mut Self)) -> io::Result<()> {
        if self.full && self.dice.chance(700) {
            self.counts.full += 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        if self.dice.chance(self.faults.failed_writes) {
            self.counts.failed_writes += 1;
            if self.dice.chance(500) {
                write(self);
            }
            return Err(io::Error::other("a simulated write error"));
        }
        write(self);
        Ok(())
    }

    /// Whether a sync fails.
    fn sync_fails(&mut self) -> bool {
        let fails = self.dice.chance(self.faults.failed_syncs);
        if fails {
            self.counts.failed_syncs += 1;
            self.sync_failed = true;
        }
        fails
    }

    fn sync_store(&mut self) -> io::Result<()> {
        if !self.sync_fails() {
            self.store.sync();
            return Ok(());
        }
        self.store.fail_sync(&mut self.dice);
        if self.bug == Some(Bug::SyncErrorIgnored) { Ok(()) } else { Err(io::Error::other("a simulated sync error")) }
    }

    /// Stops now and then when everything is written and nothing of it durable, where most could be lost.
    fn stop_in_sync(&mut self) -> io::Result<()> {
        if self.dice.chance(self.faults.stops_in_sync) {
            self.down = true;
            self.counts.stops += 1;
            return Err(gone());
        }
        Ok(())
    }

    fn read(&mut self) -> io::Result<()> {
        if self.dice.chance(self.faults.failed_reads) {
            self.counts.failed_reads += 1;
            return Err(io::Error::other("a simulated read error"));
        }
        Ok(())
    }

    /// Flips a bit now and then.
    fn rot(&mut self, value: &mut [u8]) {
        if self.dice.chance(self.faults.flipped_bits) && !value.is_empty() {
            self.counts.flipped_bits += 1;
            let at = self.dice.below(value.len() as u64) as usize;
            value[at] ^= 1 << self.dice.below(8);
        }
    }

    /// A key is for one disclosure, for ever: even one that a lost batch used.
    fn check_keys(&mut self, value: &[u8]) {
        let Ok(chunk) = Chunk::decode(value) else { return };
        for sealed in chunk.entries.into_iter().filter_map(|entry| entry.sealed) {
            let mut key = [0; 32];
            let found = read(self.keys.view(), &mut key, (sealed.slot + 1) * 32);
            if found.is_err() || *self.keys_used.entry(key).or_insert(sealed.nonce) != sealed.nonce {
                self.violation = Some(format!("the key in slot {} was used for two disclosures", sealed.slot));
            }
        }
    }

    /// With [`Bug::KeySlotReused`], of keys only those are written that are not there yet.
    fn write_file(&mut self, which: Which, bytes: &[u8], offset: u64) {
        let there = self.file(which).view().len() as u64;
        let kept = match (which, self.bug) {
            (Which::Keys, Some(Bug::KeySlotReused)) if bytes.len() > 32 => there.saturating_sub(offset).min(bytes.len() as u64),
            _ => 0,
        };
        self.file(which).write(&bytes[kept as usize..], offset + kept);
    }

    fn file(&mut self, which: Which) -> &mut Contents {
        match which {
            Which::Head => &mut self.head,
            Which::Keys => &mut self.keys,
        }
    }
}

fn gone() -> io::Error {
    io::Error::other("the simulated machine is down")
}
