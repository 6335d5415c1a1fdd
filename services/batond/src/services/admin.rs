//! AdminService: the stored bytes of the log for a backup.

use crate::parse::FieldViolation;
use crate::status::{self, Reason};
use baton_ledger::{Ledger as _, Position, RawChunk, SledLedger};
use baton_proto::v1 as proto;
use proto::admin_service_server::AdminService;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

/// How much is read at a time, in bytes of chunks, and how many of them wait for a slow reader.
const PAGE_BYTES: usize = 512 * 1024;
const WAITING: usize = 8;

/// What the service needs: the ledger itself, whose stored bytes no engine knows.
#[derive(Clone)]
pub(crate) struct Admin {
    ledger: Arc<SledLedger>,
    stopping: watch::Receiver<bool>,
}

type Item = Result<proto::BackupResponse, Status>;

#[tonic::async_trait]
impl AdminService for Admin {
    type BackupStream = ReceiverStream<Item>;

    async fn backup(&self, request: Request<proto::BackupRequest>) -> Result<Response<Self::BackupStream>, Status> {
        let log = self.ledger.head().size;
        let size = match request.get_ref().to_position {
            Some(position) if position >= log => return Err(not_durable(position, log)),
            Some(position) => position + 1,
            None => log,
        };
        let (sender, receiver) = mpsc::channel(WAITING);
        let admin = self.clone();
        tokio::spawn(async move {
            if let Err(status) = admin.send(size, &sender).await {
                // A reader that left needs no reason.
                let _ = sender.send(Err(status)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

impl Admin {
    pub(crate) fn new(ledger: Arc<SledLedger>, stopping: watch::Receiver<bool>) -> Self {
        Self { ledger, stopping }
    }

    /// Sends chunks until a batch ends at `size` or after it, or nobody reads any more.
    async fn send(&self, size: u64, sender: &mpsc::Sender<Item>) -> Result<(), Status> {
        let key_check = self.ledger.key_check().to_vec();
        let mut next = Position(0);
        loop {
            for chunk in self.page(next).await? {
                next = chunk.next();
                let item = proto::BackupResponse {
                    chunk: chunk.bytes().to_vec(),
                    next_position: next.0,
                    size,
                    key_check: key_check.clone(),
                };
                if *self.stopping.borrow() {
                    let what = "the server is stopping; take the backup again, into an empty directory";
                    return Err(status::with_reason(Reason::Stopping, what, &[]));
                }
                let left = sender.send(Ok(item)).await.is_err();
                if left || chunk.checkpoint().is_some() && next.0 >= size {
                    return Ok(());
                }
            }
        }
    }

    async fn page(&self, from: Position) -> Result<Vec<RawChunk>, Status> {
        let ledger = Arc::clone(&self.ledger);
        let read = tokio::task::spawn_blocking(move || ledger.raw_chunks(from, PAGE_BYTES)).await;
        let chunks = read.map_err(|error| status::with_reason(Reason::Defect, &format!("a read ended early: {error}"), &[]))?;
        chunks.map_err(|error| status::read(&error.into()))
    }
}

fn not_durable(position: u64, log: u64) -> Status {
    let description =
        format!("position {position} is not in the log yet, which holds {log} records; name one below that, or none");
    status::invalid(vec![FieldViolation { field: "to_position".to_owned(), description }])
}
