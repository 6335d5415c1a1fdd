//! The writer: takes what is queued, decides it, appends it in one write, publishes, answers.
//!
//! Two workers take turns. Whoever holds [`Deciding`] takes requests and decides them; whoever holds
//! [`Appending`] appends. While one appends a batch and waits for its sync, the other decides the next batch
//! on the state that the first will leave, and appends it in turn: one batch is being appended at most,
//! and one more decided ahead. A request that comes alone is decided and appended by one of them.
//!
//! **Durable when?** When the ledger's append returns; marked below as the point of no return.
//! **Ordered how?** As requests come out of the queue.
//! **Who retries?** The caller. Nothing is written twice here; after a failed append the requests of
//! the batch are answered with what is known, those decided ahead on it are decided again on the durable
//! log, and the ledger is opened again in place, as often as it takes and with no request needed.
//! **After a crash?** Before the point of no return nobody was told anything; after it the batch is
//! found, and a repeat of each request gives its receipt.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as PlainMutex, MutexGuard as PlainGuard, PoisonError};
use std::time::Instant;

use baton_domain::state::State;
use baton_domain::values::Position;
use baton_ledger::{CloseError, Ledger, RequestKey, RequestRecord};
use tokio::sync::{Mutex, MutexGuard, Notify, mpsc};

use crate::batch::{Asked, Batch, Closed, Job};
use crate::codec::Decoder;
use crate::engine::{Clock, Options};
use crate::erasure;
use crate::error::{ReadError, SubmitError};
use crate::fold;
use crate::log;
use crate::outcome::{Became, answer, failure};
use crate::published::{Published, Writes};
use crate::reopening::{self, Reopening};
use crate::snapshot;
use crate::submission::{Answer, Entry};

pub(crate) struct Writer {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) published: Arc<Published>,
    pub(crate) clock: Clock,
    pub(crate) options: Options,
    pub(crate) stop: Arc<Notify>,
    pub(crate) deciding: Mutex<Deciding>,
    pub(crate) appending: Mutex<Appending>,
    /// Set while a batch is being appended.
    pub(crate) ahead: PlainMutex<Option<Ahead>>,
    /// A worker panicked: the other one ends too.
    pub(crate) gone: AtomicBool,
}

/// The right to decide, and what that needs. Whoever wants both rights takes this one first.
pub(crate) struct Deciding {
    jobs: mpsc::Receiver<Job>,
    /// Taken from the queue and not decided yet, because they did not fit or must wait, or to be decided again.
    waiting: VecDeque<Job>,
    stopped: bool,
    /// Nothing will come any more.
    ended: bool,
}

/// The right to append, and what is kept in mind from one batch to the next.
pub(crate) struct Appending {
    /// Events whose erasure is durable and whose keys may be left.
    unerased: BTreeSet<Position>,
    /// When the ledger is to be opened again, while nothing can be recorded.
    reopening: Reopening,
}

/// What the log will be once the batch that is being appended is durable.
pub(crate) struct Ahead {
    state: Arc<State>,
    asked: Asked,
}

/// What there is to do next.
enum Next {
    Request(Job),
    Reopen,
    /// Everything that was queued before a stop is done, or the last handle is gone.
    End,
}

impl Deciding {
    pub(crate) fn new(jobs: mpsc::Receiver<Job>) -> Self {
        Self { jobs, waiting: VecDeque::new(), stopped: false, ended: false }
    }

    /// Whether nothing waits to be decided.
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.jobs.is_empty()
    }
}

impl Appending {
    pub(crate) fn new(unerased: BTreeSet<Position>, reopening: Reopening) -> Self {
        Self { unerased, reopening }
    }
}

impl Writer {
    /// What one worker does, until the writer is stopped or nobody can ask any more. A stop closes the
    /// ledger, after everything that was queued by then is answered.
    pub(crate) async fn work(&self) -> Result<(), CloseError> {
        let mut kept = None;
        loop {
            let mut deciding = match kept.take() {
                Some(deciding) => deciding,
                None => self.deciding.lock().await,
            };
            if deciding.ended {
                return Ok(());
            }
            let Some((batch, mut appending)) = self.gather(&mut deciding).await else {
                deciding.ended = true;
                return if deciding.stopped { self.close().await } else { Ok(()) };
            };
            let (closed, asked) = batch.close();
            *self.ahead() = Some(Ahead { state: Arc::clone(&closed.state), asked });
            // From here on the other worker decides, on the state that this batch will leave. For a request that came
            // alone, with none behind it, it is not woken: that would take longer than it saves.
            let alone = closed.outcomes.len() == 1 && deciding.is_idle();
            kept = alone.then_some(deciding);
            self.commit(&mut appending, closed).await;
            *self.ahead() = None;
        }
    }

