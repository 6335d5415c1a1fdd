//! The writer: takes what is queued, decides it, appends it in one write, publishes, answers.
//!
//! It has two hands. Whoever holds the *desk* takes requests and decides them; whoever holds the *pen*
//! appends. While one hand appends a batch and waits for its sync, the other decides the next batch on
//! the state that the first will leave, and hands it over when the pen is free: one batch is being
//! appended at most, and one more decided ahead.
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
use crate::submission::{Answer, Entry};

pub(crate) struct Writer {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) published: Arc<Published>,
    pub(crate) clock: Clock,
    pub(crate) options: Options,
    pub(crate) stop: Arc<Notify>,
    pub(crate) desk: Mutex<Desk>,
    pub(crate) pen: Mutex<Pen>,
    /// Set while a batch is being appended.
    pub(crate) ahead: PlainMutex<Option<Ahead>>,
    /// A hand panicked: the other one ends too.
    pub(crate) gone: AtomicBool,
}

/// Where requests are decided. Who wants both takes the desk first.
pub(crate) struct Desk {
    jobs: mpsc::Receiver<Job>,
    /// Taken from the queue and not decided yet, because they did not fit or must wait, or to be decided again.
    waiting: VecDeque<Job>,
    stopped: bool,
    /// Nothing will come any more.
    ended: bool,
}

/// What appending needs, and keeps in mind from one batch to the next.
pub(crate) struct Pen {
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

impl Desk {
    pub(crate) fn new(jobs: mpsc::Receiver<Job>) -> Self {
        Self { jobs, waiting: VecDeque::new(), stopped: false, ended: false }
    }
}

impl Pen {
    pub(crate) fn new(unerased: BTreeSet<Position>, reopening: Reopening) -> Self {
        Self { unerased, reopening }
    }
}

impl Writer {
    /// The work of one hand, until the writer is stopped or nobody can ask any more. A stop closes the
    /// ledger, after everything that was queued by then is answered.
    pub(crate) async fn work(&self) -> Result<(), CloseError> {
        loop {
            let mut desk = self.desk.lock().await;
            if desk.ended {
                return Ok(());
            }
            let Some((batch, mut pen)) = self.gather(&mut desk).await else {
                desk.ended = true;
                return if desk.stopped { self.ledger.close().await } else { Ok(()) };
            };
            let (closed, asked) = batch.close();
            *self.ahead() = Some(Ahead { state: Arc::clone(&closed.state), asked });
            // From here on the other hand decides, on the state that this batch will leave.
            drop(desk);
            self.commit(&mut pen, closed).await;
            *self.ahead() = None;
        }
    }

    /// Ends the other hand: nothing more can be recorded.
    pub(crate) fn give_up(&self) {
        self.gone.store(true, Ordering::SeqCst);
        self.stop.notify_one();
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    /// Decides requests until there is a batch to append and nothing is being appended any more.
    async fn gather(&self, desk: &mut Desk) -> Option<(Batch, MutexGuard<'_, Pen>)> {
        let (mut batch, mut pen) = match self.pen.try_lock() {
            Ok(pen) => (None, pen),
            Err(_) => {
                let mut ahead = Batch::on(self.newest());
                let pen = self.decide_ahead(desk, &mut ahead).await;
                (ahead.holds_any().then_some(ahead), pen)
            }
        };
        // Nothing is being appended.
        loop {
            // Before requests, or many of them would put it off for ever.
            if pen.reopening.is_due() {
                self.reopen(&mut pen).await;
            }
            // What it was decided on never became durable, or is not the end of the log any more.
            if let Some(fallen) = batch.take_if(|batch| !self.is_durable(batch.base())) {
                fallen.jobs().rev().for_each(|job| desk.waiting.push_front(job));
            }
            if self.is_gone() {
                return None;
            }
            let mut open = match batch.take() {
                Some(open) => open,
                None => {
                    if desk.waiting.is_empty() {
                        match self.next(desk, &mut pen).await {
                            Next::Request(job) => desk.waiting.push_back(job),
                            Next::Reopen => continue,
                            Next::End => return None,
                        }
                    }
                    match self.catch_up(&mut pen).await {
                        Ok(durable) => Batch::on(durable),
                        Err(error) => {
                            self.unreadable(desk, &mut pen, &error);
                            continue;
                        }
                    }
                }
            };
            self.decide_queued(desk, &mut open).await;
            if open.appends() {
                return Some((open, pen));
            }
            answer(open.outcomes(), &self.published.state(), &Became::Nothing);
        }
    }

    /// Decides requests as they come, until the other hand has appended its batch.
    async fn decide_ahead<'a>(&'a self, desk: &mut Desk, batch: &mut Batch) -> MutexGuard<'a, Pen> {
        let mut pen = std::pin::pin!(self.pen.lock());
        let mut open = true;
        loop {
            if !desk.waiting.is_empty() {
                self.decide_queued(desk, batch).await;
            }
            tokio::select! {
                biased;
                job = desk.jobs.recv(), if open && desk.waiting.is_empty() && batch.has_room(&self.options) => match job {
                    Some(job) => desk.waiting.push_back(job),
                    None => open = false,
                },
                pen = &mut pen => return pen,
            }
        }
    }

