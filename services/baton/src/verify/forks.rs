//! Forks: an older copy of a log went on under another origin and key, and a leaf says so.
//!
//! Up to that leaf checkpoints are of the old origin, after it of the new one. The old key does not sign a fork: that
//! the copy is of the old log rests on its leaves. So what the auditor remembers of the old origin must be in them as
//! far as the copy went, and what he remembers beyond is named as left behind.

use super::leaf::Leaf;
use super::report::Report;
use super::{Evidence, Stopped};
use baton_ledger::bounds::MAX_LEAF;
use baton_ledger::bundle::{BundleError, ENTRIES_WIDTH, LogDirectory, MAX_LOG};
use baton_ledger::{Checkpoint, SignedCheckpoint};

/// Most forks that are followed.
const MAX_FORKS: usize = 1_000;

/// How a leaf of this type is written; whether it is one is found when it is read.
const NAME: &[u8] = b"\"LogForked\"";

/// One fork, as its leaf tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fork {
    /// Where the leaf is: the size of the copy.
    pub(super) position: u64,
    pub(super) old: String,
    pub(super) new: String,
    /// How many events were known of the old origin when it was forked.
    pub(super) last_known: Option<u64>,
}

/// The forks of one log, in order.
#[derive(Debug, Default)]
pub(super) struct Forks {
    /// The origin that the first leaf names, where that is known.
    opened: Option<String>,
    forks: Vec<Fork>,
}

impl Forks {
    /// Those of a whole log. Leaves are read for that before they are verified, and only when the first one names
    /// another origin than the checkpoint: an origin never comes back.
    pub(super) fn of_log(files: &LogDirectory, newest: &Checkpoint) -> Result<Self, Stopped> {
        let mut forks = Self::default();
        let size = newest.size.min(MAX_LOG);
        for bundle in 0..size.div_ceil(ENTRIES_WIDTH) {
            let leaves = match files.entries(bundle, size) {
                Err(error @ BundleError::Io { .. }) => return Err(Stopped::Unavailable(error.to_string())),
                // The verification itself will say so.
                Err(_) => break,
                Ok(leaves) => leaves,
            };
            if bundle == 0 {
                forks.opened = leaves.first().and_then(|first| opened_as(first));
                if forks.opened.as_ref().is_none_or(|origin| *origin == newest.origin) {
                    break;
                }
            }
            for (index, bytes) in (bundle * ENTRIES_WIDTH..).zip(&leaves) {
                forks.take_bytes(index, bytes);
            }
        }
        Ok(forks)
    }

    /// Those that leaves of a bundle tell of. Their proofs are looked at later, with those of all leaves.
    pub(super) fn of_leaves(files: &LogDirectory, indexes: impl IntoIterator<Item = u64>) -> Result<Self, Stopped> {
        let mut forks = Self::default();
        for index in indexes {
            match files.file(&format!("leaves/{index}.json"), MAX_LEAF) {
                Ok(bytes) => forks.take_bytes(index, &bytes),
                Err(error @ BundleError::Io { .. }) => return Err(Stopped::Unavailable(error.to_string())),
                // It is said when the leaf is verified.
                Err(_) => {}
            }
        }
        Ok(forks)
    }

    /// Takes a leaf, if it tells of a fork.
    pub(super) fn take(&mut self, index: u64, leaf: &Leaf) {
        if self.forks.len() >= MAX_FORKS || !leaf.is("LogForked") || leaf.stream != "log" {
            return;
        }
        let text = |name: &str| leaf.payload()[name].as_str();
        let (Some(old), Some(new)) = (text("old_origin"), text("new_origin")) else { return };
        let last_known = text("last_known_checkpoint").and_then(|note| SignedCheckpoint::parse_unverified(note.as_bytes()).ok());
        let last_known = last_known.map(|note| note.checkpoint().size);
        self.forks.push(Fork { position: index, old: old.to_owned(), new: new.to_owned(), last_known });
    }

    /// The same of the bytes of a leaf.
    fn take_bytes(&mut self, index: u64, bytes: &[u8]) {
        if bytes.windows(NAME.len()).any(|window| window == NAME)
            && let Ok(leaf) = Leaf::read(bytes)
        {
            self.take(index, &leaf);
        }
    }

    /// The origin of the log when it held so many leaves; `newest` is the one it has now.
    pub(super) fn origin<'f>(&'f self, size: u64, newest: &'f str) -> &'f str {
        self.forks.iter().find(|fork| size <= fork.position).map_or(newest, |fork| &fork.old)
    }

    /// Whether both tell of the same forks.
    pub(super) fn are(&self, others: &Self) -> bool {
        self.forks == others.forks
    }

    /// In the order of the log.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Fork> {
        self.forks.iter()
    }

    /// What is remembered of the origins that this log had, as far as it went on from them. What is beyond is told.
    pub(super) fn remembered(&self, evidence: &Evidence<'_>, report: &mut Report) -> Vec<SignedCheckpoint> {
        let mut kept = Vec::new();
        for fork in &self.forks {
            let known = evidence.state.map(|state| state.of(&fork.old, evidence.trust)).unwrap_or_default();
            for note in known {
                match note.checkpoint().size {
                    size if size <= fork.position => kept.push(note),
                    size => report.warn(fork.left_behind(size)),
                }
            }
        }
        kept
    }

    /// Says what the forks are, and what is wrong with them.
    pub(super) fn settle(&self, newest: &str, report: &mut Report) {
        if let (Some(opened), Some(fork)) = (&self.opened, self.forks.first())
            && fork.old != *opened
        {
            let what = format!("the log goes on from {:?} here, and the first leaf names {opened:?}", fork.old);
            report.fail(Some(fork.position), what);
        }
        let then = self.forks.iter().skip(1).map(|fork| fork.old.as_str()).chain([newest]);
        for (fork, then) in self.forks.iter().zip(then) {
            if fork.new != then {
                let what = format!("the log goes on as {:?} here, and its origin after that is {then:?}", fork.new);
                report.fail(Some(fork.position), what);
            }
            report.forked(fork);
        }
    }
}

impl Fork {
    /// For people.
    pub(super) fn line(&self) -> String {
        let Self { position, old, last_known, .. } = self;
        let known = match last_known {
            Some(known) => format!(", of which {known} were known, so {} are missing", known.saturating_sub(*position)),
            None => String::new(),
        };
        format!("Forked: its first {position} events are those of {old}{known}")
    }

    fn left_behind(&self, remembered: u64) -> String {
        let Self { position, old, .. } = self;
        let less = match self.last_known {
            Some(known) if known < remembered => {
                format!(" It names {known} as the most that was known, which is less than you hold: ask why.")
            }
            _ => String::new(),
        };
        format!(
            "you remember {old:?} with {remembered} events, and the copy that went on held {position}: events {position} to {} of it are not in this log, and your checkpoint could not be compared.{less}",
            remembered - 1
        )
    }
}

/// The origin that the first leaf of a log names.
fn opened_as(first: &[u8]) -> Option<String> {
    let leaf = Leaf::read(first).ok().filter(|leaf| leaf.is("LogOpened"))?;
    leaf.payload()["origin"].as_str().map(str::to_owned)
}
