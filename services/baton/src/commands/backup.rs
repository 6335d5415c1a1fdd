//! `baton backup`: a copy of the log from a running server, or of a key file.
//!
//! The server streams what it stores; here every chunk is checked, the tree is built again from the
//! leaves, and each batch's checkpoint must be the one of that tree. Its own checkpoint is written last: what
//! ends before its end has none, so that no restore takes it.

use super::Context;
use super::restore::refused;
use crate::args::{Backup, Format};
use crate::exit::Failure;
use baton_ledger::archive::{Archive, ArchiveError, copy_keys};
use baton_ledger::{RawChunk, SignedCheckpoint, Tree};
use baton_proto::v1 as proto;
use serde_json::json;
use std::path::Path;

/// After how many bytes of chunks the tree over them is written, so that they need not be held.
const STEP_BYTES: usize = 8 * 1024 * 1024;

pub(super) async fn run(cx: &mut Context, args: &Backup) -> Result<(), Failure> {
    if let (true, Some(data)) = (args.keys, &args.data) {
        return keys(cx, data, &args.out);
    }
    let trusted = args.trust.as_deref().map(super::restore::trust).transpose()?;
    let client = cx.connect().await?;
    let request = proto::BackupRequest { to_position: args.to };
    let mut stream = client.admin().backup(request).await?.into_inner();
    let mut backup: Option<Writing> = None;
    let bar = cx.progress(0);
    while let Some(item) = stream.message().await? {
        bar.set_length(item.size);
        bar.set_position(item.next_position.min(item.size));
        let writing = match &mut backup {
            Some(writing) => writing,
            none => none.insert(Writing::begin(&args.out, &item.key_check)?),
        };
        writing.take(item.chunk)?;
    }
    bar.finish_and_clear();
    let Some(writing) = backup else { return Err(Failure::Unavailable("the server sent nothing".to_owned())) };
    let checkpoint = writing.end()?;
    if let Some(trusted) = trusted {
        let signed = trusted.verify(checkpoint.note().as_bytes());
        signed
            .map_err(|error| Failure::Refused(format!("the backup in {} is not to be relied on: {error}", args.out.display())))?;
    }
    let size = checkpoint.checkpoint().size;
    match cx.out.format {
        Format::Table => {
            cx.out.line(format!("Backed up {size} events of {} to {}.", checkpoint.checkpoint().origin, args.out.display()))?;
            cx.out
                .line("It holds no keys. Copy the key file now, and keep it elsewhere: baton backup --keys --data DIR --out FILE")
        }
        _ => cx.out.json(&json!({
            "out": args.out, "origin": checkpoint.checkpoint().origin, "size": size, "checkpoint": checkpoint.note(),
        })),
    }
}

fn keys(cx: &mut Context, data: &Path, out: &Path) -> Result<(), Failure> {
    let copy = copy_keys(data, out).map_err(refused)?;
    match cx.out.format {
        Format::Table => cx.out.line(format!(
            "Copied the key file with {} slots to {}. Keep it apart from backups.",
            copy.slots,
            out.display()
        )),
        _ => cx.out.json(&json!({ "out": out, "slots": copy.slots })),
    }
}

/// A backup under way.
struct Writing {
    archive: Archive,
    tree: Tree,
    /// The newest end of a batch.
    checkpoint: Option<SignedCheckpoint>,
    /// Bytes of chunks that the tree does not hold yet.
    ahead: usize,
}

impl Writing {
    fn begin(out: &Path, key_check: &[u8]) -> Result<Self, Failure> {
        let key_check =
            key_check.try_into().map_err(|_| Failure::Unavailable("the server sent no key check of 32 bytes".to_owned()))?;
        let archive = Archive::begin(out, key_check).map_err(failed)?;
        Ok(Self { archive, tree: Tree::new(), checkpoint: None, ahead: 0 })
    }

    fn take(&mut self, bytes: Vec<u8>) -> Result<(), Failure> {
        let damaged = |why: &str| Failure::Damage(format!("what the server sent is damaged ({why}); the backup is not complete"));
        self.ahead += bytes.len();
        let chunk = RawChunk::check(bytes).map_err(|why| damaged(&why))?;
        chunk.grow(&mut self.tree);
        self.archive.append(&chunk).map_err(failed)?;
        let Some(checkpoint) = chunk.checkpoint() else { return Ok(()) };
        if checkpoint.checkpoint().size != self.tree.size() || checkpoint.checkpoint().root != self.tree.root() {
            return Err(damaged("a checkpoint is not that of the records before it"));
        }
        self.checkpoint = Some(checkpoint.clone());
        if self.ahead < STEP_BYTES {
            return Ok(());
        }
        self.ahead = 0;
        let tree = &self.tree;
        self.archive.grow(|old, new| tree.tiles(old, new)).map_err(failed)
    }

    /// Everything came, up to the end of a batch.
    fn end(mut self) -> Result<SignedCheckpoint, Failure> {
        let tree = &self.tree;
        self.archive.cover(|old, new| tree.tiles(old, new)).map_err(failed)?;
        match self.checkpoint {
            Some(checkpoint) if self.archive.next().0 == self.archive.size() => Ok(checkpoint),
            _ => Err(Failure::Unavailable("the server ended in the middle of a batch; take the backup again".to_owned())),
        }
    }
}

fn failed(error: ArchiveError) -> Failure {
    match error {
        ArchiveError::Io { .. } => Failure::Unavailable(error.to_string()),
        _ => Failure::Refused(error.to_string()),
    }
}
