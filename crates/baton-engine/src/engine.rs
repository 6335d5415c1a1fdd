//! The engine's handle: start, submit, validate, read, follow, shut down.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use baton_domain::decide::{self, Assessment, Request};
use baton_domain::event::{Command, Event};
use baton_domain::state::State;
use baton_domain::values::{Position, Revision, StreamId};
use baton_ledger::bounds::MAX_BATCH_SETS;
use baton_ledger::{CloseError, Ledger};
use jiff::Timestamp;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, Notify, mpsc, oneshot, watch};

use crate::batch::{Job, guarded, judge};
use crate::erasure;
use crate::error::{NotYet, ReadError, ShutdownError, StartError, SubmitError};
use crate::fold;
use crate::log::{LogEntry, stream_name};
use crate::published::{Published, Writes, newest};
use crate::reopening::Reopening;
use crate::resting;
use crate::snapshot;
use crate::submission::{Answer, Entry, Submission, Validated};
use crate::writer::{Appending, Deciding, Writer};

/// Bounds of the commit path. The default is right for a server.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many requests may wait for the writer, besides those it works on; at least 1. One more is
    /// refused with [`SubmitError::QueueFull`]: a queue that grows is only a longer wait.
    pub queue: usize,
    /// Most requests in one batch; 1 to 256, which is the ledger's bound.
    pub batch_requests: usize,
    /// A batch takes no further request once those in it hold this many bytes of content.
    pub batch_bytes: usize,
    /// While nothing can be recorded, the writer opens the ledger again, or looks for space, this often;
    /// less often when that takes long.
    pub reopen_pause: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { queue: 1_024, batch_requests: 256, batch_bytes: 1024 * 1024, reopen_pause: Duration::from_secs(1) }
    }
}

/// The server's clock, or a test's.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A running engine. Cloning gives another handle to the same one.
///
/// When the last handle is dropped the writer answers what is queued and ends; only
/// [`shutdown`](Engine::shutdown) closes the ledger, so that its next open need not check everything.
#[derive(Clone)]
pub struct Engine {
    ledger: Arc<dyn Ledger>,
    published: Arc<Published>,
    clock: Clock,
    jobs: mpsc::Sender<Job>,
    stop: Arc<Notify>,
    ended: watch::Receiver<Ended>,
}

/// How the writer ended; `None` while it runs.
type Ended = Option<Result<(), ShutdownError>>;

impl Engine {
    /// Takes the state that the last stop in order left, or folds the whole log into one, and starts the writer.
    ///
    /// When it folds, every record is checked: its leaf against its hash, its words against their commitments,
    /// its place against what it says. That takes time in proportion to the log, and blocks the calling thread
    /// while it does; others read ahead. Then the keys of all erased words are destroyed once
    /// more; where that fails, it is said in the log and tried again before every batch.
    ///
    /// # Errors
    /// See [`StartError`]. Damage anywhere in the log refuses the start: a state built on the rest
    /// would be wrong.
    pub async fn start(ledger: Arc<dyn Ledger>, options: Options) -> Result<Self, StartError> {
        Self::start_with(ledger, options, Arc::new(Timestamp::now)).await
    }

    pub(crate) async fn start_with(ledger: Arc<dyn Ledger>, options: Options, clock: Clock) -> Result<Self, StartError> {
        if ledger.head().size == 0 {
            return Err(StartError::NotBegun);
        }
        let state = match snapshot::read(ledger.as_ref()) {
            Some(state) => state,
            None => fold::fold(ledger.as_ref())?,
        };
        let (engine, writer, ended) = assemble(ledger, state, options, clock).await;
        resting::spawn(&engine.published).map_err(StartError::Thread)?;
        spawn(writer, ended).map_err(StartError::Thread)?;
        Ok(engine)
    }

    /// As [`start`](Engine::start), but no thread is started and the caller says what time it is: the
    /// future is the writer, which works whenever it is polled. So a simulation runs in one thread, in
    /// the same order each time.
    ///
    /// Requests are answered only while the future is polled, and its ledger may block then. Dropping
    /// it is what the end of the process is to a server: what was not answered never will be.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start_driven(
        ledger: Arc<dyn Ledger>,
        options: Options,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<(Self, impl Future<Output = ()> + Send), StartError> {
        if ledger.head().size == 0 {
            return Err(StartError::NotBegun);
        }
        let state = fold::catch_up(ledger.as_ref(), State::default()).await?;
        let (engine, writer, ended) = assemble(ledger, state, options, Arc::new(clock)).await;
        let published = Arc::clone(&engine.published);
        let driven = async move {
            let (one, other) = tokio::join!(writer.work(), writer.work());
            conclude(closed(one.and(other)), &published, &ended);
        };
        Ok((engine, driven))
    }

