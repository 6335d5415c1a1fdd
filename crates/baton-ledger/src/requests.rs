//! Which requests were made, known by heart for ever, so in few bytes: there may be one for each record.
//!
//! A request takes 64 bytes, and 10 to 20 where it is found. A caller is kept once, however often he asks.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use uuid::Uuid;

use crate::contract::{RequestKey, RequestRecord};
use crate::names::Position;

/// All requests, in the order in which they were taken in.
#[derive(Default)]
pub(crate) struct Requests {
    callers: Vec<String>,
    numbers: HashMap<String, u32>,
    made: Vec<Made>,
    places: HashTable<Place>,
    /// Ids are chosen by callers: nobody may know beforehand which of them meet.
    hasher: RandomState,
}

struct Made {
    id: Uuid,
    digest: [u8; 32],
    first: Position,
    count: u32,
    /// Place in `callers`.
    caller: u32,
}

/// Where a request is found.
struct Place {
    /// Of its key. It is kept, so that the table grows without a look at the requests themselves.
    hash: u32,
    /// Place in `made`.
    number: u32,
}

impl Requests {
    /// What was appended under a key.
    pub(crate) fn get(&self, key: &RequestKey) -> Option<RequestRecord> {
        let caller = *self.numbers.get(&*key.caller)?;
        let made = &self.made[self.find(self.hash(caller, key.id), caller, key.id)?];
        Some(RequestRecord { first: made.first, count: made.count, digest: made.digest })
    }

    /// Takes in a request. Says `false`, and takes in nothing, when its key was there before.
    pub(crate) fn insert(&mut self, caller: &str, id: Uuid, record: RequestRecord) -> bool {
        let caller = self.number_of(caller);
        let hash = self.hash(caller, id);
        if self.find(hash, caller, id).is_some() {
            return false;
        }
        let RequestRecord { first, count, digest } = record;
        let place = Place { hash, number: number(self.made.len()) };
        self.made.push(Made { id, digest, first, count, caller });
        self.places.insert_unique(spread(hash), place, |place| spread(place.hash));
        true
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.made.len()
    }

    /// Each with its caller and id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Uuid, RequestRecord)> {
        self.made.iter().map(|made| {
            let record = RequestRecord { first: made.first, count: made.count, digest: made.digest };
            (self.callers[made.caller as usize].as_str(), made.id, record)
        })
    }

    /// Makes room for so many more, all at once.
    pub(crate) fn reserve(&mut self, more: usize) {
        self.made.reserve(more);
        self.places.reserve(more, |place| spread(place.hash));
    }

    fn find(&self, hash: u32, caller: u32, id: Uuid) -> Option<usize> {
        let is_it = |place: &Place| {
            let made = || &self.made[place.number as usize];
            place.hash == hash && made().id == id && made().caller == caller
        };
        self.places.find(spread(hash), is_it).map(|place| place.number as usize)
    }

    fn number_of(&mut self, caller: &str) -> u32 {
        if let Some(known) = self.numbers.get(caller) {
            return *known;
        }
        let new = number(self.callers.len());
        self.callers.push(caller.to_owned());
        self.numbers.insert(caller.to_owned(), new);
        new
    }

    fn hash(&self, caller: u32, id: Uuid) -> u32 {
        // Any half of a keyed hash is as good as the other.
        self.hasher.hash_one((caller, id)) as u32
    }
}

/// A hash as the table wants it: it looks at the lowest bits, and at the highest seven.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

fn number(place: usize) -> u32 {
    u32::try_from(place).expect("the tree over so many records does not fit in memory")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn record(number: u64) -> RequestRecord {
        RequestRecord { first: Position(number), count: number as u32 + 1, digest: [number as u8; 32] }
    }

    fn key(caller: &str, id: u128) -> RequestKey {
        RequestKey { caller: caller.into(), id: Uuid::from_u128(id) }
    }

    /// Ids that differ in their highest or lowest bits only, by callers who use the same ones.
    fn many() -> impl Iterator<Item = (RequestKey, RequestRecord)> {
        let ids = (0..2_000_u128).flat_map(|number| [number, (number + 1) << 100]);
        let keys = ids.flat_map(|id| ["icb:QUY", "icb:QUZ", ""].map(|caller| key(caller, id)));
        keys.enumerate().map(|(number, key)| (key, record(number as u64)))
    }

    fn filled() -> Requests {
        let mut requests = Requests::default();
        for (key, record) in many() {
            assert!(requests.insert(&key.caller, key.id, record));
        }
        requests
    }

    #[test]
    fn each_request_is_found_by_its_own_caller_and_id_alone() {
        let requests = filled();
        for (key, record) in many() {
            assert_eq!(requests.get(&key), Some(record));
        }
        for unknown in [key("icb:QUX", 1), key("icb:QUY", 2_000), key("icb:QU", 1)] {
            assert_eq!(requests.get(&unknown), None);
        }
    }

    #[test]
    fn a_key_that_was_there_before_is_refused_and_what_it_stands_for_stays() {
        let mut requests = filled();
        let count = requests.len();
        for (key, record) in many().step_by(7) {
            assert!(!requests.insert(&key.caller, key.id, RequestRecord { digest: [255; 32], ..record }));
            assert_eq!(requests.get(&key), Some(record));
        }
        assert_eq!(requests.len(), count);
    }

    #[test]
    fn all_are_told_in_the_order_in_which_they_were_taken_in() {
        let told: Vec<_> = filled().iter().map(|(caller, id, record)| (key(caller, id.as_u128()), record)).collect();
        assert!(told.into_iter().eq(many()));
    }

    #[test]
    fn room_that_was_made_changes_nothing() {
        let mut requests = filled();
        requests.reserve(100_000);
        assert!(requests.insert("icb:QUX", Uuid::from_u128(1), record(9)));
        assert!(many().all(|(key, record)| requests.get(&key) == Some(record)));
    }

    #[test]
    fn a_request_takes_64_bytes_and_8_where_it_is_found() {
        assert_eq!((size_of::<Made>(), size_of::<Place>()), (64, 8));
    }
}
