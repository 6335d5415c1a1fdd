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
//! | `checkpoints/<size>.note` | older checkpoints, at most [`OLDER`] |
//! | `bundle.json` | what was asked and what is in it; the last file |

mod manifest;
mod send;
mod transition;
mod whole;

use super::Service;
use crate::{parse, status};
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
        let with_words = sent.with_words;
        let state = self.state(asked.min_position).await?;
        if let Some(id) = asked.transition.as_ref().filter(|id| !state.transitions.contains_key(*id)) {
            return Err(status::not_found("transition", id));
        }
        let checkpoint = self.engine.checkpoint();
        let (channel, receiver) = mpsc::channel(WAITING);
        let service = self.clone();
        tokio::spawn(async move {
            let mut sender = Sender::new(channel, checkpoint.checkpoint().size, service.stopping.clone());
            let made = service.make(&mut sender, &checkpoint, asked.transition.as_ref(), with_words).await;
            if let Err(Ended::Failed(status)) = made {
                sender.fail(*status).await;
            }
        });
        Ok(ReceiverStream::new(receiver))
    }

    async fn make(
        &self,
        sender: &mut Sender,
        checkpoint: &SignedCheckpoint,
        transition: Option<&baton_domain::values::TransitionId>,
        with_words: bool,
    ) -> Result<(), Ended> {
        let mut manifest = Manifest::new(checkpoint.checkpoint(), transition, with_words);
        match transition {
            None => self.whole(sender, checkpoint, &mut manifest).await?,
            Some(id) => self.one_transition(sender, checkpoint, id, &mut manifest).await?,
        }
        sender.file("checkpoint", checkpoint.note().as_bytes()).await?;
        sender.file("bundle.json", &manifest.to_json()).await
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
                why: "the words beside it cannot be decrypted with their key".to_owned(),
            }))),
        }
    }
}
