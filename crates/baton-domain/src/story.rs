//! The story: the statements of a stream in the order in which they happened.
//!
//! The story is a list, never a sort: each statement goes where it was placed when it was recorded,
//! and an insertion reorders nothing. Corrections and voids mark; nothing is removed. Folding is total:
//! an event whose target is unknown is listed as an anomaly and changes nothing.

use crate::event::{Correction, Event, EventType, Nature, Placed, Recorded, Statement, plain};
use crate::rest::Rests;
use crate::values::{FuzzyDate, Revision};
use imbl::Vector;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One statement with what was said about it since.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// As it was recorded.
    #[serde(with = "plain")]
    pub recorded: Arc<Recorded>,
    /// Corrections and voids. Few statements have any, and a story holds many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    marks: Option<Box<Marks>>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Marks {
    /// As it reads with its corrections.
    corrected: Option<Statement>,
    corrected_by: Vec<Revision>,
    voided_by: Option<Revision>,
    /// The latest correction that brought an event.
    valued_by: Option<Revision>,
}

impl Entry {
    fn new(recorded: Arc<Recorded>) -> Self {
        Self { recorded, marks: None }
    }

    /// Its revision.
    pub fn revision(&self) -> Revision {
        self.recorded.revision
    }

    /// As it reads now, with its corrections.
    pub fn statement(&self) -> &Statement {
        self.marks.as_ref().and_then(|marks| marks.corrected.as_ref()).unwrap_or(&self.recorded.statement)
    }

    /// The revision that voided it.
    pub fn voided_by(&self) -> Option<Revision> {
        self.marks.as_ref()?.voided_by
    }

    /// The revisions that corrected it, oldest first.
    pub fn corrected_by(&self) -> &[Revision] {
        self.marks.as_ref().map_or(&[], |marks| &marks.corrected_by)
    }

    /// Whether it counts.
    pub fn in_force(&self) -> bool {
        self.voided_by().is_none()
    }

    /// The revision whose value is in force: the latest correction, or its own.
    pub fn value_revision(&self) -> Revision {
        self.corrected_by().last().copied().unwrap_or(self.recorded.revision)
    }

    /// The revision that gave it the value it has: its own, or the latest correction that brought an
    /// event. A corrected date or standing leaves the value alone.
    pub fn valued_by(&self) -> Revision {
        self.marks.as_ref().and_then(|marks| marks.valued_by).unwrap_or(self.recorded.revision)
    }

    fn marks(&mut self) -> &mut Marks {
        self.marks.get_or_insert_default()
    }
}

/// Something in the log that could not be read as meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anomaly {
    /// Which event.
    pub revision: Revision,
    /// What, in a sentence.
    pub what: String,
}

/// The statements of one stream, in the order in which they happened, with what was said about them since.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Story {
    entries: Vector<Entry>,
    #[serde(with = "plain::list")]
    truth: Vector<Arc<Recorded>>,
    anomalies: Vector<Anomaly>,
}

impl Story {
    /// Folds one event in.
    pub fn evolve(&mut self, recorded: &Arc<Recorded>) {
        match recorded.statement.event.event_type().nature() {
            Nature::Statement => self.insert(recorded),
            Nature::Truth => {
                self.truth.push_back(Arc::clone(recorded));
                match &recorded.statement.event {
                    Event::StatementCorrected(c) => self.correct(recorded, c.target, &c.to),
                    Event::StatementVoided(v) => self.void(recorded, v.target),
                    _ => {}
                }
            }
            Nature::System | Nature::Proposal | Nature::Keeping => {}
        }
    }

    /// The statements in the order in which they happened, voided ones included.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// The statements that count, in order.
    pub fn in_force(&self) -> impl Iterator<Item = &Entry> {
        self.entries().filter(|entry| entry.in_force())
    }

    /// One statement.
    pub fn entry(&self, revision: Revision) -> Option<&Entry> {
        self.entries.get(self.find(revision)?)
    }

    /// Corrections, voids, conflicts and added evidence, in the order of recording.
    pub fn truth(&self) -> impl Iterator<Item = &Arc<Recorded>> {
        self.truth.iter()
    }

    /// What could not be read as meant.
    pub fn anomalies(&self) -> impl Iterator<Item = &Anomaly> {
        self.anomalies.iter()
    }

    /// How many statements there are, voided ones included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no statement yet.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The index at which a statement placed so stands, if its neighbour is known.
    pub fn index_of(&self, placed: Placed) -> Option<usize> {
        match placed {
            Placed::End => Some(self.entries.len()),
            Placed::First => Some(self.entries.len().min(1)),
            Placed::After(revision) => self.find(revision).map(|index| index + 1),
        }
    }

    /// The indexes a statement that happened at `occurred` may take without contradicting certain dates:
    /// after everything certainly before it, before everything certainly after it. Empty when the story's
    /// own order leaves no such place. The registration, always first, is not compared.
    pub fn legal_indexes(&self, occurred: &FuzzyDate) -> Vec<usize> {
        let dated: Vec<(usize, &FuzzyDate)> =
            self.entries().enumerate().skip(1).filter(|(_, e)| e.in_force()).map(|(i, e)| (i, &e.statement().occurred)).collect();
        let low = dated.iter().filter(|(_, d)| d.certainly_before(occurred)).map(|(i, _)| i + 1).max();
        let high = dated.iter().filter(|(_, d)| occurred.certainly_before(d)).map(|(i, _)| *i).min();
        let first = self.entries.len().min(1);
        (low.unwrap_or(first)..=high.unwrap_or(self.entries.len())).collect()
    }

