//! A batch being built: requests decided in order, each on the state the ones before it would leave, and folded into it
//! in place. What a request leaves in it that is not kept is taken back.
//!
//! Nothing here is durable and nothing leaves: outcomes are kept with their requests until the writer
//! knows what became of the append. An outcome that rests on the durable log alone says so.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use baton_domain::decide::{self, Decided, Refusal, Request};
use baton_domain::event::{Command, Recorded};
use baton_domain::state::State;
use baton_domain::values::Position;
use baton_ledger::bounds::{MAX_BATCH_BYTES, MAX_BATCH_RECORDS, MAX_BATCH_SETS};
use baton_ledger::{AppendSet, Record, RequestKey};
use jiff::Timestamp;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::codec::{self, EncodeError};
use crate::engine::Options;
use crate::error::SubmitError;
use crate::log::stream_name;
use crate::outcome::Outcome;
use crate::submission::{Answer, Entry, Submission};

/// A request on its way, and where its answer goes.
pub(crate) struct Job {
    pub(crate) submission: Submission,
    /// What the ledger remembers it by.
    pub(crate) key: RequestKey,
    /// Keyed digest of the content, made by the caller's thread. The content itself goes no further.
    pub(crate) digest: [u8; 32],
    /// Bytes of the content.
    pub(crate) size: usize,
    pub(crate) reply: oneshot::Sender<Result<Answer, SubmitError>>,
}

/// Requests that a batch records: their digest and their outcome.
pub(crate) type Asked = HashMap<RequestKey, ([u8; 32], usize)>;

/// Requests decided so far.
pub(crate) struct Batch {
    /// The state they were decided on; it may not be durable yet.
    base: Arc<State>,
    /// The state after them.
    state: State,
    /// A state of this batch, or before it, and the events from there to `state`.
    kept: (State, Vec<Arc<Recorded>>),
    sets: Vec<AppendSet>,
    outcomes: Vec<Outcome>,
    records: usize,
    bytes: usize,
    /// Bytes of the requests as they came.
    content: usize,
    asked: Asked,
}

/// A batch that takes no more requests.
pub(crate) struct Closed {
    /// The state after it.
    pub(crate) state: Arc<State>,
    /// What it appends.
    pub(crate) sets: Vec<AppendSet>,
    /// The outcomes of its requests, in the order in which they came.
    pub(crate) outcomes: Vec<Outcome>,
}

/// What one request adds to the batch.
struct Addition {
    events: Vec<Arc<Recorded>>,
    set: AppendSet,
    result: Result<Answer, SubmitError>,
}

impl Batch {
    /// An empty batch on a state.
    pub(crate) fn on(base: Arc<State>) -> Self {
        let (state, kept) = ((*base).clone(), ((*base).clone(), Vec::new()));
        let (sets, outcomes, asked) = (Vec::new(), Vec::new(), HashMap::new());
        Self { base, state, kept, sets, outcomes, records: 0, bytes: 0, content: 0, asked }
    }

    /// Whether one more request may be taken.
    pub(crate) fn has_room(&self, options: &Options) -> bool {
        !self.holds_any() || (self.outcomes.len() < options.batch_requests && self.content < options.batch_bytes)
    }

    /// Keeps an answer that rests on the durable log alone.
    pub(crate) fn settle(&mut self, job: Job, result: Result<Answer, SubmitError>) {
        self.content += job.size;
        self.outcomes.push(Outcome { job, result, rests_on_batch: false });
    }

    /// The state it was decided on.
    pub(crate) fn base(&self) -> &Arc<State> {
        &self.base
    }

    /// Whether any request was decided.
    pub(crate) fn holds_any(&self) -> bool {
        !self.outcomes.is_empty()
    }

    /// Whether there is anything to append.
    pub(crate) fn appends(&self) -> bool {
        !self.sets.is_empty()
    }

    /// Its requests as they came, to be decided again on another state.
    pub(crate) fn jobs(self) -> impl DoubleEndedIterator<Item = Job> {
        self.outcomes.into_iter().map(|outcome| outcome.job)
    }

