//! Deciding: commands in, events or every unmet rule out.
//!
//! All commands of a request are decided in order on one state, all or nothing. Nothing here writes;
//! what comes back is exactly what is to be appended, positions and revisions included.
//!
//! Events are folded into the state that was given, in place: whoever decides many requests one after another copies
//! nothing for each. A request that is refused at its second command has left the first in it, which
//! [`State::size`] tells.

mod directory;
mod erasure;
mod keeping;
mod place;
mod proposal;
mod statement;
mod truth;

pub use keeping::{key_rotated, log_forked};
pub use proposal::{Assessment, Consequence, Taken, assess};

use crate::event::{Command, Event, EventType, Nature, Place, Placed, Recorded, Standing, Statement};
use crate::state::State;
use crate::unmet::Unmet;
use crate::values::{Day, PersonId, Position, ProposalId, Revision, StreamId};
use std::sync::Arc;

/// Who asks, when, and under which request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The authenticated person.
    pub person: PersonId,
    /// The id of the request.
    pub command_id: uuid::Uuid,
    /// The server's clock. Raised to the newest event's when it is behind.
    pub now: jiff::Timestamp,
}

/// What a client expects of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Its newest revision is this.
    Exact(Revision),
    /// Nothing is recorded in it yet.
    NoStream,
    /// Anything.
    Any,
}

/// Something worth saying about a command that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Index of the command in the request.
    pub command: usize,
    /// Stable code.
    pub code: String,
    /// What, in a sentence.
    pub what: String,
}

/// What is to be appended.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The events, in order of position.
    pub events: Vec<Arc<Recorded>>,
    /// Things worth saying.
    pub warnings: Vec<Warning>,
}

/// A request that is not taken. Nothing of it is recorded but the refusal itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A stream moved on since the client read it (rule I44).
    StaleRevision {
        /// The stream.
        stream: StreamId,
        /// What the client expected, in words.
        expected: String,
        /// Its newest revision.
        actual: Option<Revision>,
    },
    /// Rules are not met: each with the index of its command.
    Rules(Vec<(usize, Unmet)>),
}

/// Checks what a client expects of streams.
///
/// # Errors
/// [`Refusal::StaleRevision`] for the first stream that is not as expected.
pub fn expect(state: &State, expected: &[(StreamId, Expected)]) -> Result<(), Refusal> {
    for (stream, expected) in expected {
        let actual = state.revision(stream);
        let (holds, words) = match expected {
            Expected::Any => (true, String::new()),
            Expected::NoStream => (actual.is_none(), "no stream".to_owned()),
            Expected::Exact(revision) => (actual == Some(*revision), format!("revision {revision}")),
        };
        if !holds {
            return Err(Refusal::StaleRevision { stream: stream.clone(), expected: words, actual });
        }
    }
    Ok(())
}

/// Decides `commands` in order, and folds the events into `state`.
///
/// # Errors
/// [`Refusal::Rules`] with every unmet rule of every command that was judged. Judging ends at the first
/// command that can not be taken, because those after it may rest on it. `state` is as it was if, and only if, its size
/// is: otherwise it holds events that are not to be, and is of no more use.
pub fn decide(state: &mut State, request: &Request, commands: &[Command]) -> Result<Decided, Refusal> {
    let mut draft = Draft::new(state, request, None);
    for (index, command) in commands.iter().enumerate() {
        let unmet = draft.take(index, command);
        if !unmet.is_empty() {
            return Err(Refusal::Rules(unmet.into_iter().map(|u| (index, u)).collect()));
        }
    }
    Ok(draft.decided())
}

/// The event with which a log begins.
pub fn open_log(request: &Request, opened: crate::event::LogOpened) -> Decided {
    let mut state = State::default();
    let mut draft = Draft::new(&mut state, request, None);
    let statement = draft.plain(Event::from(opened));
    draft.push(StreamId::Log, statement, None, Vec::new());
    draft.decided()
}

/// The event that records a refusal, outside the streams it was meant for, folded into `state` as it was before the
/// refused request. Empty for a stale revision.
pub fn refused(state: &mut State, request: &Request, commands: &[Command], refusal: &Refusal) -> Option<Decided> {
    let Refusal::Rules(unmet) = refusal else { return None };
    let command = commands.get(unmet.first()?.0)?;
    // Each code once, in the order of the rules.
    let mut seen = std::collections::BTreeSet::new();
    let codes = unmet.iter().map(|(_, u)| u.code.clone()).filter(|code| seen.insert(code.clone())).collect();
    let mut draft = Draft::new(state, request, None);
    let event = Event::from(crate::event::CommandRefused {
        stream: command.stream.clone(),
        event: command.statement.event.event_type(),
        codes,
    });
    let statement = draft.plain(event);
    draft.push(StreamId::Audit, statement, None, Vec::new());
    Some(draft.decided())
}

