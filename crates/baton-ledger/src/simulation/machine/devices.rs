//! What a log is given of a machine: its store and its small files, each operation of which may go wrong.

use std::io;

use super::{Bug, Machine};
use crate::storage::{Blob, Disk, Fault, Visitor};

/// The store of a machine.
pub(in crate::simulation) struct SimDisk(pub(super) Machine);

impl Disk for SimDisk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let value = self.0.operate(format_args!("get {key:02x?}"), |inside| {
            inside.read()?;
            let mut value = inside.store.get(key).cloned();
            value.as_mut().into_iter().for_each(|value| inside.rot(value));
            Ok(value)
        });
        value.map_err(Fault::Io)
    }

    fn put(&self, key: &[u8], value: Vec<u8>) -> Result<(), Fault> {
        self.0.look();
        let what = format_args!("put {key:02x?}, {} bytes", value.len());
        let put = self.0.operate(what, |inside| {
            inside.check_keys(&value);
            inside.write(|inside| inside.store.change(key, Some(value)))
        });
        put.map_err(Fault::Io)
    }

    fn remove(&self, key: &[u8]) -> Result<(), Fault> {
        let removed =
            self.0.operate(format_args!("remove {key:02x?}"), |inside| inside.write(|inside| inside.store.change(key, None)));
        removed.map_err(Fault::Io)
    }

    fn visit(&self, visitor: &mut Visitor<'_>) -> Result<(), Fault> {
        let pairs = self.0.operate(format_args!("visit"), |inside| {
            inside.read()?;
            let mut pairs = inside.store.pairs();
            pairs.iter_mut().for_each(|(_, value)| inside.rot(value));
            Ok(pairs)
        });
        pairs.map_err(Fault::Io)?.iter().try_for_each(|(key, value)| visitor(key, value).map_err(Fault::Damage))
    }

    fn sync(&self) -> io::Result<()> {
        self.0.look();
        let synced = self.0.operate(format_args!("sync"), |inside| {
            inside.stop_in_sync()?;
            match inside.bug {
                Some(Bug::AcknowledgedBeforeSync) => Ok(()),
                Some(Bug::PublishedBeforeSync) if inside.syncs_deferred => Ok(()),
                _ => inside.sync_store(),
            }
        });
        self.0.look();
        synced
    }

    fn prove_sync(&self) -> io::Result<bool> {
        self.0.operate(format_args!("prove sync"), |inside| match inside.bug {
            Some(Bug::OpenedWithoutSync) => Ok(true),
            _ => inside.sync_store().map(|()| true),
        })
    }

    fn sync_failed(&self) -> bool {
        self.0.inside().sync_failed
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.0.operate(format_args!("free space"), |inside| {
            inside.read()?;
            // A disk may fill up between the question and the write.
            let said = inside.full && inside.dice.chance(500);
            inside.counts.full += u64::from(said);
            Ok(if said { 0 } else { u64::MAX })
        })
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Which {
    Head,
    Keys,
}

/// A small file of a machine.
pub(in crate::simulation) struct SimBlob {
    pub(super) machine: Machine,
    pub(super) which: Which,
}

impl Blob for SimBlob {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let which = self.which;
        self.machine.operate(format_args!("read {which:?} at {offset}"), |inside| {
            inside.read()?;
            read(inside.file(which).view(), bytes, offset)
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let which = self.which;
        let what = format_args!("write {which:?} at {offset}, {} bytes", bytes.len());
        self.machine.operate(what, |inside| inside.write(|inside| inside.write_file(which, bytes, offset)))
    }

    fn sync(&self) -> io::Result<()> {
        let which = self.which;
        self.machine.operate(format_args!("sync {which:?}"), |inside| {
            if !inside.sync_fails() {
                inside.file(which).sync();
                return Ok(());
            }
            let file = match which {
                Which::Head => &mut inside.head,
                Which::Keys => &mut inside.keys,
            };
            file.fail_sync(&mut inside.dice);
            Err(io::Error::other("a simulated sync error"))
        })
    }

    fn len(&self) -> io::Result<u64> {
        let which = self.which;
        self.machine.operate(format_args!("length of {which:?}"), |inside| Ok(inside.file(which).view().len() as u64))
    }
}

/// Bytes to read a file from without any fault.
pub(super) struct Still(pub(super) Vec<u8>);

impl Blob for Still {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        read(&self.0, bytes, offset)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }
}

pub(super) fn read(file: &[u8], bytes: &mut [u8], offset: u64) -> io::Result<()> {
    let from = usize::try_from(offset).unwrap_or(usize::MAX);
    let found = file.get(from..from.saturating_add(bytes.len())).ok_or(io::ErrorKind::UnexpectedEof)?;
    bytes.copy_from_slice(found);
    Ok(())
}
