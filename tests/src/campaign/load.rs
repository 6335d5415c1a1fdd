//! Writers that write until somebody stops the server or them, and remember what they sent and learned.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use baton_proto::v1 as proto;
use rand::Rng as _;
use rand::rngs::StdRng;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tonic::{Code, Status};

use crate::client::{Clients, reason};
use crate::commands::{fact, request, worded_fact};
use crate::history::{History, Sent, places};

/// Writers at work.
pub(super) struct Load {
    writers: Vec<JoinHandle<(Vec<Sent>, Option<Status>)>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    answered: AtomicUsize,
    stop: AtomicBool,
    /// Answers are no promise any more.
    doubted: AtomicBool,
    news: Notify,
}

/// What writers sent, and how each that did not go on to the end was ended.
#[derive(Default)]
pub(super) struct Written {
    pub(super) sent: Vec<Sent>,
    pub(super) ended: Vec<Status>,
}

impl Load {
    /// So many writers, in streams with `label` in their names. A writer ends at its first call that fails.
    pub(super) fn start(clients: &Clients, label: &str, writers: usize) -> Self {
        let shared = Arc::new(Shared::default());
        let writers = (0..writers).map(|w| tokio::spawn(write(clients.clone(), label.to_owned(), w, Arc::clone(&shared))));
        Self { writers: writers.collect(), shared }
    }

    /// Takes answers that come from now on for no promise: what was asked may be there or not.
    pub(super) fn doubt(&self) {
        self.shared.doubted.store(true, Ordering::SeqCst);
    }

    /// Waits until so many requests were answered or all writers ended; bounded.
    pub(super) async fn answered(&self, enough: usize) -> bool {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.shared.answered.load(Ordering::SeqCst) < enough {
            if Instant::now() > deadline || self.writers.iter().all(JoinHandle::is_finished) {
                return false;
            }
            let _ = tokio::time::timeout(Duration::from_millis(20), self.shared.news.notified()).await;
        }
        true
    }

    /// Waits until every writer has ended by itself; false when that takes longer than `patience`.
    pub(super) async fn all_ended(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while !self.writers.iter().all(JoinHandle::is_finished) {
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        true
    }

    /// Lets every writer finish the call it is in.
    pub(super) async fn end(self) -> Written {
        self.shared.stop.store(true, Ordering::SeqCst);
        let mut written = Written::default();
        for writer in self.writers {
            let (sent, ended) = writer.await.expect("a writer ends");
            written.sent.extend(sent);
            written.ended.extend(ended);
        }
        written
    }
}

impl Written {
    pub(super) fn acknowledged(&self) -> usize {
        self.sent.iter().filter(|s| s.acknowledged.is_some()).count()
    }

    /// Ends of calls that are not those of a connection that was lost.
    pub(super) fn not_cut_off(&self) -> impl Iterator<Item = String> {
        self.ended.iter().filter(|s| !cut_off(s)).map(|status| format!("a call ended with {status:?}"))
    }
}

/// Ends of calls that no failure of a disk excuses, and whether they say why.
pub(super) fn not_of_a_disk(ended: &[Status]) -> impl Iterator<Item = String> {
    let right = |s: &&Status| {
        let known = matches!(reason(s).as_str(), "WRITES_STOPPED" | "OUTCOME_UNKNOWN" | "DISK_FULL" | "QUEUE_FULL" | "STOPPING");
        cut_off(s) || known && matches!(s.code(), Code::Unavailable | Code::ResourceExhausted)
    };
    ended.iter().filter(move |s| !right(s)).map(|s| format!("a failing disk is answered with {s:?}"))
}

/// Whether a call ended with its connection; any other end would be an answer.
pub(super) fn cut_off(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled) && reason(status).is_empty()
}

async fn write(clients: Clients, label: String, writer: usize, shared: Arc<Shared>) -> (Vec<Sent>, Option<Status>) {
    let mut sent = Vec::new();
    while !shared.stop.load(Ordering::SeqCst) {
        let request = mixed(&label, writer, sent.len());
        match clients.record("admin", request.clone()).await {
            Ok(answer) => {
                let promised = !shared.doubted.load(Ordering::SeqCst);
                sent.push(Sent { request, acknowledged: promised.then(|| places(&answer.entries)) });
                shared.answered.fetch_add(1, Ordering::SeqCst);
                shared.news.notify_one();
            }
            Err(status) => {
                sent.push(Sent { request, acknowledged: None });
                return (sent, Some(status));
            }
        }
    }
    (sent, None)
}

/// Most requests are one event, some hold words, some are two events in two streams, one of them everybody's.
pub(super) fn mixed(label: &str, writer: usize, number: usize) -> proto::RecordRequest {
    let stream = format!("wave/{label}-{writer}");
    let mut commands = vec![match number % 7 {
        6 => worded_fact(&stream, "words that are kept sealed beside the leaf"),
        _ => fact(&stream),
    }];
    if number.is_multiple_of(5) {
        commands.push(fact(&format!("wave/{label}")));
    }
    request(commands)
}

/// Reads the log from where `history` is and compares it with what was sent; the violations that are new.
pub(super) async fn compared(clients: &Clients, history: &mut History, sent: &[Sent]) -> Vec<String> {
    match clients.read_all(history.next).await {
        Ok(events) => history.read(&events),
        Err(status) => return vec![format!("the log is not read: {status:?}")],
    }
    history.compare(sent);
    std::mem::take(&mut history.violations)
}

/// The log from its beginning, compared with all that was ever sent.
pub(super) async fn compared_whole(clients: &Clients, sent: &[Sent]) -> Vec<String> {
    compared(clients, &mut History::default(), sent).await
}

/// A moment of less than so many microseconds.
pub(super) async fn moment(random: &mut StdRng, micros: u64) {
    tokio::time::sleep(Duration::from_micros(random.random_range(0..micros))).await;
}
