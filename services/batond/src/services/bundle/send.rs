//! Files cut into pieces and sent, for as long as somebody reads and the server does not stop.

use crate::status::{self, Reason};
use baton_proto::v1 as proto;
use tokio::sync::{mpsc, watch};
use tonic::Status;

/// Bytes in a piece.
const CHUNK: usize = 256 * 1024;

/// Why no more is sent.
pub(super) enum Ended {
    /// Nobody reads any more.
    Left,
    /// Something failed; the reader is told.
    Failed(Box<Status>),
}

impl Ended {
    pub(super) fn failed(status: Status) -> Self {
        Self::Failed(Box::new(status))
    }
}

/// The way to the reader.
pub(super) struct Sender {
    channel: mpsc::Sender<Result<proto::ExportBundleResponse, Status>>,
    tree_size: u64,
    stopping: watch::Receiver<bool>,
}

impl Sender {
    pub(super) fn new(
        channel: mpsc::Sender<Result<proto::ExportBundleResponse, Status>>,
        tree_size: u64,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self { channel, tree_size, stopping }
    }

    /// Sends a file.
    pub(super) async fn file(&mut self, path: &str, bytes: &[u8]) -> Result<(), Ended> {
        let pieces = bytes.len().div_ceil(CHUNK).max(1);
        for piece in 0..pieces {
            let chunk = &bytes[piece * CHUNK..bytes.len().min((piece + 1) * CHUNK)];
            let piece = proto::ExportBundleResponse {
                path: path.to_owned(),
                chunk: chunk.to_vec(),
                ends_file: piece + 1 == pieces,
                tree_size: self.tree_size,
            };
            if *self.stopping.borrow() {
                let what = "the server is stopping; ask for the bundle again, into an empty directory";
                return Err(Ended::failed(status::with_reason(Reason::Stopping, what, &[])));
            }
            self.channel.send(Ok(piece)).await.map_err(|_| Ended::Left)?;
        }
        Ok(())
    }

    /// Tells the reader why there is no more.
    pub(super) async fn fail(&self, status: Status) {
        // A reader that left needs no reason.
        let _ = self.channel.send(Err(status)).await;
    }
}
