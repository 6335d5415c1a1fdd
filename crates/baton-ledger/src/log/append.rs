//! The write path: check, write, sync, publish, answer.
//!
//! **Durable when?** After the sync, marked below as the point of no return.
//! **Ordered how?** One writer at a time, under a lock; the storage engine's log keeps the order
//! of inserts and recovers a prefix of them.
//! **Who retries?** The caller, by request key; nothing is repeated here.
//! **After a crash?** Before the sync the batch is there as a whole (its last chunk, with the checkpoint,
//! was kept) or removed as a whole at the next open. After it, it is there.
//!
//! The chunks of a batch are plain inserts and not a batch of the storage engine: that would write
//! and sync a manifest first, so cost a second sync, and give only what the checkpoint in the last chunk
//! gives already. An append makes exactly one sync of the store, and one more when the engine
//! happens to fill one of its 8 MiB segments. Once in a thousand disclosures the key file is
//! extended and synced before that.

use std::io;

use super::chunk::{Chunk, Entry, Request};
use super::health::Failed;
use super::{Log, Writer, succession};
use crate::contract::{Appended, AppendedRecord, Batch};
use crate::error::AppendError;
use crate::proof::SignedCheckpoint;
use crate::storage::{Disk, is_full};

impl Log {
    pub(crate) fn append_now(&self, mut batch: Batch) -> Result<Appended, AppendError> {
        let mut writer = self.writer();
        if writer.closed {
            return Err(AppendError::Closed);
        }
        self.health.check()?;
        let (admitted, extension, tiles) = {
            let durable = self.durable();
            let admitted = durable.index.admit(&batch)?;
            let extension = durable.index.extension(&admitted);
            let tiles = durable.index.tree().completed_by(&extension);
            (admitted, extension, tiles)
        };
        let disk = self.disk().map_err(|source| AppendError::Io { what: "reach the store", source })?;
        self.check_space(&*disk)?;
        let entries = self.seal(&mut writer, &mut batch, &admitted)?;
        let slots = entries.iter().filter_map(|entry| entry.sealed.as_ref()).map(|sealed| sealed.slot + 1).max();
        // Signed before it is durable, and shown to nobody before that. Should the batch be lost, the
        // same size may be signed again with another root; the first signature has then left no trace.
        let checkpoint = SignedCheckpoint::sign(&self.key, extension.size(), extension.root());
        let chunks = Chunk::pack(batch.at, entries, tiles, checkpoint.clone());

        self.write(&*disk, &chunks)?;
        self.sync(&*disk)?;
        // ---- Point of no return: from here on a crash recovers to "done". ----
        {
            let mut durable = self.durable_mut();
            durable.index.apply(&batch, &admitted, extension, checkpoint.clone());
            durable.chunks.extend(chunks.iter().map(|chunk| chunk.first));
            durable.next_slot = slots.map_or(durable.next_slot, |next| next.max(durable.next_slot));
            for (place, entry) in admitted.iter().zip(chunks.iter().flat_map(|chunk| &chunk.entries)) {
                if let Some(said) = (self.read_succession)(&entry.stream, &entry.leaf) {
                    succession::take(&mut durable.key_changes, said, place.position, &checkpoint);
                }
            }
        }
        self.checkpoints.send_replace(checkpoint.clone());
        Ok(Appended { first: batch.at, records: admitted, checkpoint })
    }

    /// Refuses beforehand when the disk is nearly full: the one refusal of a full disk after which
    /// it is certain that nothing was written, and that ends by itself.
    fn check_space(&self, disk: &dyn Disk) -> Result<(), AppendError> {
        let free = disk.free_bytes().map_err(|source| AppendError::Io { what: "ask for free disk space", source })?;
        if free < self.min_free_bytes {
            return Err(AppendError::Full { nothing_written: true });
        }
        Ok(())
    }

    /// The entries to store, disclosures encrypted under slots that are synced already. Leaves go from the batch into them.
    fn seal(&self, writer: &mut Writer, batch: &mut Batch, admitted: &[AppendedRecord]) -> Result<Vec<Entry>, AppendError> {
        let disclosures = batch.records().filter(|record| record.disclosure.is_some()).count();
        let keys = self.keys();
        writer.slots.ensure(&keys, disclosures as u64).map_err(|error| self.keys_failed(error))?;
        let mut entries = Vec::with_capacity(admitted.len());
        let mut places = admitted.iter();
        for set in &mut batch.sets {
            let count = set.records.len() as u32;
            let mut request = set.request.clone().map(|key| Request { key, digest: set.digest, count });
            for (record, place) in set.records.iter_mut().zip(places.by_ref()) {
                let sealed = record.disclosure.as_ref().map(|plaintext| writer.slots.seal(&place.leaf_hash, plaintext));
                entries.push(Entry {
                    stream: place.stream.clone(),
                    revision: place.revision,
                    request: request.take(),
                    leaf_hash: place.leaf_hash,
                    leaf: std::mem::take(&mut record.leaf),
                    sealed,
                });
            }
        }
        Ok(entries)
    }

    fn keys_failed(&self, source: io::Error) -> AppendError {
        // Space is taken before anything is written, so nothing was: the next append tries again.
        if is_full(&source) {
            return AppendError::Full { nothing_written: true };
        }
        // A sync that failed once may report success the next time without having synced.
        self.health.poison(Failed::Sync, format!("the key file cannot be extended: {source}"));
        AppendError::Io { what: "extend the key file", source }
    }

    fn write(&self, disk: &dyn Disk, chunks: &[Chunk]) -> Result<(), AppendError> {
        for (number, chunk) in chunks.iter().enumerate() {
            if let Err(fault) = disk.put(&chunk.first.0.to_be_bytes(), chunk.encode()) {
                // Without its last chunk the batch is torn, and the next open removes it.
                let certain = number + 1 < chunks.len();
                return Err(self.write_failed(disk, fault.into(), certain));
            }
        }
        Ok(())
    }

    fn sync(&self, disk: &dyn Disk) -> Result<(), AppendError> {
        // Even a write that failed may have left the whole batch in the page cache.
        disk.sync().map_err(|error| self.write_failed(disk, error, false))
    }

    fn write_failed(&self, disk: &dyn Disk, source: io::Error, nothing_written: bool) -> AppendError {
        let why = format!("records could not be written: {source}");
        let failed = match disk.sync_failed() {
            true => Failed::Sync,
            false if is_full(&source) => Failed::Full,
            false => Failed::Write,
        };
        self.health.poison(failed, why.clone());
        match nothing_written {
            // Nothing of the batch will be found, but appends do not work again by themselves, which is
            // what `nothing_written` says of a full disk.
            _ if is_full(&source) => AppendError::Full { nothing_written: false },
            true => AppendError::Io { what: "write records", source },
            false => AppendError::OutcomeUnknown { why },
        }
    }
}