    /// How to say "at this index" so that it stays true: directly after the statement before it.
    pub fn placed_at(&self, index: usize) -> Placed {
        if index >= self.entries.len() {
            Placed::End
        } else {
            match index.checked_sub(1).and_then(|before| self.entries.get(before)) {
                Some(before) if index > 1 => Placed::After(before.revision()),
                _ => Placed::First,
            }
        }
    }

    /// The same story without the statements that `left_out` names. The others keep their order.
    #[must_use]
    pub fn without(mut self, left_out: impl Fn(&Recorded) -> bool) -> Self {
        self.entries.retain(|entry| !left_out(&entry.recorded));
        self
    }

    /// Puts another form of the event at `revision` in its place; nothing moves.
    pub(crate) fn replace(&mut self, revision: Revision, with: impl Fn(&Recorded) -> Recorded) {
        if let Some(entry) = self.find(revision).and_then(|index| self.entries.get_mut(index)) {
            entry.recorded = Arc::new(with(&entry.recorded));
            self.correct_again(revision);
        } else if let Some(recorded) = self.truth.iter_mut().find(|recorded| recorded.revision == revision) {
            *recorded = Arc::new(with(recorded));
            if let Event::StatementCorrected(c) = &recorded.statement.event {
                let target = c.target;
                self.correct_again(target);
            }
        }
    }

    /// Reads a statement anew with its corrections.
    fn correct_again(&mut self, target: Revision) {
        let Some(entry) = self.find(target).and_then(|index| self.entries.get_mut(index)) else { return };
        let mut statement = entry.recorded.statement.clone();
        let Some(marks) = entry.marks.as_deref_mut().filter(|marks| marks.corrected.is_some()) else { return };
        for recorded in self.truth.iter().filter(|recorded| marks.corrected_by.contains(&recorded.revision)) {
            if let Event::StatementCorrected(c) = &recorded.statement.event {
                statement = corrected(&statement, &c.to);
            }
        }
        marks.corrected = Some(statement);
    }

    /// Where a statement stands. Most stand where they were recorded, or a little before for each event
    /// that is no statement: looked for from there backwards, then among those moved to a later place.
    fn find(&self, revision: Revision) -> Option<usize> {
        let recorded = usize::try_from(revision.0).unwrap_or(usize::MAX).min(self.entries.len());
        let at = |index: &usize| self.entries.get(*index).is_some_and(|entry| entry.revision() == revision);
        (0..recorded).rev().find(at).or_else(|| (recorded..self.entries.len()).find(at))
    }

    fn insert(&mut self, recorded: &Arc<Recorded>) {
        let placed = recorded.placed.unwrap_or(Placed::End);
        let index = self.index_of(placed).unwrap_or_else(|| {
            self.anomaly(recorded, "its place names a statement that is not in this stream; it stands at the end");
            self.entries.len()
        });
        self.entries.insert(index, Entry::new(Arc::clone(recorded)));
    }

    fn void(&mut self, recorded: &Recorded, target: Revision) {
        match self.find(target).and_then(|index| self.entries.get_mut(index)) {
            Some(entry) if entry.in_force() => entry.marks().voided_by = Some(recorded.revision),
            Some(_) => self.anomaly(recorded, "it voids a statement that is already voided"),
            None => self.anomaly(recorded, "it voids a statement that is not in this stream"),
        }
    }

    fn correct(&mut self, recorded: &Recorded, target: Revision, to: &Correction) {
        let Some(entry) = self.find(target).and_then(|index| self.entries.get_mut(index)) else {
            return self.anomaly(recorded, "it corrects a statement that is not in this stream");
        };
        if to.event.as_ref().is_some_and(|e| e.event_type() != entry.statement().event.event_type()) {
            return self.anomaly(recorded, "it would change the type of a statement");
        }
        let corrected = corrected(entry.statement(), to);
        let marks = entry.marks();
        marks.corrected = Some(corrected);
        marks.corrected_by.push(recorded.revision);
        // Words are not compared: they may be erased, and then nothing may change.
        if to.event.is_some() {
            marks.valued_by = Some(recorded.revision);
        }
        if let Some(placed) = to.place {
            self.move_to(recorded, target, placed);
        }
    }

    fn move_to(&mut self, recorded: &Recorded, target: Revision, placed: Placed) {
        let Some(from) = self.find(target) else { return };
        if from == 0 || placed == Placed::After(target) {
            return self.anomaly(recorded, "it would move the registration, or a statement after itself");
        }
        let entry = self.entries.remove(from);
        match self.index_of(placed) {
            Some(index) => self.entries.insert(index, entry),
            None => {
                self.entries.insert(from, entry);
                self.anomaly(recorded, "its place names a statement that is not in this stream; nothing moves");
            }
        }
    }

    fn anomaly(&mut self, recorded: &Recorded, what: &str) {
        let event: EventType = recorded.statement.event.event_type();
        self.anomalies.push_back(Anomaly { revision: recorded.revision, what: format!("{event}: {what}") });
    }
}

impl Rests for Story {
    type Head = ();

    fn head(&self) {}

    fn events(&self) -> u64 {
        (self.entries.len() + self.truth.len()) as u64
    }

    fn fold(&mut self, recorded: &Arc<Recorded>) {
        self.evolve(recorded);
    }

    fn may_wait(recorded: &Recorded) -> bool {
        matches!(recorded.statement.event.event_type().nature(), Nature::Statement | Nature::Truth)
    }
}

/// `statement` as it reads with `to` put in place.
pub fn corrected(statement: &Statement, to: &Correction) -> Statement {
    let mut next = statement.clone();
    if let Some(occurred) = &to.occurred {
        next.occurred = occurred.clone();
    }
    if let Some(standing) = to.standing {
        next.standing = standing;
    }
    if let Some(done_by) = &to.done_by {
        next.done_by = done_by.clone();
    }
    if let Some(event) = &to.event {
        next.event = (**event).clone();
    }
    next
}