    async fn next(&self, desk: &mut Desk, pen: &mut Pen) -> Next {
        tokio::select! {
            biased;
            () = self.stop.notified(), if !desk.stopped => {
                if self.is_gone() {
                    return Next::End;
                }
                desk.stopped = true;
                desk.jobs.close();
                // What is queued is answered; a ledger that fails is not opened again for that.
                pen.reopening.forget();
                desk.jobs.recv().await.map_or(Next::End, Next::Request)
            }
            () = pen.reopening.due() => Next::Reopen,
            job = desk.jobs.recv() => job.map_or(Next::End, Next::Request),
        }
    }

    /// Opens the ledger again in place and takes in what it then holds.
    async fn reopen(&self, pen: &mut Pen) {
        let begin = Instant::now();
        let reopened = match self.ledger.reopen().await {
            // A batch whose outcome was unknown may have been found.
            Ok(_) => self.catch_up(pen).await.map(drop).map_err(|error| Writes::Poisoned(error.to_string())),
            Err(error) => Err(reopening::refusal(&error)),
        };
        match reopened {
            Ok(()) => {
                tracing::info!("requests are recorded again");
                self.published.say(Writes::Open);
                pen.reopening.forget();
            }
            // It was closed for good: whoever did that opens another one.
            Err(Writes::Closed) => pen.reopening.forget(),
            Err(writes) => {
                self.published.say_still(writes);
                pen.reopening.again_after(self.options.reopen_pause, begin.elapsed());
            }
        }
    }

    async fn commit(&self, pen: &mut Pen, batch: Closed) {
        let Closed { state, sets, outcomes } = batch;
        erasure::destroy(self.ledger.as_ref(), &mut pen.unerased).await;
        let durable = self.published.state();
        let at = baton_ledger::Position(durable.size);
        match self.ledger.append(baton_ledger::Batch { at, sets }).await {
            Ok(appended) => {
                // ---- Point of no return: from here on a crash recovers to "done". ----
                self.published.publish(Arc::clone(&state));
                self.published.say(Writes::Open);
                self.erase(pen, erasure::newly(&durable, &state)).await;
                pen.reopening.forget();
                answer(outcomes, &state, &Became::Durable(appended));
            }
            // The state of the batch is dropped: what is published is the durable one still.
            Err(error) => {
                let (failure, writes) = failure(&error);
                tracing::error!(error = &error as &dyn std::error::Error, requests = outcomes.len(), "failed to append a batch");
                match writes {
                    Writes::Poisoned(_) => pen.reopening.at_once(),
                    Writes::Full => pen.reopening.within(self.options.reopen_pause),
                    Writes::Open | Writes::Closed => {}
                }
                self.published.say(writes);
                answer(outcomes, &durable, &Became::Failed(failure));
            }
        }
    }

    /// The durable state. After a write whose outcome was unknown the ledger may turn out to hold
    /// more than was published.
    async fn catch_up(&self, pen: &mut Pen) -> Result<Arc<State>, ReadError> {
        let published = self.published.state();
        if self.ledger.head().size == published.size {
            return Ok(published);
        }
        let state = Arc::new(fold::catch_up(self.ledger.as_ref(), (*published).clone()).await?);
        self.published.publish(Arc::clone(&state));
        self.erase(pen, erasure::newly(&published, &state)).await;
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
    async fn erase(&self, pen: &mut Pen, erased: BTreeSet<Position>) {
        if !erased.is_empty() {
            pen.unerased.extend(erased);
            erasure::destroy(self.ledger.as_ref(), &mut pen.unerased).await;
        }
    }

    fn unreadable(&self, desk: &mut Desk, pen: &mut Pen, error: &ReadError) {
        tracing::error!(error = error as &dyn std::error::Error, "failed to read on in the log");
        self.published.say(Writes::Poisoned(error.to_string()));
        pen.reopening.within(self.options.reopen_pause);
        for _ in 0..self.options.batch_requests {
            let Some(job) = desk.waiting.pop_front().or_else(|| desk.jobs.try_recv().ok()) else { return };
            let _ = job.reply.send(Err(error.into()));
        }
    }

    /// Decides what is queued, as far as it fits into the batch.
    async fn decide_queued(&self, desk: &mut Desk, batch: &mut Batch) {
        while batch.has_room(&self.options) {
            let Some(job) = desk.waiting.pop_front().or_else(|| desk.jobs.try_recv().ok()) else { return };
            if let Some(job) = self.decide(job, batch).await {
                desk.waiting.push_front(job);
                return;
            }
        }
    }

    /// Decides a request, or gives it back when it must wait for the batch that is being appended.
    async fn decide(&self, job: Job, batch: &mut Batch) -> Option<Job> {
        let key = job.submission.key();
        // In this order: a batch leaves the one place after it has come to the other.
        if self.is_being_appended(&key) {
            return Some(job);
        }
        match self.ledger.request(&key) {
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