    pub(crate) fn ledger(&self) -> &dyn Ledger {
        self.ledger.as_ref()
    }

    /// The durable state. Costs a pointer; hold it for as long as you like.
    pub fn snapshot(&self) -> Arc<State> {
        self.published.state()
    }

    /// The durable state once it holds the event at `min`, waiting at most `wait` for it.
    ///
    /// # Errors
    /// [`NotYet`] when it does not get there in time. Needs the timer of a tokio runtime.
    pub async fn snapshot_at(&self, min: Position, wait: Duration) -> Result<Arc<State>, NotYet> {
        let mut sizes = self.follow();
        let reached = async { sizes.wait_for(|size| *size > min.0).await.is_ok() };
        let reached = tokio::time::timeout(wait, reached).await.unwrap_or(false);
        let state = self.snapshot();
        if reached { Ok(state) } else { Err(NotYet { asked: min, newest: newest(&state) }) }
    }

    /// Records a request, all of its commands or none.
    ///
    /// **Durable when?** When this returns `Ok`, or a refusal. **After a crash, or when the answer was
    /// lost?** Submit the same again: the command id and content give the first receipt, or the
    /// request is recorded then. Dropping the future cancels nothing: what is queued is decided.
    ///
    /// # Errors
    /// See [`SubmitError`]. Unmet rules are refused and the refusal is recorded in stream `audit`;
    /// a stale revision is refused and leaves no trace.
    pub async fn submit(&self, mut submission: Submission) -> Result<Answer, SubmitError> {
        submission.check_form()?;
        self.open(&submission.commands);
        let content = std::mem::take(&mut submission.content);
        let (digest, size) = (self.ledger.keyed_digest(&content), content.len());
        drop(content);
        let (reply, answer) = oneshot::channel();
        self.jobs.try_send(Job { key: submission.key(), submission, digest, size, reply }).map_err(|error| match error {
            TrySendError::Full(_) => SubmitError::QueueFull,
            TrySendError::Closed(_) => SubmitError::Closed,
        })?;
        // The writer answers every request it took, unless its thread dies.
        answer.await.unwrap_or(Err(SubmitError::OutcomeUnknown))
    }

    /// Opens what commands are for, so that the writer, for whom everybody waits, finds it open.
    fn open(&self, commands: &[Command]) {
        let state = self.published.state();
        commands.iter().for_each(|command| state.open_for(command));
    }

    /// Says what a request would do, on the durable state, and writes nothing.
    ///
    /// The command id is not looked at. For a lone `Approved` its digest is not looked at either: the
    /// answer holds the assessment of the open proposal, with the digest to name; everything else
    /// about the approval is judged as it would be.
    ///
    /// # Errors
    /// As [`submit`](Engine::submit), but for what only a write can meet.
    pub fn validate(&self, submission: &Submission) -> Result<Validated, SubmitError> {
        submission.check_form()?;
        let state = self.snapshot();
        let refuse = |refusal| SubmitError::Refused(refusal, newest(&state).unwrap_or(Position(0)));
        let person = submission.person.clone();
        let request = Request { person, command_id: submission.command_id, now: (self.clock)() };
        decide::expect(&state, &submission.expected).map_err(refuse)?;
        let mut judged = submission.commands.clone();
        let assessment = match judged.as_mut_slice() {
            [command] => assess(&state, &request, command)?,
            _ => None,
        };
        let mut tried = (*state).clone();
        let decided = judge(&mut tried, &request, &judged)?.map_err(refuse)?;
        let entries = decided.events.iter().map(|event| Entry::of(event)).collect();
        Ok(Validated { entries, warnings: decided.warnings, assessment })
    }

    /// Events in log order, from `from` on, at most `limit`. May return fewer; returns none only when
    /// there is no event at or after `from` yet, or `limit` is 0.
    ///
    /// # Errors
    /// See [`ReadError`]; a damaged record ends the read and is not returned.
    pub async fn read(&self, from: Position, limit: usize) -> Result<Vec<LogEntry>, ReadError> {
        let page = self.ledger.read(baton_ledger::Position(from.0), limit).await?;
        let state = self.snapshot();
        page.into_iter().map(|stored| LogEntry::read(stored, &state)).collect()
    }

    /// Events of one stream in order of revision, from `from` on; otherwise as [`read`](Engine::read).
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn read_stream(&self, stream: &StreamId, from: Revision, limit: usize) -> Result<Vec<LogEntry>, ReadError> {
        // A stream whose name the ledger does not take holds nothing.
        let Ok(name) = stream_name(stream) else { return Ok(Vec::new()) };
        let page = self.ledger.read_stream(&name, baton_ledger::Revision(from.0), limit).await?;
        let state = self.snapshot();
        page.into_iter().map(|stored| LogEntry::read(stored, &state)).collect()
    }

