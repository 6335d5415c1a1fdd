//! Filling a log with as many events as asked for, through the engine and its rules, in large requests.

use std::collections::VecDeque;

use baton_domain::event::Command;
use baton_engine::{Engine, MAX_COMMANDS, Submission};
use uuid::Uuid;

use super::events;
use super::store::PERSON;
use crate::exit::Failure;

/// Requests on their way at a time, so that the writer never waits for the next.
const REQUESTS_AHEAD: usize = 8;

/// Transitions that are only registered have this many events.
const REGISTERED_EVENTS: u64 = 2;

/// What a log is to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Events in all, the first included.
    pub(crate) events: u64,
    /// At least so many transitions. Those for which there are not enough events are only registered.
    pub(crate) transitions: u64,
}

/// What a log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Filled {
    /// Transitions that went their way to life; numbers 0 to this less one.
    pub(crate) walked: u64,
    /// Transitions in all.
    pub(crate) transitions: u64,
}

/// Fills a log that holds only its first event. `progress` is told how many events are recorded.
///
/// # Errors
/// When a command is refused or a write fails: the figures would be about something else.
pub(crate) async fn fill(engine: &Engine, plan: Plan, progress: impl Fn(u64)) -> Result<Filled, Failure> {
    let mut sender = Sender { engine, progress, waiting: Vec::new(), under_way: VecDeque::new() };
    let mut filled = Filled::default();
    let mut left = plan.events.saturating_sub(engine.snapshot().size);

    left = left.saturating_sub(sender.send(events::preparations()?).await?);
    // One receiver for three transitions costs one event for each.
    let registered = plan.transitions * (REGISTERED_EVENTS + 1);
    loop {
        let number = filled.walked;
        let receiver = events::receiver_commands(number)?;
        let needed = receiver.len() as u64 + events::length(number) + events::MEETING_EVENTS;
        let reserved = registered.saturating_sub(filled.walked * (REGISTERED_EVENTS + 1));
        if left < needed + reserved {
            break;
        }
        sender.send(receiver).await?;
        sender.send(events::transition_commands(number, events::length(number))?).await?;
        sender.send(events::meeting_commands(number, events::MEETING_EVENTS)?).await?;
        left -= needed;
        filled.walked += 1;
    }
    filled.transitions = filled.walked;
    while filled.transitions < plan.transitions {
        let receiver = events::receiver_commands(filled.transitions)?;
        let needed = receiver.len() as u64 + REGISTERED_EVENTS;
        if left < needed {
            break;
        }
        sender.send(receiver).await?;
        sender.send(events::transition_commands(filled.transitions, REGISTERED_EVENTS)?).await?;
        left -= needed;
        filled.transitions += 1;
    }
    sender.send(events::meeting_commands(filled.transitions, left)?).await?;
    sender.finish().await?;
    match engine.snapshot().size {
        size if size == plan.events => Ok(filled),
        size => Err(Failure::Damage(format!("a log of {} events was to be made, and it has {size}", plan.events))),
    }
}

/// Records one note of a meeting through the engine.
///
/// # Errors
/// When it is refused or not written.
pub(crate) async fn submit_note(engine: &Engine, meeting: &str) -> Result<(), Failure> {
    let submission = submission(events::engine_note(meeting)?)?;
    engine.submit(submission).await.map(drop).map_err(|error| Failure::Unavailable(format!("a note was refused: {error:?}")))
}

fn submission(commands: Vec<Command>) -> Result<Submission, Failure> {
    let person = PERSON.parse().map_err(|error| Failure::Damage(format!("{PERSON}: {error}")))?;
    let command_id = Uuid::new_v4();
    let content = command_id.as_bytes().to_vec();
    Ok(Submission { person, command_id, expected: Vec::new(), commands, content })
}

type Submitted = tokio::task::JoinHandle<Result<baton_engine::Answer, baton_engine::SubmitError>>;

/// Gathers commands into large requests and keeps a few of these on their way.
struct Sender<'e, P> {
    engine: &'e Engine,
    progress: P,
    waiting: Vec<Command>,
    under_way: VecDeque<Submitted>,
}

impl<P: Fn(u64)> Sender<'_, P> {
    /// Sends these after those before them; says how many they are.
    async fn send(&mut self, commands: Vec<Command>) -> Result<u64, Failure> {
        let count = commands.len() as u64;
        self.waiting.extend(commands);
        while self.waiting.len() >= MAX_COMMANDS {
            let rest = self.waiting.split_off(MAX_COMMANDS);
            let request = std::mem::replace(&mut self.waiting, rest);
            self.submit(request).await?;
        }
        Ok(count)
    }

    async fn finish(&mut self) -> Result<(), Failure> {
        let rest = std::mem::take(&mut self.waiting);
        if !rest.is_empty() {
            self.submit(rest).await?;
        }
        while !self.under_way.is_empty() {
            self.await_oldest().await?;
        }
        Ok(())
    }

    async fn submit(&mut self, commands: Vec<Command>) -> Result<(), Failure> {
        let submission = submission(commands)?;
        let engine = self.engine.clone();
        // A task runs from here on, so requests reach the queue in the order in which they are made:
        // the runtime could reorder them, and a path would be refused. So each is polled once, here.
        let mut submitting = Box::pin(async move { engine.submit(submission).await });
        let first = std::future::poll_fn(|cx| std::task::Poll::Ready(submitting.as_mut().poll(cx))).await;
        let submitted = match first {
            std::task::Poll::Ready(answer) => tokio::spawn(std::future::ready(answer)),
            std::task::Poll::Pending => tokio::spawn(submitting),
        };
        self.under_way.push_back(submitted);
        if self.under_way.len() > REQUESTS_AHEAD {
            self.await_oldest().await?;
        }
        Ok(())
    }

    async fn await_oldest(&mut self) -> Result<(), Failure> {
        let Some(oldest) = self.under_way.pop_front() else { return Ok(()) };
        let answer = oldest.await.map_err(|error| Failure::Unavailable(format!("filling ended early: {error}")))?;
        let answer = answer.map_err(|error| Failure::Unavailable(format!("filling the log was refused: {error:?}")))?;
        (self.progress)(answer.position.0 + 1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::store;
    use super::*;
    use baton_domain::values::TransitionId;

    #[tokio::test(flavor = "multi_thread")]
    async fn log_holds_as_many_events_as_were_asked_for_and_its_paths_lead_to_life() {
        let dir = tempfile::tempdir().expect("a directory");
        let data = dir.path().join("data");
        store::make(&data).await.expect("made");
        let ledger = store::open(&data).await.expect("opened");
        let engine = store::start(&ledger).await.expect("started");
        let filled = fill(&engine, Plan { events: 1_000, transitions: 100 }, |_| ()).await.expect("filled");
        let state = engine.snapshot();
        assert_eq!(state.size, 1_000);
        assert_eq!(state.transitions.len() as u64, filled.transitions);
        assert!(filled.walked >= 3 && filled.transitions >= 100, "{filled:?}");
        for number in 0..filled.walked {
            let id: TransitionId = events::transition(number).parse().expect("an id");
            let found = state.transition(&id).expect("registered");
            assert_eq!(found.revision.0, events::length(number));
            let route = found.route(&state.world).expect("pinned");
            let facts = found.facts(route);
            assert!(facts.standpoint(route).is_some_and(|at| at.stage.live), "{} is live", found.id);
        }
        engine.shutdown().await.expect("closed");
    }
}
