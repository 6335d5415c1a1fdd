//! The promises of the log, checked on what clients saw: nothing acknowledged is lost, nothing is there
//! twice, positions have no gap, revisions are contiguous.

use std::collections::{BTreeMap, BTreeSet};

use baton_proto::v1 as proto;

/// Where one event of a request went: position, stream, revision.
pub type Place = (u64, String, u64);

/// A request that was sent, and what its client learned.
#[derive(Debug, Clone)]
pub struct Sent {
    /// What was asked.
    pub request: proto::RecordRequest,
    /// Where its events went, when it was acknowledged.
    pub acknowledged: Option<Vec<Place>>,
}

/// The log as far as it was read, and what is wrong with it.
#[derive(Debug, Default)]
pub struct History {
    /// The next position.
    pub next: u64,
    revisions: BTreeMap<String, u64>,
    requests: BTreeMap<String, Vec<Place>>,
    /// Everything found that must not be.
    pub violations: Vec<String>,
}

impl History {
    /// Takes note of events read in order.
    pub fn read(&mut self, events: &[proto::RecordedEvent]) {
        for event in events {
            if event.position != self.next {
                self.violations.push(format!("position {} comes after {}", event.position, self.next.wrapping_sub(1)));
            }
            self.next = event.position + 1;
            let revision = self.revisions.entry(event.stream.clone()).or_default();
            if event.revision != *revision + 1 {
                self.violations.push(format!("{} goes from revision {revision} to {}", event.stream, event.revision));
            }
            *revision = event.revision;
            let place = (event.position, event.stream.clone(), event.revision);
            self.requests.entry(event.command_id.clone()).or_default().push(place);
        }
    }

    /// Where the events of a request are.
    pub fn places(&self, command_id: &str) -> &[Place] {
        self.requests.get(command_id).map_or(&[], Vec::as_slice)
    }

    /// Compares what was sent with what is there: an acknowledged request once, where its answer said; any
    /// other not at all or as a whole, once.
    pub fn compare<'s>(&mut self, sent: impl IntoIterator<Item = &'s Sent>) {
        let mut ids = BTreeSet::new();
        for Sent { request, acknowledged } in sent {
            let id = &request.command_id;
            assert!(ids.insert(id.clone()), "the test sent id {id} for two requests");
            let found = self.places(id).to_vec();
            match acknowledged {
                Some(places) if found == *places => {}
                Some(_) if found.is_empty() => self.violations.push(format!("acknowledged request {id} is lost")),
                Some(places) => self.violations.push(format!("request {id} was acknowledged at {places:?} and is at {found:?}")),
                None if found.is_empty() || found.len() == request.commands.len() => {}
                None => self.violations.push(format!("request {id} of {} commands is at {found:?}", request.commands.len())),
            }
        }
    }
}

/// The places of an answer.
pub fn places(entries: &[proto::RecordedEntry]) -> Vec<Place> {
    entries.iter().map(|e| (e.position, e.stream.clone(), e.revision)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::{fact, request};

    fn event(position: u64, stream: &str, revision: u64, id: &str) -> proto::RecordedEvent {
        proto::RecordedEvent { position, stream: stream.to_owned(), revision, command_id: id.to_owned(), ..Default::default() }
    }

    fn sent(id: &str, commands: usize, acknowledged: Option<Vec<Place>>) -> Sent {
        let commands = (0..commands).map(|_| fact("wave/A")).collect();
        Sent { request: proto::RecordRequest { command_id: id.to_owned(), ..request(commands) }, acknowledged }
    }

    fn violations(events: &[proto::RecordedEvent], sent: &[Sent]) -> usize {
        let mut history = History::default();
        history.read(events);
        history.compare(sent);
        history.violations.len()
    }

    fn at(position: u64, revision: u64) -> Place {
        (position, "wave/A".to_owned(), revision)
    }

    #[test]
    fn sound_log_has_no_violation() {
        let events = [event(0, "wave/A", 1, "a"), event(1, "wave/A", 2, "b"), event(2, "wave/B", 1, "b")];
        let b = vec![at(1, 2), (2, "wave/B".to_owned(), 1)];
        assert_eq!(violations(&events, &[sent("a", 1, None), sent("b", 2, Some(b)), sent("c", 1, None)]), 0);
    }

    #[test]
    fn lost_acknowledged_request_is_found() {
        assert_eq!(violations(&[event(0, "wave/A", 1, "a")], &[sent("b", 1, Some(vec![at(1, 2)]))]), 1);
    }

    #[test]
    fn request_recorded_twice_is_found_acknowledged_or_not() {
        let events = [event(0, "wave/A", 1, "a"), event(1, "wave/A", 2, "a")];
        assert_eq!(violations(&events, &[sent("a", 1, Some(vec![at(0, 1)]))]), 1);
        assert_eq!(violations(&events, &[sent("a", 1, None)]), 1);
    }

    #[test]
    fn half_a_request_is_found() {
        assert_eq!(violations(&[event(0, "wave/A", 1, "a")], &[sent("a", 2, None)]), 1);
    }

    #[test]
    fn request_in_another_place_than_acknowledged_is_found() {
        let events = [event(0, "wave/A", 1, "b"), event(1, "wave/A", 2, "a")];
        assert_eq!(violations(&events, &[sent("a", 1, Some(vec![at(0, 1)]))]), 1);
    }

    #[test]
    fn gap_in_positions_or_revisions_is_found() {
        assert_eq!(violations(&[event(0, "wave/A", 1, "a"), event(2, "wave/A", 2, "b")], &[]), 1);
        assert_eq!(violations(&[event(0, "wave/A", 1, "a"), event(1, "wave/A", 3, "b")], &[]), 1);
        assert_eq!(violations(&[event(0, "wave/A", 1, "a"), event(0, "wave/A", 1, "a")], &[]), 2);
    }
}