    /// The size of the durable log as it grows. It changes after the state does, so whoever sees a
    /// size finds a snapshot that reaches it. Steps may be merged.
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.published.sizes()
    }

    /// Whether requests can be recorded, as it changes. That they can not is learned from a write, or at
    /// the start; that they can again, by the writer itself, with no request needed.
    pub fn writes(&self) -> watch::Receiver<Writes> {
        self.published.writes()
    }

    /// Takes no more requests, answers those queued, and closes the ledger. Reads go on. Calling it
    /// again gives the same result again.
    ///
    /// # Errors
    /// See [`ShutdownError`]; nothing acknowledged is lost.
    pub async fn shutdown(&self) -> Result<(), ShutdownError> {
        self.stop.notify_one();
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(ended) => ended.clone().unwrap_or(Err(ShutdownError::WriterGone)),
            Err(_) => Err(ShutdownError::WriterGone),
        }
    }
}

/// A handle and its writer, which does not run yet; and where its end is to be said.
async fn assemble(
    ledger: Arc<dyn Ledger>,
    state: State,
    options: Options,
    clock: Clock,
) -> (Engine, Writer, watch::Sender<Ended>) {
    // A crash may have come between an erasure and the end of its keys.
    let mut unerased = state.erased.keys().copied().collect();
    erasure::destroy(ledger.as_ref(), &mut unerased).await;
    let published = Arc::new(Published::new(state));
    let reopening = Reopening::begin(ledger.as_ref(), &published).await;
    let (jobs, queue) = mpsc::channel(options.queue.max(1));
    let stop = Arc::new(Notify::new());
    let options = Options { batch_requests: options.batch_requests.clamp(1, MAX_BATCH_SETS), ..options };
    let writer = Writer {
        ledger: Arc::clone(&ledger),
        published: Arc::clone(&published),
        clock: Arc::clone(&clock),
        options,
        stop: Arc::clone(&stop),
        deciding: Mutex::new(Deciding::new(queue)),
        appending: Mutex::new(Appending::new(unerased, reopening)),
        ahead: Default::default(),
        gone: Default::default(),
    };
    let (ended, watched) = watch::channel(None);
    (Engine { ledger, published, clock, jobs, stop, ended: watched }, writer, ended)
}

/// Runs each worker of the writer on a thread of its own, with a runtime of its own: the ledger's append
/// may block.
fn spawn(writer: Writer, ended: watch::Sender<Ended>) -> std::io::Result<()> {
    let writer = Arc::new(writer);
    let worker = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let writer = Arc::clone(&writer);
        Ok::<_, std::io::Error>(move || {
            let worked = catch_unwind(AssertUnwindSafe(|| runtime.block_on(writer.work())));
            worked.map(closed).unwrap_or_else(|_| {
                writer.give_up();
                Err(ShutdownError::WriterGone)
            })
        })
    };
    let (one, other) = (worker()?, worker()?);
    let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
    let other = named("baton-writer-2").spawn(other)?;
    let published = Arc::clone(&writer.published);
    let both = move || {
        let worked = one();
        let result = worked.and(other.join().unwrap_or(Err(ShutdownError::WriterGone)));
        // It holds the ledger, and a process may end as soon as it hears that the writer has.
        drop(one);
        conclude(result, &published, &ended);
    };
    named("baton-writer-1").spawn(both).map(drop).inspect_err(|_| writer.give_up())
}

fn closed(closed: Result<(), CloseError>) -> Result<(), ShutdownError> {
    closed.map_err(|error| ShutdownError::Close(Arc::new(error)))
}

/// Says to those who watch that the writer has ended, and how.
fn conclude(result: Result<(), ShutdownError>, published: &Published, ended: &watch::Sender<Ended>) {
    match &result {
        Err(ShutdownError::WriterGone) => {
            tracing::error!("the writer panicked; nothing more can be recorded");
            published.say(Writes::Poisoned("the writer panicked".to_owned()));
        }
        _ => published.say(Writes::Closed),
    }
    ended.send_replace(Some(result));
}

/// For an approval: what its proposal would do, with the digest put into the command. None where the
/// proposal cannot be assessed, or for any other command: then judging says what there is to say.
fn assess(state: &State, request: &Request, command: &mut Command) -> Result<Option<Assessment>, SubmitError> {
    let (StreamId::Proposal(id), Event::Approved(approved)) = (&command.stream, &mut command.statement.event) else {
        return Ok(None);
    };
    let assessed = guarded(request.command_id, || state.assess_proposal(request, id))?.ok();
    if let Some(assessment) = &assessed {
        approved.digest.clone_from(&assessment.digest);
    }
    Ok(assessed)
}