    /// The outcomes of its requests, in the order in which they came.
    pub(crate) fn outcomes(self) -> Vec<Outcome> {
        self.outcomes
    }

    /// Ends it: what is left to do, and which requests it records.
    pub(crate) fn close(self) -> (Closed, Asked) {
        (Closed { state: Arc::new(self.state), sets: self.sets, outcomes: self.outcomes }, self.asked)
    }

    /// Decides a request that the durable log does not hold. Gives it back, undecided, when what it
    /// would append does not fit any more: then it belongs into the next batch.
    #[must_use]
    pub(crate) fn take(&mut self, job: Job, now: Timestamp) -> Option<Job> {
        if let Some((digest, first)) = self.asked.get(&job.key) {
            let result = self.repeat(*first, *digest == job.digest);
            self.keep(job, result);
            return None;
        }
        let size = self.state.size;
        match self.decide(&job, now) {
            Err(error) => {
                self.take_back(size);
                self.keep(job, Err(error));
            }
            Ok(addition) if !self.has_room_for(&addition.set) => {
                self.take_back(size);
                if !self.sets.is_empty() {
                    return Some(job);
                }
                self.keep(job, Err(too_large(&addition.set)));
            }
            Ok(addition) => {
                self.count(&addition.set);
                if addition.set.request.is_some() {
                    self.asked.insert(job.key.clone(), (job.digest, self.outcomes.len()));
                }
                self.sets.push(addition.set);
                self.kept.1.extend(addition.events);
                self.keep(job, addition.result);
            }
        }
        None
    }

    /// The same command id twice in one batch: the second answer is the first one's.
    fn repeat(&self, first: usize, same_content: bool) -> Result<Answer, SubmitError> {
        match &self.outcomes[first].result {
            Ok(answer) if same_content => Ok(Answer { warnings: Vec::new(), already_recorded: true, ..answer.clone() }),
            Ok(answer) => Err(SubmitError::RequestReused { first: answer.first() }),
            Err(error) => Err(error.clone()),
        }
    }

    /// Decides a request and folds it in; what is left of it in the state after an error is for the caller to take back.
    fn decide(&mut self, job: &Job, now: Timestamp) -> Result<Addition, SubmitError> {
        let submission = &job.submission;
        let request = Request { person: submission.person.clone(), command_id: submission.command_id, now };
        let refuse = |refusal| SubmitError::Refused(refusal, Position(0));
        decide::expect(&self.state, &submission.expected).map_err(refuse)?;
        let size = self.state.size;
        match judge(&mut self.state, &request, &submission.commands)? {
            Ok(Decided { events, .. }) if events.is_empty() => {
                Err(SubmitError::Defect { why: "the request was taken and recorded nothing".to_owned() })
            }
            Ok(Decided { events, warnings }) => {
                let records = encode(&events, submission.commands.len())?;
                let set = AppendSet { request: Some(job.key.clone()), digest: job.digest, ..unasked(records) };
                let entries = events.iter().map(|event| Entry::of(event)).collect();
                let answer = Answer { entries, warnings, already_recorded: false, position: Position(0), checkpoint: None };
                Ok(Addition { events, set, result: Ok(answer) })
            }
            Err(refusal) => {
                self.take_back(size);
                let recorded = decide::refused(&mut self.state, &request, &submission.commands, &refusal);
                let refusal = refuse(refusal);
                let Some(Decided { events, .. }) = recorded else { return Err(refusal) };
                let set = unasked(encode(&events, 0)?);
                Ok(Addition { events, set, result: Err(refusal) })
            }
        }
    }

    /// Makes the state what it was at this size, before the request that is not kept.
    fn take_back(&mut self, size: u64) {
        if self.state.size == size {
            return;
        }
        let (state, since) = &mut self.kept;
        // From here on it is the one to begin with: no event is folded in a third time, whatever is refused.
        since.drain(..).for_each(|event| state.evolve(&event));
        self.state = state.clone();
        debug_assert_eq!(self.state.size, size);
    }

