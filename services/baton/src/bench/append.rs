//! What Record is compared with for the price of durability: the echo, but with every request on disk
//! before it is answered.
//!
//! Requests are decoded and answered as by the echo, on the same server; in between, the bytes of each go
//! to one writer. It takes what is queued, up to [`MOST`] requests, puts their bytes as one value into the
//! storage engine of the ledger (same settings, same sync), syncs once and answers them all. Nothing is
//! decided, hashed, sealed, signed or proved: it is the least that a durable service of these messages
//! costs on this engine.
//!
//! **Durable when?** Before the answer. **Ordered how?** As they were queued. **Who retries?** Nobody: the
//! first batch that fails is said to who waits for it, and ends the writer.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use baton_proto::v1::{RecordRequest, RecordResponse};
use prost::Message;
use tokio::sync::oneshot;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use super::echo::{Serving, SharedCodec};
use super::store;
use crate::exit::Failure;

/// Where a Record request is appended.
pub(crate) const RECORD: &str = "/baton.bench.Append/Record";

/// Most requests that share a sync: as many as are ever in flight.
const MOST: usize = 256;

/// A running append server; it ends when this is dropped, and its store is closed then.
pub(crate) struct Append {
    serving: Serving,
    // The one strong handle of the queue, so that the writer ends with it whatever connections are still
    // open. There until the drop.
    queue: Option<Arc<Sender<Waiting>>>,
    writer: Option<JoinHandle<()>>,
}

impl Append {
    /// Makes a store in a directory and serves on a free port of loopback.
    ///
    /// # Errors
    /// When the store does not open, or no thread or port can be taken.
    pub(crate) async fn start(dir: &Path, answer: Arc<RecordResponse>) -> Result<Self, Failure> {
        let mut store = store::bare(dir).await?;
        Self::start_on(answer, move |value| store.append(value).map(drop)).await
    }

    /// Serves on whatever makes a value durable.
    async fn start_on<P>(answer: Arc<RecordResponse>, put: P) -> Result<Self, Failure>
    where
        P: FnMut(&[u8]) -> std::io::Result<()> + Send + 'static,
    {
        let (queue, queued) = mpsc::channel();
        let queue = Arc::new(queue);
        let serving = Serving::start(Routes::new(AppendService { queue: Arc::downgrade(&queue), answer })).await?;
        let writer = std::thread::Builder::new().name("bench-append".to_owned()).spawn(move || write(&queued, put));
        let writer = writer.map_err(|error| Failure::Unavailable(format!("failed to start a writer: {error}")))?;
        Ok(Self { serving, queue: Some(queue), writer: Some(writer) })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.serving.address
    }
}

impl Drop for Append {
    /// Waits for the writer, which has one batch to end at most: the directory is free afterwards.
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has said so, and its calls have failed.
            let _ = writer.join();
        }
    }
}

/// A request that waits for its answer.
struct Waiting {
    bytes: Vec<u8>,
    answer: oneshot::Sender<Result<(), Status>>,
}

/// Writes what is queued, batch by batch, until nobody can queue any more or a batch fails.
fn write(queued: &Receiver<Waiting>, mut put: impl FnMut(&[u8]) -> std::io::Result<()>) {
    let (mut value, mut answers) = (Vec::new(), Vec::with_capacity(MOST));
    while let Ok(first) = queued.recv() {
        for waiting in std::iter::once(first).chain(queued.try_iter()).take(MOST) {
            value.extend_from_slice(&waiting.bytes);
            answers.push(waiting.answer);
        }
        let written = put(&value).map_err(|error| Status::unavailable(format!("failed to append: {error}")));
        for answer in answers.drain(..) {
            // Who no longer waits needs no answer.
            let _ = answer.send(written.clone());
        }
        if written.is_err() {
            return;
        }
        value.clear();
    }
}

#[derive(Clone)]
struct AppendService {
    queue: Weak<Sender<Waiting>>,
    answer: Arc<RecordResponse>,
}

