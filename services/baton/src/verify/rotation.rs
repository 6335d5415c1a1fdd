//! Changes of the log's key: which key had to sign a checkpoint of which size.
//!
//! The log says in its own leaves when its key changed, and the checkpoint over that leaf bears both signatures. So
//! a key counts for the sizes it signed for and for no other: one that was given up vouches for nothing that came
//! later, trusted or not. A key that the auditor does not hold is believed for its time when a key that he holds
//! vouches for the leaf that names it, and is then named in the report.

use super::Evidence;
use super::forks::Forks;
use super::leaf::Leaf;
use super::older::Older;
use super::report::Report;
use super::trust::Trust;
use baton_ledger::SignedCheckpoint;

/// A change of keys, as a leaf tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) position: u64,
    pub(super) old: String,
    pub(super) new: String,
}

impl Change {
    /// What a leaf says of keys of this origin.
    pub(super) fn read(index: u64, leaf: &Leaf, origin: &str) -> Option<Self> {
        let told = leaf.is("KeyRotated") && leaf.stream == "log";
        let key = |name: &str| leaf.payload()[name].as_str().filter(|key| of(origin, key)).map(str::to_owned);
        told.then(|| Some(Self { position: index, old: key("old_key")?, new: key("new_key")? })).flatten()
    }

    /// The size of the checkpoint that both keys sign.
    pub(super) fn size(&self) -> u64 {
        self.position + 1
    }
}

/// Whether a key is one for this origin: before a fork there were others, which bind nobody here.
fn of(origin: &str, key: &str) -> bool {
    key.split_once('+').is_some_and(|(name, _)| name == origin)
}

/// The changes of one log, in order.
#[derive(Default)]
pub(super) struct Changes(Vec<Change>);

impl Changes {
    /// Takes a leaf in its place in the log.
    pub(super) fn take(&mut self, index: u64, leaf: &Leaf, origin: &str) {
        self.0.extend(Change::read(index, leaf, origin));
    }

    /// The keys that must have signed a checkpoint of this origin and size; none while the key of that origin never
    /// changed.
    fn due(&self, origin: &str, size: u64) -> Vec<&str> {
        for change in self.0.iter().filter(|change| of(origin, &change.new)) {
            if size < change.size() {
                return vec![&change.old];
            }
            if size == change.size() {
                return vec![&change.old, &change.new];
            }
        }
        self.0.iter().rfind(|change| of(origin, &change.new)).map(|change| change.new.as_str()).into_iter().collect()
    }

    /// Holds every checkpoint against the key whose turn it was. The caller has shown that the log continues them,
    /// or has said that it does not.
    pub(super) fn settle(&self, evidence: &Evidence<'_>, older: &[Older], forks: &Forks, report: &mut Report) {
        let same_origin = |pair: &&[Change]| pair[1].old.split_once('+').is_some_and(|(origin, _)| of(origin, &pair[0].new));
        for pair in self.0.windows(2).filter(same_origin).filter(|pair| pair[0].new != pair[1].old) {
            let what = format!("the log changes its key from {}, and its key was {}", pair[1].old, pair[0].new);
            report.fail(Some(pair[1].position), what);
        }
        self.signed("the checkpoint of the bundle", evidence.checkpoint, true, report);
        // Of an origin from before a fork no key vouches for another: the leaves under the newest one do.
        let newest = &evidence.checkpoint.checkpoint().origin;
        let vouched = |older: &&Older| older.trusted || older.checkpoint.origin == *newest;
        for older in older.iter().filter(vouched) {
            self.signed(&older.name(), &older.note, older.trusted, report);
        }
        for fork in forks.iter() {
            let of_it: Vec<&Older> =
                older.iter().filter(|older| !vouched(older) && older.checkpoint.origin == fork.old).collect();
            if let Some(last) = of_it.last() {
                report.warn(format!(
                    "{} older checkpoints, up to size {}, are of {:?}, and your trust file holds no key of it that signed them: that it did was not checked, only that the leaves are the same. Keep its line beside the new one",
                    of_it.len(), last.size(), fork.old
                ));
            }
        }
        for change in &self.0 {
            report.key_changed(change.position, &change.old, &change.new);
            self.tell(change, evidence, older, report);
        }
    }

    fn signed(&self, name: &str, signed: &SignedCheckpoint, trusted: bool, report: &mut Report) {
        let due = self.due(&signed.checkpoint().origin, signed.checkpoint().size);
        if due.is_empty() && !trusted {
            report
                .fail(None, format!("{name}: it bears no signature by a trusted key, and the log names no other key of its own"));
        }
        for key in due.into_iter().filter(|key| !signed.bears_signature_of(key)) {
            let size = signed.checkpoint().size;
            report.fail(None, format!("{name} is not signed by {key}, which was the log's key at size {size}"));
        }
    }

    fn tell(&self, change: &Change, evidence: &Evidence<'_>, older: &[Older], report: &mut Report) {
        let Change { position, old, new } = change;
        let both = older.iter().map(|older| &older.note).chain([evidence.checkpoint]);
        match both.map(SignedCheckpoint::checkpoint).any(|there| there.size == change.size()) {
            true => report.hold(format!("the log changed its key at event {position}, and both keys signed that: {old}, then {new}")),
            false => report.cannot_exclude(format!(
                "that the old key agreed to the change of keys at event {position}: the checkpoint that both keys signed is not here"
            )),
        }
        let named: Vec<u64> =
            older.iter().filter(|older| !older.trusted && older.note.bears_signature_of(old)).map(Older::size).collect();
        if let (Some(first), Some(last)) = (named.first(), named.last()) {
            report.warn(format!(
                "{} older checkpoints, of size {first} to {last}, are signed by {old}, which your trust file does not hold: only the newer key vouches for it, in event {position}. Keep the old line beside the new one",
                named.len()
            ));
        }
        if !evidence.trust.holds(new) && self.0.last() == Some(change) {
            report.warn(format!("from event {position} on {new} alone signs for the log. {}", Self::what_to_do(evidence.trust)));
        }
    }

    /// What an auditor does who does not hold the new key.
    pub(super) fn what_to_do(trust: &Trust) -> String {
        format!(
            "Get the line of the new key from the operator by another way than this evidence, compare it, and add it to {} beside the old one",
            trust.path().display()
        )
    }
}
