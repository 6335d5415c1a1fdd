//! The one writer: takes what is queued, decides it, appends it in one write, publishes, answers.
//!
//! **Durable when?** When the ledger's append returns; marked below as the point of no return.
//! **Ordered how?** As requests come out of the queue.
//! **Who retries?** The caller. Nothing is written twice here; after a failed append the requests of
//! the batch are answered with what is known, then the ledger is opened again in place, as often as it
//! takes and with no request needed, and the next batch begins from the durable log.
//! **After a crash?** Before the point of no return nobody was told anything; after it the batch is
//! found, and a repeat of each request gives its receipt.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use baton_domain::state::State;
use baton_domain::values::Position;
use baton_ledger::{AppendError, Appended, CloseError, Ledger, RequestRecord};
use tokio::sync::{Notify, mpsc};

use crate::batch::{Batch, Job, Outcome};
use crate::codec::Decoder;
use crate::engine::{Clock, Options};
use crate::erasure;
use crate::error::{ReadError, SubmitError};
use crate::fold;
use crate::log;
use crate::published::{Published, Writes, newest};
use crate::reopening::{self, Reopening};
use crate::submission::{Answer, Entry};

pub(crate) struct Writer {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) published: Arc<Published>,
    pub(crate) clock: Clock,
    pub(crate) options: Options,
    pub(crate) jobs: mpsc::Receiver<Job>,
    pub(crate) stop: Arc<Notify>,
    pub(crate) stopped: bool,
    /// Taken from the queue and not decided yet.
    pub(crate) waiting: VecDeque<Job>,
    /// Events whose erasure is durable and whose keys may be left.
    pub(crate) unerased: BTreeSet<Position>,
    /// When the ledger is to be opened again, while nothing can be recorded.
    pub(crate) reopening: Reopening,
}

/// What there is to do next.
enum Next {
    Request(Job),
    Reopen,
    /// Everything that was queued before a stop is done, or the last handle is gone.
    End,
}

impl Writer {
    /// Works until it is stopped or nobody can ask any more. A stop closes the ledger, after
    /// everything that was queued by then is answered.
    pub(crate) async fn run(mut self) -> Result<(), CloseError> {
        loop {
            // Before requests, or many of them would put it off for ever.
            if self.reopening.is_due() {
                self.reopen().await;
            }
            if self.waiting.is_empty() {
                match self.next().await {
                    Next::Request(job) => self.waiting.push_back(job),
                    Next::Reopen => continue,
                    Next::End if self.stopped => return self.ledger.close().await,
                    Next::End => return Ok(()),
                }
            }
            self.take_queued();
            self.commit().await;
        }
    }

    async fn next(&mut self) -> Next {
        tokio::select! {
            biased;
            () = self.stop.notified(), if !self.stopped => {
                self.stopped = true;
                self.jobs.close();
                // What is queued is answered; a ledger that fails is not opened again for that.
                self.reopening.forget();
                self.jobs.recv().await.map_or(Next::End, Next::Request)
            }
            () = self.reopening.due() => Next::Reopen,
            job = self.jobs.recv() => job.map_or(Next::End, Next::Request),
        }
    }

    /// Opens the ledger again in place and takes in what it then holds.
    async fn reopen(&mut self) {
        let begin = Instant::now();
        let reopened = match self.ledger.reopen().await {
            // A batch whose outcome was unknown may have been found.
            Ok(_) => self.catch_up().await.map(drop).map_err(|error| Writes::Poisoned(error.to_string())),
            Err(error) => Err(reopening::refusal(&error)),
        };
        match reopened {
            Ok(()) => {
                tracing::info!("requests are recorded again");
                self.published.say(Writes::Open);
                self.reopening.forget();
            }
            // It was closed for good: whoever did that opens another one.
            Err(Writes::Closed) => self.reopening.forget(),
            Err(writes) => {
                self.published.say_still(writes);
                self.reopening.again_after(self.options.reopen_pause, begin.elapsed());
            }
        }
    }

