//! What clients asked, what they were told, and what must therefore be in the log.

use std::future::Future;
use std::pin::Pin;

use baton_domain::decide::{Expected, Refusal};
use baton_domain::event::Command;
use baton_domain::values::{Position, Revision, StreamId};
use baton_engine::{Answer, Entry, LogEntry, Submission, SubmitError};
use uuid::Uuid;

/// A request under its id.
pub(crate) struct Asked {
    pub(crate) person: &'static str,
    pub(crate) id: Uuid,
    pub(crate) commands: Vec<Command>,
    pub(crate) expected: Vec<(StreamId, Expected)>,
    /// The first answer.
    pub(crate) acknowledged: Option<Vec<Entry>>,
    /// Refused for good: its client asks no more.
    pub(crate) refused: bool,
    /// Some answer to it was lost or said that the outcome is not known.
    pub(crate) unknown: bool,
    /// Every answer to it said that nothing was recorded, and it was not asked again since.
    pub(crate) absent: bool,
    /// How many of its submissions wait for an answer.
    pub(crate) waiting: usize,
}

/// A submission whose answer has not come.
pub(crate) struct Flight {
    /// Index of the request.
    pub(crate) asked: usize,
    /// Whether it bears the content first given with the id.
    pub(crate) same_content: bool,
    pub(crate) answer: Pin<Box<dyn Future<Output = Result<Answer, SubmitError>> + Send>>,
}

/// What may be blamed for an answer.
pub(crate) struct Excuses {
    /// A write or sync failed since the log was opened: nothing more may be acknowledged.
    pub(crate) failed: bool,
    /// Something failed since then for which the log may take no more.
    pub(crate) poisoned: bool,
    /// A read brought a flipped bit.
    pub(crate) flipped: bool,
    /// An operation failed just now, or the disk was full, or an earlier failure goes on.
    pub(crate) refusing: bool,
}

impl Asked {
    pub(crate) fn new(person: &'static str, number: u64, commands: Vec<Command>, expected: Vec<(StreamId, Expected)>) -> Self {
        let id = Uuid::from_u128(u128::from(number) + 1);
        Asked { person, id, commands, expected, acknowledged: None, refused: false, unknown: false, absent: true, waiting: 0 }
    }

    /// The request as it is sent; with `other` content under its id, one command more.
    pub(crate) fn submission(&self, other: Option<Command>) -> Submission {
        let commands: Vec<Command> = self.commands.iter().cloned().chain(other).collect();
        let content = serde_json::to_vec(&commands).unwrap();
        Submission {
            person: self.person.parse().unwrap(),
            command_id: self.id,
            expected: self.expected.clone(),
            commands,
            content,
        }
    }

    /// Whether its client still wants an answer and none is on its way.
    pub(crate) fn unsettled(&self) -> bool {
        self.acknowledged.is_none() && !self.refused && self.waiting == 0
    }

    /// Takes an answer in, and says what is wrong with it. `log` is what readers can read by now.
    pub(crate) fn take(
        &mut self,
        result: &Result<Answer, SubmitError>,
        same_content: bool,
        log: &[LogEntry],
        excuses: &Excuses,
    ) -> Result<(), String> {
        self.waiting -= 1;
        match result {
            Ok(_) if !same_content => Err("other content under an id that was recorded was taken".to_owned()),
            Ok(answer) => self.acknowledge(answer, log, excuses),
            Err(error) => self.decline(error, same_content, log, excuses),
        }
    }

    fn acknowledge(&mut self, answer: &Answer, log: &[LogEntry], excuses: &Excuses) -> Result<(), String> {
        if excuses.failed && !answer.already_recorded {
            return Err("acknowledged after a write or sync had failed".to_owned());
        }
        if answer.entries.len() != self.commands.len() {
            return Err(format!("{} events for {} commands", answer.entries.len(), self.commands.len()));
        }
        let last = answer.entries.last().map_or(Position(0), |entry| entry.position);
        if answer.position < last || answer.checkpoint.as_ref().is_some_and(|signed| signed.checkpoint().size <= last.0) {
            return Err(format!("an answer at position {} with an event at {last}", answer.position));
        }
        for entry in &answer.entries {
            let read = log.get(entry.position.0 as usize);
            if read.is_none_or(|read| Some(read.leaf_hash) != entry.leaf_hash || read.recorded.command_id != self.id) {
                return Err(format!("position {} was acknowledged and cannot be read", entry.position));
            }
        }
        match &self.acknowledged {
            Some(first) if *first != answer.entries => Err("a repeat was answered otherwise than the first time".to_owned()),
            Some(_) if !answer.already_recorded => Err("acknowledged twice as new".to_owned()),
            _ => {
                self.acknowledged = Some(answer.entries.clone());
                self.absent = false;
                Ok(())
            }
        }
    }