/// A request being decided: the state so far, and the events so far.
struct Draft<'r> {
    state: &'r mut State,
    request: &'r Request,
    now: jiff::Timestamp,
    approval: Option<ProposalId>,
    events: Vec<Arc<Recorded>>,
    warnings: Vec<Warning>,
    /// Where the command before this one stands in its stream: inside one import, row order answers.
    previous: Option<(StreamId, Revision)>,
}

impl<'r> Draft<'r> {
    fn new(state: &'r mut State, request: &'r Request, approval: Option<ProposalId>) -> Self {
        // Microseconds are kept; and the server's clock never runs backwards in the log.
        let now = jiff::Timestamp::from_microsecond(request.now.as_microsecond()).unwrap_or(request.now);
        let now = state.recorded_at.map_or(now, |last| last.max(now));
        Self { state, request, now, approval, events: Vec::new(), warnings: Vec::new(), previous: None }
    }

    fn decided(self) -> Decided {
        Decided { events: self.events, warnings: self.warnings }
    }

    fn today(&self) -> Day {
        crate::values::london_today(self.now)
    }

    /// A statement of the system about now.
    fn plain(&self, event: Event) -> Statement {
        Statement {
            standing: Standing::Stated,
            occurred: crate::values::FuzzyDate::day(self.today()),
            done_by: crate::event::DoneBy { person: Some(self.request.person.clone()), ..Default::default() },
            act: None,
            evidence: Default::default(),
            remark: None,
            event,
        }
    }

    /// Decides one command. What is not met comes back: then nothing more is taken, and the draft is of no more use.
    fn take(&mut self, index: usize, command: &Command) -> Vec<Unmet> {
        let kind = command.statement.event.event_type();
        if !kind.allowed_in(command.stream.kind()) {
            return vec![Unmet::hard(
                "WRONG_STREAM",
                "",
                format!("{kind} does not belong in a {} stream", command.stream.kind()),
            )];
        }
        if self.approval.is_none() {
            if command.late {
                return vec![Unmet::hard(
                    "SECOND_PERSON_NEEDED",
                    "",
                    "a late entry is proposed by one records officer and approved by another",
                )];
            }
            // A live act that chose its place would be judged on an earlier state: history for one person.
            if command.place != Place::ByDates {
                return vec![Unmet::hard(
                    "SECOND_PERSON_NEEDED",
                    "",
                    "a live act stands at the end; a late entry, which takes two persons, may name its place",
                )];
            }
            if kind.needs_two_persons() {
                return vec![Unmet::hard(
                    "SECOND_PERSON_NEEDED",
                    "I46",
                    format!("{kind} is proposed by one person and approved by another"),
                )];
            }
        }
        match (kind.nature(), &command.stream) {
            (Nature::System, _) => vec![Unmet::hard("NOT_FOR_CLIENTS", "", format!("only the engine writes {kind}"))],
            (Nature::Proposal, StreamId::Proposal(id)) => self.take_proposal(index, id, command),
            (Nature::Truth, _) => self.take_truth(command),
            (Nature::Keeping, _) => self.take_keeping(index, command),
            (Nature::Statement, StreamId::Transition(id)) => self.take_statement(index, id, command),
            _ => self.take_directory(command),
        }
    }

    /// Appends an event to the draft and folds it in.
    fn push(&mut self, stream: StreamId, statement: Statement, placed: Option<Placed>, gaps: Vec<crate::event::Gap>) -> Revision {
        let revision = self.state.revision(&stream).map_or(Revision::FIRST, Revision::next);
        let recorded = Arc::new(Recorded {
            position: Position(self.state.size),
            stream: stream.clone(),
            revision,
            recorded_at: self.now,
            recorded_by: self.request.person.clone(),
            command_id: self.request.command_id,
            approval: self.approval.clone(),
            placed,
            gaps,
            statement,
        });
        self.state.evolve(&recorded);
        self.events.push(recorded);
        self.previous = Some((stream, revision));
        revision
    }

    fn warn(&mut self, command: usize, code: &str, what: String) {
        self.warnings.push(Warning { command, code: code.to_owned(), what });
    }
}

/// Whether only an administrator may record this live: the register of who and what there is.
fn is_register(kind: EventType) -> bool {
    use EventType as T;
    matches!(
        kind,
        T::WaveOpened
            | T::TimetableChanged
            | T::RoutePublished
            | T::RouteRetired
            | T::OrganisationRegistered
            | T::OrganisationRenamed
            | T::OrganisationSucceeded
            | T::BodyRegistered
            | T::BodyChanged
            | T::RoleGranted
            | T::RoleEnded
            | T::TransitionRegistered
    )
}