impl NamedService for AppendService {
    const NAME: &'static str = "baton.bench.Append";
}

impl Service<http::Request<Body>> for AppendService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let appending = Appending(self.clone());
        Box::pin(async move {
            Ok(match request.uri().path() {
                RECORD => Grpc::new(SharedCodec::<RecordResponse, RecordRequest>::default()).unary(appending, request).await,
                _ => Status::unimplemented("the bare append has no such method").into_http(),
            })
        })
    }
}

/// Answers a request when it is durable.
struct Appending(AppendService);

impl UnaryService<RecordRequest> for Appending {
    type Response = Arc<RecordResponse>;
    type Future = BoxFuture<Response<Self::Response>, Status>;

    fn call(&mut self, request: Request<RecordRequest>) -> Self::Future {
        let AppendService { queue, answer } = self.0.clone();
        Box::pin(async move {
            // With its length in front, so that each can be read back out of the value of many.
            let bytes = request.get_ref().encode_length_delimited_to_vec();
            let (done, durable) = oneshot::channel();
            let ended = || Status::unavailable("the writer has ended");
            let queue = queue.upgrade().ok_or_else(ended)?;
            queue.send(Waiting { bytes, answer: done }).map_err(|_| ended())?;
            // Not held while waiting: the writer must be able to end.
            drop(queue);
            durable.await.map_err(|_| ended())??;
            Ok(Response::new(answer))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::calls::{note, notes};
    use super::super::load::{Server, Until};
    use super::super::store::Bare;
    use super::*;

    /// What the server answers.
    fn answer() -> Arc<RecordResponse> {
        Arc::new(RecordResponse { position: 7, ..Default::default() })
    }

    /// The requests in a value, in order.
    fn requests(mut value: &[u8]) -> Vec<RecordRequest> {
        let mut requests = Vec::new();
        while !value.is_empty() {
            requests.push(RecordRequest::decode_length_delimited(&mut value).expect("a whole request"));
        }
        requests
    }

    /// Puts requests into a queue; gives what tells of their answers.
    fn queue(queue: &Sender<Waiting>, bytes: impl Iterator<Item = u8>) -> Vec<oneshot::Receiver<Result<(), Status>>> {
        let send = |byte| {
            let (answer, answered) = oneshot::channel();
            queue.send(Waiting { bytes: vec![byte], answer }).expect("the writer is there");
            answered
        };
        bytes.map(send).collect()
    }

    /// Given a server on a store of its own, when a request is answered, then the files as they lie at that
    /// moment, with the server still running, open as a store that holds the request.
    #[tokio::test]
    async fn request_is_answered_only_after_its_bytes_can_be_read_back_from_the_reopened_store() {
        let dir = tempfile::tempdir().expect("a directory");
        let append = Append::start(&dir.path().join("bare"), answer()).await.expect("started");
        let server = Server::connect(append.address(), 1).await.expect("connected");
        for nth in 0..3 {
            let sent = note("meeting/a", nth);
            let answered = server.call::<_, RecordResponse>(0, RECORD, sent.clone()).await.expect("answered");
            assert_eq!(answered, *answer());
            let copy = dir.path().join(format!("copy-{nth}"));
            copy_store(&dir.path().join("bare"), &copy);
            let value = Bare::open(&copy).expect("opens").get(nth).expect("read").expect("there");
            assert_eq!(requests(&value), [sent]);
        }
        drop(append);
        let reopened = Bare::open(&dir.path().join("bare")).expect("the drop closed it");
        assert!(reopened.get(2).expect("read").is_some() && reopened.get(3).expect("read").is_none());
    }

    /// Copies the files of a store, as a crash of the process would leave them.
    fn copy_store(from: &Path, to: &Path) {
        std::fs::create_dir_all(to.join("blobs")).expect("made");
        for name in ["conf", "db"] {
            std::fs::copy(from.join(name), to.join(name)).expect("copied");
        }
    }

    /// Given as many clients as are ever in flight, when they all record notes, then every request is in the
    /// store exactly once, and fewer values than requests are.
    #[tokio::test]
    async fn requests_in_flight_share_values_and_each_is_kept_once() {
        const EACH: u64 = 4;
        let dir = tempfile::tempdir().expect("a directory");
        let append = Append::start(dir.path(), answer()).await.expect("started");
        let server = Server::connect(append.address(), MOST).await.expect("connected");
        let round = notes(&server, RECORD, MOST, Until::Sent(EACH)).await.expect("all are answered");
        drop(append);
        let store = Bare::open(dir.path()).expect("opens");
        let values: Vec<_> = (0..).map_while(|number| store.get(number).expect("read")).collect();
        let kept: Vec<_> = values.iter().flat_map(|value| requests(value)).map(|request| request.command_id).collect();
        let distinct: std::collections::BTreeSet<_> = kept.iter().collect();
        assert_eq!((kept.len() as u64, distinct.len() as u64), (round.calls, MOST as u64 * EACH));
        assert!(values.len() < kept.len(), "{} values", values.len());
    }

    /// Given a batch that is being written, when more requests come than a batch takes, then none is answered
    /// before what holds it is written, and the next batch takes as many as it may.
    #[test]
    fn writer_takes_all_that_is_queued_up_to_its_most_and_answers_none_before_it_is_written() {
        let (sender, queued) = mpsc::channel();
        let (written, sizes) = mpsc::channel();
        let (allow, allowed) = mpsc::channel::<()>();
        let writer = std::thread::spawn(move || {
            write(&queued, |value| {
                written.send(value.len()).map_err(std::io::Error::other)?;
                allowed.recv().map_err(std::io::Error::other)
            });
        });
        let mut one = queue(&sender, std::iter::once(1));
        assert_eq!(sizes.recv().expect("a batch"), 1);
        let mut rest = queue(&sender, std::iter::repeat_n(2, MOST + 44));
        assert!(one[0].try_recv().is_err(), "not written yet");
        allow.send(()).expect("the writer waits");
        assert_eq!(sizes.recv().expect("a batch"), MOST);
        assert!(one[0].try_recv().expect("answered, for the next batch was begun").is_ok());
        assert!(rest.iter_mut().all(|answer| answer.try_recv().is_err()), "not written yet");
        allow.send(()).expect("the writer waits");
        assert_eq!(sizes.recv().expect("a batch"), 44);
        assert!(rest[..MOST].iter_mut().all(|answer| matches!(answer.try_recv(), Ok(Ok(())))));
        assert!(rest[MOST..].iter_mut().all(|answer| answer.try_recv().is_err()), "not written yet");
        allow.send(()).expect("the writer waits");
        drop(sender);
        writer.join().expect("it ends with the queue");
        assert!(rest[MOST..].iter_mut().all(|answer| matches!(answer.try_recv(), Ok(Ok(())))));
    }

    /// Given a store that fails, when requests come, then each is refused and none is answered.
    #[tokio::test]
    async fn what_can_not_be_written_is_not_answered_and_ends_the_writer() {
        let puts = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&puts);
        let failing = move |_: &[u8]| {
            *counted.lock().expect("whole") += 1;
            Err(std::io::Error::other("no disk"))
        };
        let append = Append::start_on(answer(), failing).await.expect("started");
        let server = Server::connect(append.address(), 1).await.expect("connected");
        let refused = server.call::<_, RecordResponse>(0, RECORD, note("meeting/a", 0)).await.expect_err("not written");
        assert!(refused.message().contains("no disk"), "{refused}");
        let refused = server.call::<_, RecordResponse>(0, RECORD, note("meeting/a", 1)).await.expect_err("not written");
        assert_eq!(refused.code(), tonic::Code::Unavailable);
        assert_eq!(*puts.lock().expect("whole"), 1, "nothing is written after a write that failed");
        let other = server.call::<_, RecordResponse>(0, "/baton.bench.Append/Other", note("meeting/a", 2)).await;
        assert_eq!(other.expect_err("no such method").code(), tonic::Code::Unimplemented);
    }
}