    /// Keeps an outcome; it rests on whatever the batch holds by now.
    fn keep(&mut self, job: Job, result: Result<Answer, SubmitError>) {
        self.content += job.size;
        self.outcomes.push(Outcome { job, result, rests_on_batch: !self.sets.is_empty() });
    }

    fn has_room_for(&self, set: &AppendSet) -> bool {
        self.sets.len() < MAX_BATCH_SETS
            && self.records + set.records.len() <= MAX_BATCH_RECORDS
            && self.bytes + bytes_of(set) <= MAX_BATCH_BYTES
    }

    fn count(&mut self, set: &AppendSet) {
        self.records += set.records.len();
        self.bytes += bytes_of(set);
    }
}

/// Decides a request; see [`decide::decide`] for what is left in `state`.
pub(crate) fn judge(state: &mut State, request: &Request, commands: &[Command]) -> Result<Result<Decided, Refusal>, SubmitError> {
    guarded(request.command_id, || decide::decide(state, request, commands))
}

/// Runs rules; a panic of theirs is a defect that costs this one request, not the writer. What they leave in a state has
/// another size then, so that nobody takes it for whole: [`State::evolve`] sets it first.
pub(crate) fn guarded<T>(command_id: Uuid, rules: impl FnOnce() -> T) -> Result<T, SubmitError> {
    catch_unwind(AssertUnwindSafe(rules)).map_err(|panic| {
        let why = panic_text(panic.as_ref());
        tracing::error!(%command_id, why, "deciding a request panicked");
        SubmitError::Defect { why }
    })
}

/// A set that nobody may ask to repeat.
pub(crate) fn unasked(records: Vec<Record>) -> AppendSet {
    // Revisions are checked on the engine's state; the position of the batch shuts out other writers.
    AppendSet { request: None, digest: [0; 32], expected: Vec::new(), records }
}

/// An event as the ledger takes it.
pub(crate) fn record(event: &Recorded) -> Result<Record, EncodeError> {
    let encoded = codec::encode(event)?;
    Ok(Record { stream: stream_name(&event.stream)?, leaf: encoded.leaf, disclosure: encoded.disclosure })
}

fn encode(events: &[Arc<Recorded>], commands: usize) -> Result<Vec<Record>, SubmitError> {
    let encode = |(index, event): (usize, &Arc<Recorded>)| {
        record(event).map_err(|error| refusal_of(error, command_of(index, events.len(), commands)))
    };
    events.iter().enumerate().map(encode).collect()
}

/// Every command records one event, but for approvals, which record as many as were proposed.
fn command_of(event: usize, events: usize, commands: usize) -> Option<usize> {
    match commands {
        1 => Some(0),
        _ if commands == events => Some(event),
        _ => None,
    }
}

fn refusal_of(error: EncodeError, command: Option<usize>) -> SubmitError {
    match error {
        EncodeError::TooLarge { what, size, bound } => SubmitError::TooLarge { command, what, size, bound },
        EncodeError::Form(source) => SubmitError::Defect { why: format!("an event has no stored form: {source}") },
        EncodeError::Stream(source) => SubmitError::Defect { why: source.to_string() },
    }
}

/// Why a set does not even fit into a batch of its own.
fn too_large(set: &AppendSet) -> SubmitError {
    let (what, size, bound) = if set.records.len() > MAX_BATCH_RECORDS {
        ("the number of events of a request", set.records.len(), MAX_BATCH_RECORDS)
    } else {
        ("the bytes of a request", bytes_of(set), MAX_BATCH_BYTES)
    };
    SubmitError::TooLarge { command: None, what, size, bound }
}

fn bytes_of(set: &AppendSet) -> usize {
    set.records.iter().map(|record| record.leaf.len() + record.disclosure.as_ref().map_or(0, Vec::len)).sum()
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_rules_is_a_defect_of_one_request() {
        let panicked = guarded(Uuid::nil(), || -> u8 { panic!("a rule went wrong") });
        assert!(matches!(panicked, Err(SubmitError::Defect { why }) if why == "a rule went wrong"));
        assert!(matches!(guarded(Uuid::nil(), || 7), Ok(7)));
    }
}
