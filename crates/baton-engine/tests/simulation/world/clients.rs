//! What clients do: ask, ask again, repeat what is recorded, expect what is so or was so.

use baton_domain::decide::Expected;
use baton_domain::event::Command;
use baton_domain::values::{Revision, StreamId};
use baton_ledger::simulation::{Bug, Faults};

use super::World;
use crate::asked::{Asked, Flight};
use crate::commands::{ADMIN, SHARED, STRANGER, note, organisation, renamed};
use crate::poll;

impl World {
    pub(super) fn ask_something(&mut self) {
        let stream = *self.dice.pick(&SHARED);
        let number = self.asked.len();
        let person = if self.dice.chance(60) { STRANGER } else { ADMIN };
        let words = format!("words {number}");
        let mut commands = match self.dice.below(4) {
            0 => vec![renamed(stream, &words)],
            1 => vec![organisation(&format!("n{number}"), 9)],
            _ => vec![note(stream, &words)],
        };
        if self.dice.chance(250) {
            let other = *self.dice.pick(&SHARED);
            commands.push(note(other, "and more"));
        }
        let expected = self.expect(stream);
        self.ask(person, commands, expected);
    }

    /// A request of three chunks, and a machine that is likely to stop between them: its batch may be torn.
    pub(super) fn ask_much(&mut self) -> Result<(), String> {
        let number = self.asked.len();
        let commands = (0..3).map(|part| organisation(&format!("m{number}-{part}"), 60_000)).collect();
        self.ask(ADMIN, commands, Vec::new());
        self.machine.set_faults(Faults { stops: self.faults.stops.max(150), ..self.faults });
        let written = self.write();
        self.machine.set_faults(self.faults);
        written
    }

    /// What a client believes about a stream: nothing, what is so, or what was so.
    pub(super) fn expect(&mut self, stream: &str) -> Vec<(StreamId, Expected)> {
        let stream: StreamId = stream.parse().unwrap();
        let revision = self.life().engine.snapshot().revision(&stream);
        let behind = self.dice.below(4) == 0;
        let expected = match (self.dice.below(2), revision) {
            (0, _) => return Vec::new(),
            (_, None) => Expected::NoStream,
            (_, Some(revision)) if behind && revision.0 > 1 => Expected::Exact(Revision(revision.0 - 1)),
            (_, Some(revision)) => Expected::Exact(revision),
        };
        vec![(stream, expected)]
    }

    pub(super) fn ask(&mut self, person: &'static str, commands: Vec<Command>, expected: Vec<(StreamId, Expected)>) {
        self.asked.push(Asked::new(person, self.asked.len() as u64, commands, expected));
        self.submit(self.asked.len() - 1, true);
    }

    /// A client that has no answer, or wants it twice, asks again under the same id.
    pub(super) fn ask_again(&mut self) {
        let open: Vec<usize> =
            (0..self.asked.len()).filter(|at| self.asked[*at].acknowledged.is_none() && !self.asked[*at].refused).collect();
        if !open.is_empty() {
            let at = *self.dice.pick(&open);
            self.submit(at, true);
        }
    }

    /// Somebody asks for what is recorded already, with the same content or another.
    pub(super) fn repeat_what_is_recorded(&mut self) {
        let recorded: Vec<usize> = (0..self.asked.len()).filter(|at| self.asked[*at].acknowledged.is_some()).collect();
        if !recorded.is_empty() {
            let at = *self.dice.pick(&recorded);
            let same = self.dice.chance(600);
            self.submit(at, same);
        }
    }

    pub(super) fn submit(&mut self, at: usize, same_content: bool) {
        let other = (!same_content).then(|| note(SHARED[0], "something else"));
        let mut submission = self.asked[at].submission(other);
        if self.machine.bug() == Some(Bug::RevisionCheckLeftOut) {
            submission.expected.clear();
        }
        let engine = self.life().engine.clone();
        let mut answer = Box::pin(async move { engine.submit(submission).await });
        self.asked[at].waiting += 1;
        self.asked[at].absent = false;
        self.machine.say(format_args!("request {at} is asked, same content: {same_content}"));
        // Polled once: it is in the queue then.
        let _ = poll(answer.as_mut());
        self.flights.push(Flight { asked: at, same_content, answer });
    }
}
