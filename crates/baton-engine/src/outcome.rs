//! What requests of a batch are answered, once it is known what became of it.

use baton_domain::state::State;
use baton_domain::values::Position;
use baton_ledger::{AppendError, Appended};

use crate::batch::Job;
use crate::error::SubmitError;
use crate::published::{Writes, newest};
use crate::submission::Answer;

/// A request with what it is to be answered. The position is set when the answer leaves.
pub(crate) struct Outcome {
    pub(crate) job: Job,
    pub(crate) result: Result<Answer, SubmitError>,
    /// Whether it holds only once the batch is durable.
    pub(crate) rests_on_batch: bool,
}

/// What became of a batch.
pub(crate) enum Became {
    /// There was nothing to append.
    Nothing,
    /// It is durable.
    Durable(Appended),
    /// Its append failed.
    Failed(SubmitError),
}

/// Sends the answers of a batch. After a failure, whatever rests on the batch is answered with it.
pub(crate) fn answer(outcomes: Vec<Outcome>, durable: &State, became: &Became) {
    let position = newest(durable).unwrap_or(Position(0));
    for Outcome { job, mut result, rests_on_batch } in outcomes {
        match &mut result {
            Ok(answer) => {
                answer.position = position;
                if let (true, Became::Durable(appended)) = (rests_on_batch, became) {
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
        if let (true, Became::Failed(failure)) = (rests_on_batch, became) {
            result = Err(failure.clone());
        }
        // Whoever asked may have gone; what was recorded stays.
        let _ = job.reply.send(result);
    }
}

/// What a failed append means to those who asked, and to those who watch.
pub(crate) fn failure(error: &AppendError) -> (SubmitError, Writes) {
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
