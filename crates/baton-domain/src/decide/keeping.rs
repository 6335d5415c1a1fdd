//! The keeping of the log: erasures and extracts, asked for by clients; forks and keys, recorded by the engine.

use super::{Decided, Draft, Request};
use crate::event::{Command, Event, ExtractIssued, ExtractWithheld, KeyRotated, LogForked};
use crate::state::State;
use crate::transition::rules::{self, records_officer_or_administrator};
use crate::unmet::Unmet;
use crate::values::{Position, StreamId};

/// The event that records that the log goes on from a restored copy under another origin.
pub fn log_forked(state: &mut State, request: &Request, forked: LogForked) -> Decided {
    by_the_engine(state, request, forked.into())
}

/// The event that records that another key signs from here on.
pub fn key_rotated(state: &mut State, request: &Request, rotated: KeyRotated) -> Decided {
    by_the_engine(state, request, rotated.into())
}

fn by_the_engine(state: &mut State, request: &Request, event: Event) -> Decided {
    let mut draft = Draft::new(state, request, None);
    let statement = draft.plain(event);
    draft.push(StreamId::Log, statement, None, Vec::new());
    draft.decided()
}

impl Draft<'_> {
    pub(super) fn take_keeping(&mut self, index: usize, command: &Command) -> Vec<Unmet> {
        let st = &command.statement;
        let kind = st.event.event_type();
        if command.late {
            let what = format!("{kind} is recorded when it happens: it can not be a late entry");
            return vec![Unmet::hard("LIVE_ONLY", "", what)];
        }
        let mut unmet: Vec<Unmet> = rules::future(st, self.today()).into_iter().collect();
        let mut event = st.event.clone();
        let mut warning = None;
        match &mut event {
            Event::ErasureAuthorised(e) => {
                unmet.extend(self.keeper(command));
                match self.erasure(e) {
                    Ok(records) => {
                        warning = self.elsewhere(&records);
                        e.records = records;
                    }
                    Err(broken) => unmet.extend(broken),
                }
            }
            Event::ExtractIssued(e) => unmet.extend(self.extract(e)),
            _ => {}
        }
        let unmet = self.settle(command, unmet, event, None);
        if let (true, Some(what)) = (unmet.is_empty(), warning) {
            self.warn(index, "WORDS_ELSEWHERE", what);
        }
        unmet
    }

    /// Erasure is for those who answer for the record already, by correcting and voiding it: two of
    /// them each time, so that neither the operator nor a records officer destroys words alone.
    fn keeper(&self, command: &Command) -> Option<Unmet> {
        let person = &self.request.person;
        let may = records_officer_or_administrator(&self.state.world, person, self.today());
        (!may).then(|| {
            let kind = command.statement.event.event_type();
            let what = format!("{person} is neither a records officer nor an administrator today, and {kind} takes two of them");
            Unmet::hard("NOT_PERMITTED", "", what)
        })
    }

    /// Whoever holds a role may read, and so may give what was read away, on record.
    fn extract(&self, e: &ExtractIssued) -> Vec<Unmet> {
        let (person, today, size) = (&self.request.person, self.today(), self.state.size);
        let mut unmet = Vec::new();
        let mut say = |holds: bool, code: &str, what: String| {
            if !holds {
                unmet.push(Unmet::hard(code, "", what));
            }
        };
        let reads = self.state.world.roles().any(|(_, role)| role.person.as_ref() == Some(person) && role.on(today));
        say(reads, "NOT_PERMITTED", format!("{person} holds no role today, and an extract is issued by somebody who does"));
        say(e.to.is_some(), "RECIPIENT_REQUIRED", "an extract is issued to somebody: say to whom".to_owned());
        say(e.purpose.is_some(), "REASON_REQUIRED", "an extract is issued for something: say what for".to_owned());
        let known = e.transition.as_ref().is_none_or(|id| self.state.transitions.contains_key(id));
        say(known, "NOT_REGISTERED", "the transition of the extract is not registered".to_owned());
        let ranged = e.first <= e.last && e.last.0 < e.checkpoint_size && e.checkpoint_size <= size;
        say(
            ranged,
            "UNKNOWN_POSITION",
            format!("first, last and checkpoint_size must follow each other within the log, which holds {size} events"),
        );
        let inside = |p: &Position| (e.first..=e.last).contains(p);
        let named = (e.withheld == ExtractWithheld::Some) != e.withheld_positions.is_empty();
        say(
            named && e.withheld_positions.iter().all(inside),
            "WITHHELD_MISMATCH",
            "withheld_positions names positions of the extract when, and only when, the words of some events were left out"
                .to_owned(),
        );
        unmet
    }
}