    /// Takes what else is queued, up to the bounds of a batch.
    fn take_queued(&mut self) {
        let mut bytes: usize = self.waiting.iter().map(|job| job.submission.content.len()).sum();
        while self.waiting.len() < self.options.batch_requests && bytes < self.options.batch_bytes {
            let Ok(job) = self.jobs.try_recv() else { return };
            bytes += job.submission.content.len();
            self.waiting.push_back(job);
        }
    }

    async fn commit(&mut self) {
        erasure::destroy(self.ledger.as_ref(), &mut self.unerased).await;
        let durable = match self.catch_up().await {
            Ok(durable) => durable,
            Err(error) => return self.unreadable(&error),
        };
        let Batch { state, sets, outcomes, .. } = self.decide(&durable).await;
        if sets.is_empty() {
            return answer(outcomes, &durable, &Appending::Nothing);
        }
        let at = self.ledger.head().next();
        match self.ledger.append(baton_ledger::Batch { at, sets }).await {
            Ok(appended) => {
                // ---- Point of no return: from here on a crash recovers to "done". ----
                self.published.publish(state.clone());
                self.published.say(Writes::Open);
                self.erase(erasure::newly(&durable, &state)).await;
                self.reopening.forget();
                answer(outcomes, &state, &Appending::Done(appended));
            }
            // The state of the batch is dropped: what is published is the durable one still.
            Err(error) => {
                let (failure, writes) = failure(&error);
                tracing::error!(error = &error as &dyn std::error::Error, requests = outcomes.len(), "failed to append a batch");
                match writes {
                    Writes::Poisoned(_) => self.reopening.at_once(),
                    Writes::Full => self.reopening.within(self.options.reopen_pause),
                    Writes::Open | Writes::Closed => {}
                }
                self.published.say(writes);
                answer(outcomes, &durable, &Appending::Failed(failure));
            }
        }
    }

    /// The durable state. After a write whose outcome was unknown the ledger may turn out to hold
    /// more than was published.
    async fn catch_up(&mut self) -> Result<Arc<State>, ReadError> {
        let published = self.published.state();
        if self.ledger.head().size == published.size {
            return Ok(published);
        }
        let state = fold::catch_up(self.ledger.as_ref(), (*published).clone()).await?;
        let erased = erasure::newly(&published, &state);
        self.published.publish(state);
        self.erase(erased).await;
        Ok(self.published.state())
    }

    /// Destroys the keys of words whose erasure is durable by now, and published.
    async fn erase(&mut self, erased: BTreeSet<Position>) {
        if !erased.is_empty() {
            self.unerased.extend(erased);
            erasure::destroy(self.ledger.as_ref(), &mut self.unerased).await;
        }
    }

    fn unreadable(&mut self, error: &ReadError) {
        tracing::error!(error = error as &dyn std::error::Error, "failed to read on in the log");
        self.published.say(Writes::Poisoned(error.to_string()));
        self.reopening.within(self.options.reopen_pause);
        for job in self.waiting.drain(..) {
            let _ = job.reply.send(Err(error.into()));
        }
    }

    async fn decide(&mut self, durable: &State) -> Batch {
        let mut batch = Batch::on(durable);
        while let Some(job) = self.waiting.pop_front() {
            if let Some(earlier) = self.ledger.request(&job.submission.key()) {
                let result = self.repeat(&job, earlier).await;
                batch.settle(job.reply, result);
            } else if let Some(job) = batch.take(job, (self.clock)()) {
                self.waiting.push_front(job);
                break;
            }
        }
        batch
    }

