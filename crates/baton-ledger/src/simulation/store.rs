//! A store of values: what can be read, what is durable of it, and what a stop leaves.
//!
//! The storage engine writes one log of operations and recovers a prefix of it, so an operation that
//! is missing takes all later ones with it, synced or not.

use std::collections::BTreeMap;

use super::dice::Dice;

type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

/// One operation; no value is a removal.
struct Operation {
    key: Vec<u8>,
    value: Option<Vec<u8>>,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The next sync makes it durable.
    Dirty,
    /// It is durable.
    Durable,
    /// A sync of it failed: it can be read, and no sync will ever make it durable.
    Lost,
}

#[derive(Default)]
pub(super) struct Store {
    /// What the durable beginning of the operations adds up to.
    base: Pairs,
    /// The operations after it, in order.
    tail: Vec<Operation>,
    /// What all of them add up to: what is read.
    view: Pairs,
    /// What was taken away in silence, to be put back.
    taken: Pairs,
}

impl Store {
    pub(super) fn get(&self, key: &[u8]) -> Option<&Vec<u8>> {
        self.view.get(key)
    }

    pub(super) fn pairs(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.view.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Puts a value, or removes the key.
    pub(super) fn change(&mut self, key: &[u8], value: Option<Vec<u8>>) {
        apply(&mut self.view, key, value.as_ref());
        self.tail.push(Operation { key: key.to_owned(), value, fate: Fate::Dirty });
    }

    pub(super) fn sync(&mut self) {
        for operation in self.tail.iter_mut().filter(|operation| operation.fate == Fate::Dirty) {
            operation.fate = Fate::Durable;
        }
        self.settle();
    }

    /// A sync that fails half-way: a beginning is durable, the rest never will be.
    pub(super) fn fail_sync(&mut self, dice: &mut Dice) {
        let mut kept = dice.below(self.dirty() + 1);
        for operation in self.tail.iter_mut().filter(|operation| operation.fate == Fate::Dirty) {
            operation.fate = if kept > 0 { Fate::Durable } else { Fate::Lost };
            kept = kept.saturating_sub(1);
        }
        self.settle();
    }

    /// The power goes: of what was not synced a beginning is there, and is durable then.
    pub(super) fn lose_power(&mut self, dice: &mut Dice) {
        let mut kept = dice.below(self.dirty() + 1);
        for operation in std::mem::take(&mut self.tail) {
            match operation.fate {
                Fate::Durable => {}
                Fate::Dirty if kept > 0 => kept -= 1,
                Fate::Dirty | Fate::Lost => break,
            }
            apply(&mut self.base, &operation.key, operation.value.as_ref());
        }
        self.view = self.base.clone();
    }

    /// The process ends: of what was not synced a beginning is in the page cache, as undurable as before.
    pub(super) fn lose_process(&mut self, dice: &mut Dice) {
        let mut kept = dice.below(self.dirty() + 1);
        let gone = self.tail.iter().position(|operation| {
            let gone = operation.fate == Fate::Dirty && kept == 0;
            kept = kept.saturating_sub(u64::from(operation.fate == Fate::Dirty));
            gone
        });
        self.tail.truncate(gone.unwrap_or(self.tail.len()));
        self.view = self.base.clone();
        for operation in &self.tail {
            apply(&mut self.view, &operation.key, operation.value.as_ref());
        }
    }

    /// Everything that can be read is written to new files, which are durable and take its place.
    pub(super) fn write_anew(&mut self) {
        self.base = self.view.clone();
        self.tail.clear();
    }

    /// Takes away every key from `from` to `below`, durable or not, as if it had never been written.
    pub(super) fn take_away(&mut self, from: &[u8], below: &[u8]) {
        self.sync();
        self.taken = self.base.range(from.to_owned()..below.to_owned()).map(|(k, v)| (k.clone(), v.clone())).collect();
        self.base.retain(|key, _| !self.taken.contains_key(key));
        self.view = self.base.clone();
    }

    /// Puts back what was taken away.
    pub(super) fn put_back(&mut self) {
        self.base.append(&mut self.taken);
        self.sync();
        self.view = self.base.clone();
    }

    fn dirty(&self) -> u64 {
        self.tail.iter().filter(|operation| operation.fate == Fate::Dirty).count() as u64
    }

    /// Takes the durable beginning of the tail into the base.
    fn settle(&mut self) {
        let durable = self.tail.iter().position(|operation| operation.fate != Fate::Durable).unwrap_or(self.tail.len());
        for operation in self.tail.drain(..durable) {
            apply(&mut self.base, &operation.key, operation.value.as_ref());
        }
    }
}

fn apply(pairs: &mut Pairs, key: &[u8], value: Option<&Vec<u8>>) {
    match value {
        Some(value) => pairs.insert(key.to_owned(), value.clone()),
        None => pairs.remove(key),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(store: &mut Store, key: u8) {
        store.change(&[key], Some(vec![key]));
    }

    fn keys(store: &Store) -> Vec<u8> {
        store.view.keys().map(|key| key[0]).collect()
    }

    #[test]
    fn power_loss_keeps_what_was_synced_and_any_beginning_of_the_rest() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..64 {
            let mut store = Store::default();
            put(&mut store, 1);
            store.sync();
            put(&mut store, 2);
            put(&mut store, 3);
            store.lose_power(&mut Dice::new(seed));
            seen.insert(keys(&store));
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [vec![1], vec![1, 2], vec![1, 2, 3]]);
    }

    #[test]
    fn what_a_failed_sync_lost_is_read_on_and_takes_what_is_synced_later_with_it() {
        let lost = (0..64).any(|seed| {
            let mut dice = Dice::new(seed);
            let mut store = Store::default();
            put(&mut store, 1);
            store.fail_sync(&mut dice);
            put(&mut store, 2);
            store.sync();
            assert_eq!(keys(&store), [1, 2]);
            store.lose_power(&mut dice);
            keys(&store).is_empty()
        });
        assert!(lost);
    }

    #[test]
    fn what_a_killed_process_left_in_the_page_cache_is_not_durable_until_it_is_synced() {
        let mut outcomes = std::collections::BTreeSet::new();
        for seed in 0..64 {
            let mut dice = Dice::new(seed);
            let mut store = Store::default();
            put(&mut store, 1);
            store.lose_process(&mut dice);
            let after_kill = keys(&store);
            store.lose_power(&mut dice);
            outcomes.insert((after_kill, keys(&store)));
        }
        assert!(outcomes.contains(&(vec![1], vec![])), "{outcomes:?}");
    }

    #[test]
    fn what_was_taken_away_can_be_put_back() {
        let mut store = Store::default();
        (1..=4).for_each(|key| put(&mut store, key));
        store.take_away(&[3], &[9]);
        assert_eq!(keys(&store), [1, 2]);
        store.put_back();
        assert_eq!(keys(&store), [1, 2, 3, 4]);
    }
}