    fn decline(&mut self, error: &SubmitError, same: bool, log: &[LogEntry], excuses: &Excuses) -> Result<(), String> {
        match error {
            SubmitError::OutcomeUnknown => {
                self.unknown = true;
                return excused(excuses.poisoned, error);
            }
            // It may be the first answer that is damaged.
            SubmitError::Damaged { .. } => {
                self.unknown = true;
                return excused(excuses.flipped, error);
            }
            SubmitError::RequestReused { first } => {
                let known = self.acknowledged.as_ref().and_then(|entries| entries.first()).map(|entry| entry.position);
                return match known {
                    Some(known) if !same && known == *first => Ok(()),
                    _ => Err(format!("an id is said to stand for other content at {first}")),
                };
            }
            // A record whose repeat could not be read is there all the same.
            _ if self.acknowledged.is_some() => {}
            _ if self.waiting == 0 && !self.unknown => self.absent = true,
            _ => {}
        }
        match error {
            SubmitError::Refused(refusal, at) => {
                if self.acknowledged.is_some() {
                    return Err("refused, and it is recorded".to_owned());
                }
                self.refused |= !self.unknown && self.waiting == 0;
                rests_on(refusal, *at, log)
            }
            SubmitError::Full | SubmitError::NotWritten { .. } => excused(excuses.refusing, error),
            SubmitError::Poisoned { .. } => excused(excuses.poisoned, error),
            SubmitError::QueueFull | SubmitError::Closed => Ok(()),
            _ => Err(format!("an answer that never should be: {error}")),
        }
    }

    /// Holds what was asked and answered against all of the log.
    pub(crate) fn check(&self, log: &[LogEntry]) -> Result<(), String> {
        let found: Vec<&LogEntry> = log.iter().filter(|entry| is_of(entry, self.id)).collect();
        let whole = found.is_empty() || found.len() == self.commands.len();
        let together = found.windows(2).all(|pair| pair[0].recorded.position.0 + 1 == pair[1].recorded.position.0);
        match &self.acknowledged {
            _ if !(whole && together) => {
                return Err(format!("{} of {} events of request {} are in the log", found.len(), self.commands.len(), self.id));
            }
            Some(_) if found.is_empty() => return Err(format!("request {} was acknowledged and is gone", self.id)),
            Some(entries) => {
                let same = |(entry, found): (&Entry, &&LogEntry)| {
                    entry.position == found.recorded.position && entry.leaf_hash == Some(found.leaf_hash)
                };
                if !entries.iter().zip(&found).all(same) {
                    return Err(format!("request {} is not where it was acknowledged", self.id));
                }
            }
            None if self.absent && !found.is_empty() => {
                return Err(format!("request {} was said to be not recorded and is in the log", self.id));
            }
            None => {}
        }
        self.check_expected(&found)
    }

    /// A recorded request found every stream as it expected.
    fn check_expected(&self, found: &[&LogEntry]) -> Result<(), String> {
        for (stream, expected) in &self.expected {
            let Some(first) = found.iter().find(|entry| entry.recorded.stream == *stream) else { continue };
            let before = first.recorded.revision.0 - 1;
            let held = match expected {
                Expected::Exact(revision) => before == revision.0,
                Expected::NoStream => before == 0,
                Expected::Any => true,
            };
            if !held {
                return Err(format!("request {} expected {expected:?} of {stream} and found revision {before}", self.id));
            }
        }
        Ok(())
    }
}

/// Whether an entry is an event of the request, and not the record of its refusal.
pub(crate) fn is_of(entry: &LogEntry, id: Uuid) -> bool {
    entry.recorded.command_id == id && entry.recorded.stream != StreamId::Audit
}

/// A refusal says what was so in the durable log at the position it names.
fn rests_on(refusal: &Refusal, at: Position, log: &[LogEntry]) -> Result<(), String> {
    let prefix = log.get(..=at.0 as usize).ok_or_else(|| format!("a refusal rests on position {at}, which is not durable"))?;
    let Refusal::StaleRevision { stream, actual, .. } = refusal else { return Ok(()) };
    let newest = prefix.iter().rev().find(|entry| entry.recorded.stream == *stream);
    let revision: Option<Revision> = newest.map(|entry| entry.recorded.revision);
    // Requests of the same batch may have moved the stream on before the answer left.
    if *actual <= revision {
        Ok(())
    } else {
        Err(format!("refused because {stream} is at {actual:?}, and it is at {revision:?}"))
    }
}

fn excused(excuse: bool, error: &SubmitError) -> Result<(), String> {
    if excuse { Ok(()) } else { Err(format!("an answer for no reason: {error}")) }
}