    /// The first receipt of a request that the durable log holds.
    async fn repeat(&self, job: &Job, earlier: RequestRecord) -> Result<Answer, SubmitError> {
        if earlier.digest != job.digest {
            return Err(SubmitError::RequestReused { first: Position(earlier.first.0) });
        }
        let entries = self.entries(earlier).await.map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "failed to read the first answer to a request");
            SubmitError::from(&error)
        })?;
        Ok(Answer { entries, warnings: Vec::new(), already_recorded: true, position: Position(0), checkpoint: None })
    }

    async fn entries(&self, request: RequestRecord) -> Result<Vec<Entry>, ReadError> {
        let count = request.count as usize;
        let mut entries = Vec::with_capacity(count);
        let mut decoder = Decoder::default();
        while entries.len() < count {
            let from = baton_ledger::Position(request.first.0 + entries.len() as u64);
            let page = self.ledger.read(from, count - entries.len()).await?;
            if page.is_empty() {
                let why = "the log ends within a request".to_owned();
                return Err(ReadError::Damaged { position: Position(from.0), why });
            }
            for stored in page {
                entries.push(Entry { leaf_hash: Some(stored.leaf_hash), ..Entry::of(&log::read(&mut decoder, &stored)?.0) });
            }
        }
        Ok(entries)
    }
}

/// What became of the append of a batch.
enum Appending {
    /// There was nothing to append.
    Nothing,
    /// It is durable.
    Done(Appended),
    /// It failed.
    Failed(SubmitError),
}

/// Sends the answers of a batch. After a failure, whatever rests on the batch is answered with it.
fn answer(outcomes: Vec<Outcome>, durable: &State, appending: &Appending) {
    let position = newest(durable).unwrap_or(Position(0));
    for Outcome { reply, mut result, rests_on_batch } in outcomes {
        match &mut result {
            Ok(answer) => {
                answer.position = position;
                if let (true, Appending::Done(appended)) = (rests_on_batch, appending) {
                    answer.checkpoint = Some(appended.checkpoint.clone());
                    for entry in &mut answer.entries {
                        let place = appended.records.get((entry.position.0 - appended.first.0) as usize);
                        entry.leaf_hash = place.map(|place| place.leaf_hash);
                    }
                }
            }
            Err(SubmitError::Refused(_, at)) => *at = position,
            Err(_) => {}
        }
        if let (true, Appending::Failed(failure)) = (rests_on_batch, appending) {
            result = Err(failure.clone());
        }
        // Whoever asked may have gone; what was recorded stays.
        let _ = reply.send(result);
    }
}

/// What a failed append means to those who asked, and to those who watch.
fn failure(error: &AppendError) -> (SubmitError, Writes) {
    let why = error.to_string();
    match error {
        AppendError::Full { nothing_written: true } => (SubmitError::Full, Writes::Full),
        AppendError::Full { nothing_written: false } | AppendError::OutcomeUnknown { .. } => {
            (SubmitError::OutcomeUnknown, Writes::Poisoned(why))
        }
        AppendError::Poisoned { why } => (SubmitError::Poisoned { why: why.clone() }, Writes::Poisoned(why.clone())),
        AppendError::Closed => (SubmitError::Closed, Writes::Closed),
        AppendError::Damaged { .. } => (SubmitError::Damaged { position: None, why: why.clone() }, Writes::Poisoned(why)),
        // Another writer came first. The next batch begins with what it wrote.
        AppendError::HeadMoved { .. } => (SubmitError::NotWritten { why }, Writes::Open),
        AppendError::Io { source, .. } => {
            let why = format!("{why}: {source}");
            (SubmitError::NotWritten { why: why.clone() }, Writes::Poisoned(why))
        }
        // The batch was built within these bounds and rules: if the ledger sees it otherwise, ours is the mistake.
        AppendError::StaleRevision { .. }
        | AppendError::RequestReused { .. }
        | AppendError::RequestRepeated { .. }
        | AppendError::RequestTwiceInBatch { .. }
        | AppendError::TooLarge { .. }
        | AppendError::Empty { .. } => (SubmitError::Defect { why }, Writes::Open),
    }
}