    /// Closes the ledger, and leaves the state for the next start where it is all of the log.
    async fn close(&self) -> Result<(), CloseError> {
        let (state, head) = (self.published.state(), self.ledger.head());
        if state.size != head.size {
            return self.ledger.close().await;
        }
        self.ledger.close_with_snapshot(&|out| snapshot::write(&state, head, out)).await
    }

    /// Ends the other worker: nothing more can be recorded.
    pub(crate) fn give_up(&self) {
        self.gone.store(true, Ordering::SeqCst);
        self.stop.notify_one();
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    /// Decides requests until there is a batch to append and nothing is being appended any more.
    async fn gather(&self, deciding: &mut Deciding) -> Option<(Batch, MutexGuard<'_, Appending>)> {
        let (mut batch, mut appending) = match self.appending.try_lock() {
            Ok(appending) => (None, appending),
            Err(_) => {
                let mut ahead = Batch::on(self.newest());
                let appending = self.decide_ahead(deciding, &mut ahead).await;
                (ahead.holds_any().then_some(ahead), appending)
            }
        };
        // Nothing is being appended.
        loop {
            // Before requests, or many of them would put it off for ever.
            if appending.reopening.is_due() {
                self.reopen(&mut appending).await;
            }
            // What it was decided on never became durable, or is not the end of the log any more.
            if let Some(fallen) = batch.take_if(|batch| !self.is_durable(batch.base())) {
                fallen.jobs().rev().for_each(|job| deciding.waiting.push_front(job));
            }
            if self.is_gone() {
                return None;
            }
            let mut open = match batch.take() {
                Some(open) => open,
                None => {
                    if deciding.waiting.is_empty() {
                        match self.next(deciding, &mut appending).await {
                            Next::Request(job) => deciding.waiting.push_back(job),
                            Next::Reopen => continue,
                            Next::End => return None,
                        }
                    }
                    match self.catch_up(&mut appending).await {
                        Ok(durable) => Batch::on(durable),
                        Err(error) => {
                            self.unreadable(deciding, &mut appending, &error);
                            continue;
                        }
                    }
                }
            };
            self.decide_queued(deciding, &mut open).await;
            if open.appends() {
                return Some((open, appending));
            }
            answer(open.outcomes(), &self.published.state(), &Became::Nothing);
        }
    }

    /// Decides requests as they come, until the other worker has appended its batch.
    async fn decide_ahead<'a>(&'a self, deciding: &mut Deciding, batch: &mut Batch) -> MutexGuard<'a, Appending> {
        let mut appending = std::pin::pin!(self.appending.lock());
        let mut open = true;
        loop {
            if !deciding.waiting.is_empty() {
                self.decide_queued(deciding, batch).await;
            }
            tokio::select! {
                biased;
                job = deciding.jobs.recv(), if open && deciding.waiting.is_empty() && batch.has_room(&self.options) => match job {
                    Some(job) => deciding.waiting.push_back(job),
                    None => open = false,
                },
                appending = &mut appending => return appending,
            }
        }
    }

    async fn next(&self, deciding: &mut Deciding, appending: &mut Appending) -> Next {
        tokio::select! {
            biased;
            () = self.stop.notified(), if !deciding.stopped => {
                if self.is_gone() {
                    return Next::End;
                }
                deciding.stopped = true;
                deciding.jobs.close();
                // What is queued is answered; a ledger that fails is not opened again for that.
                appending.reopening.forget();
                deciding.jobs.recv().await.map_or(Next::End, Next::Request)
            }
            () = appending.reopening.due() => Next::Reopen,
            job = deciding.jobs.recv() => job.map_or(Next::End, Next::Request),
        }
    }

    /// Opens the ledger again in place and takes in what it then holds.
    async fn reopen(&self, appending: &mut Appending) {
        let begin = Instant::now();
        let reopened = match self.ledger.reopen().await {
            // A batch whose outcome was unknown may have been found.
            Ok(_) => self.catch_up(appending).await.map(drop).map_err(|error| Writes::Poisoned(error.to_string())),
            Err(error) => Err(reopening::refusal(&error)),
        };
        match reopened {
            Ok(()) => {
                tracing::info!("requests are recorded again");
                self.published.say(Writes::Open);
                appending.reopening.forget();
            }
            // It was closed for good: whoever did that opens another one.
            Err(Writes::Closed) => appending.reopening.forget(),
            Err(writes) => {
                self.published.say_still(writes);
                appending.reopening.again_after(self.options.reopen_pause, begin.elapsed());
            }
        }
    }

    async fn commit(&self, appending: &mut Appending, batch: Closed) {
        let Closed { state, sets, outcomes } = batch;
        erasure::destroy(self.ledger.as_ref(), &mut appending.unerased).await;
        let durable = self.published.state();
        let at = baton_ledger::Position(durable.size);
        match self.ledger.append(baton_ledger::Batch { at, sets }).await {
            Ok(appended) => {
                // ---- Point of no return: from here on a crash recovers to "done". ----
                self.published.publish(Arc::clone(&state));
                self.published.say(Writes::Open);
                self.erase(appending, erasure::newly(&durable, &state)).await;
                appending.reopening.forget();
                answer(outcomes, &state, &Became::Durable(appended));
            }
            // The state of the batch is dropped: what is published is the durable one still.
            Err(error) => {
                let (failure, writes) = failure(&error);
                tracing::error!(error = &error as &dyn std::error::Error, requests = outcomes.len(), "failed to append a batch");
                match writes {
                    Writes::Poisoned(_) => appending.reopening.at_once(),
                    Writes::Full => appending.reopening.within(self.options.reopen_pause),
                    Writes::Open | Writes::Closed => {}
                }
                self.published.say(writes);
                answer(outcomes, &durable, &Became::Failed(failure));
            }
        }
    }

    /// The durable state. After a write whose outcome was unknown the ledger may turn out to hold
    /// more than was published.
    async fn catch_up(&self, appending: &mut Appending) -> Result<Arc<State>, ReadError> {
        let published = self.published.state();
        if self.ledger.head().size == published.size {
            return Ok(published);
        }
        let state = Arc::new(fold::catch_up(self.ledger.as_ref(), (*published).clone()).await?);
        self.published.publish(Arc::clone(&state));
        self.erase(appending, erasure::newly(&published, &state)).await;
        Ok(state)
    }

    /// The state after everything that was handed over: what is being appended, or what is durable.
    fn newest(&self) -> Arc<State> {
        let ahead = self.ahead().as_ref().map(|ahead| Arc::clone(&ahead.state));
        ahead.unwrap_or_else(|| self.published.state())
    }

    fn ahead(&self) -> PlainGuard<'_, Option<Ahead>> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Destroys the keys of words whose erasure is durable by now, and published.
    async fn erase(&self, appending: &mut Appending, erased: BTreeSet<Position>) {
        if !erased.is_empty() {
            appending.unerased.extend(erased);
            erasure::destroy(self.ledger.as_ref(), &mut appending.unerased).await;
        }
    }

    fn unreadable(&self, deciding: &mut Deciding, appending: &mut Appending, error: &ReadError) {
        tracing::error!(error = error as &dyn std::error::Error, "failed to read on in the log");
        self.published.say(Writes::Poisoned(error.to_string()));
        appending.reopening.within(self.options.reopen_pause);
        for _ in 0..self.options.batch_requests {
            let Some(job) = deciding.waiting.pop_front().or_else(|| deciding.jobs.try_recv().ok()) else { return };
            let _ = job.reply.send(Err(error.into()));
        }
    }

    /// Decides what is queued, as far as it fits into the batch.
    async fn decide_queued(&self, deciding: &mut Deciding, batch: &mut Batch) {
        while batch.has_room(&self.options) {
            let Some(job) = deciding.waiting.pop_front().or_else(|| deciding.jobs.try_recv().ok()) else { return };
            if let Some(job) = self.decide(job, batch).await {
                deciding.waiting.push_front(job);
                return;
            }
        }
    }

    /// Decides a request, or gives it back when it must wait for the batch that is being appended.
    async fn decide(&self, job: Job, batch: &mut Batch) -> Option<Job> {
        // In this order: a batch leaves the one place after it has come to the other.
        if self.is_being_appended(&job.key) {
            return Some(job);
        }
        match self.ledger.request(&job.key) {
            Some(earlier) => {
                let result = self.repeat(&job, earlier).await;
                batch.settle(job, result);
                None
            }
            None => batch.take(job, (self.clock)()),
        }
    }

    /// Whether a state is the one that is published, and all of the log.
    fn is_durable(&self, state: &Arc<State>) -> bool {
        Arc::ptr_eq(state, &self.published.state()) && self.ledger.head().size == state.size
    }

    fn is_being_appended(&self, key: &RequestKey) -> bool {
        self.ahead().as_ref().is_some_and(|ahead| ahead.asked.contains_key(key))
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
