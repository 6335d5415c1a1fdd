//! ExportBundle: the log as evidence, file by file.
//!
//! A bundle is made at one checkpoint, which is taken first; what is recorded meanwhile is not in it.
//! Memory is bounded by one entry bundle and what waits in the channel: a slow reader is waited for.
//! Nothing in a bundle is to be trusted, and no key is in it; `baton verify` checks it from outside.
//!
//! | File | |
//! |---|---|
//! | `checkpoint`, `tile/…` | the whole log: see [`baton_ledger::bundle`] |
//! | `leaves/<index>.json`, `proofs/<index>.tlog-proof` | one transition: the leaves verbatim, each with its receipt at the checkpoint |
//! | `disclosures/<index>.json` | what opens the commitments of a leaf: `{"/payload/note": {"salt": HEX, "value": WORDS}}` |
//! | `checkpoints/<size>.note` | older checkpoints, at most [`OLDER`], and those that cover a change of the log's key |
//! | `checkpoints/<size>.consistency` | one transition: the proof from that size, a hash in hexadecimal a line |
//! | `bundle.json` | what was asked and what is in it; the last file |

mod manifest;
mod send;
mod transition;
mod whole;

use super::Service;
use crate::parse::FieldViolation;
use crate::{parse, status};
use baton_domain::state::State;
use baton_domain::values::Position;
use baton_ledger::{Disclosure, SignedCheckpoint, StoredRecord};
use baton_proto::v1 as proto;
use manifest::Manifest;
use send::{Ended, Sender};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// How many pieces wait for a slow reader: with pieces of 256 KiB, 2 MiB.
const WAITING: usize = 8;

/// Most older checkpoints in a bundle: enough to see that the log only grew, few enough to be read.
pub(super) const OLDER: u64 = 32;

impl Service {
    /// Begins a bundle; the rest is made while it is read.
    pub(super) async fn bundle(
        &self,
        sent: &proto::ExportBundleRequest,
    ) -> Result<ReceiverStream<Result<proto::ExportBundleResponse, Status>>, Status> {
        let asked = parse::export_bundle(sent).map_err(status::invalid)?;
        let state = self.state(asked.min_position).await?;
        let with_words = sent.with_words;
        let checkpoint = match sent.tree_size {
            None => self.engine.checkpoint(),
            Some(size) => self.checkpoint_at(size, &state).await?,
        };
        let size = checkpoint.checkpoint().size;
        if sent.from_sizes.len() as u64 > OLDER || sent.from_sizes.iter().any(|from| !(1..=size).contains(from)) {
            let description = format!("holds more than {OLDER} sizes, or one that is not 1 to {size}");
            return Err(status::invalid(vec![FieldViolation { field: "from_sizes".to_owned(), description }]));
        }
        let from_sizes = sent.from_sizes.clone();
        if let Some(id) = asked.transition.as_ref().filter(|id| !state.transitions.contains_key(*id)) {
            return Err(status::not_found("transition", id));
        }
        let (channel, receiver) = mpsc::channel(WAITING);
        let service = self.clone();
        tokio::spawn(async move {
            let mut sender = Sender::new(channel, size, service.stopping.clone());
            let mut manifest = Manifest::new(checkpoint.checkpoint(), asked.transition.as_ref(), with_words);
            let made = match &asked.transition {
                None => service.whole(&mut sender, &checkpoint, &mut manifest).await,
                Some(id) => service.one_transition(&mut sender, &checkpoint, id, &from_sizes, &mut manifest).await,
            };
            let made = match made {
                Ok(()) => finish(&mut sender, &checkpoint, &manifest).await,
                failed => failed,
            };
            if let Err(Ended::Failed(status)) = made {
                sender.fail(*status).await;
            }
        });
        Ok(ReceiverStream::new(receiver))
    }

    /// The checkpoint of this size, if the log signed one and what is left of the words can be explained by it.
    async fn checkpoint_at(&self, size: u64, state: &State) -> Result<SignedCheckpoint, Status> {
        let refuse =
            |description: String| Err(status::invalid(vec![FieldViolation { field: "tree_size".to_owned(), description }]));
        let Some(last) = size.checked_sub(1) else { return refuse("is not a size from 1 on".to_owned()) };
        let receipt = self.engine.receipt(Position(last)).await.map_err(|error| status::read(&error))?;
        let Some(signed) = receipt.map(|receipt| receipt.checkpoint) else {
            return refuse(format!("is more than the {} events of the log", state.size));
        };
        if signed.checkpoint().size != size {
            let next = signed.checkpoint().size;
            return refuse(format!("is not the size of a checkpoint; the next one is of size {next}"));
        }
        match state.erased.values().find(|by| by.0 >= size) {
            Some(by) => refuse(format!("is of before words were erased by event {by}, which a bundle of it could not explain")),
            None => Ok(signed),
        }
    }

    /// What lies beside a leaf, if it was asked for and can be read.
    async fn disclose(&self, sender: &mut Sender, record: &StoredRecord, manifest: &mut Manifest) -> Result<(), Ended> {
        match &record.disclosure {
            Disclosure::None => Ok(()),
            Disclosure::Erased => {
                manifest.erased(record.position.0);
                Ok(())
            }
            Disclosure::Open(words) if manifest.with_words() => {
                manifest.disclosed(record.position.0);
                sender.file(&format!("disclosures/{}.json", record.position), words).await
            }
            Disclosure::Open(_) => Ok(()),
            Disclosure::Unreadable => Err(Ended::failed(status::read(&baton_engine::ReadError::Damaged {
                position: Position(record.position.0),
                why: baton_engine::codec::DecodeError::Unreadable.to_string(),
            }))),
        }
    }
}

/// The checkpoint, and after it what says that the bundle is whole.
async fn finish(sender: &mut Sender, checkpoint: &SignedCheckpoint, manifest: &Manifest) -> Result<(), Ended> {
    sender.file("checkpoint", checkpoint.note().as_bytes()).await?;
    sender.file("bundle.json", &manifest.to_json()).await
}
