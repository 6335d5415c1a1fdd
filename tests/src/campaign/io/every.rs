//! Every call that can fail, one after the other, in every way in which it can.
//!
//! A life is lived without a failure first, and its calls are counted by kind of call and kind of file. Then it is lived
//! again for each of them and each way to fail. A cycle's number says which, whatever was counted: one that is not there
//! is followed by the next that is. Requests come one by one here; what several at once make of a failure is drawn.
//!
//! All of them are some 2,270 cycles: 80 minutes on two busy cores in a debug build, 18 when they are shared out among
//! five of it by `--first` and `--cycles`. The calls of a start that writes anew are 143 to 146: its log was killed sooner
//! or later. What a snapshot or a full segment does while requests are served takes more of them than there are here.

use std::collections::{BTreeMap, BTreeSet};

use super::lives::{Life, Logs};
use super::{EIO, ENOSPC, EVERY, Plan, Report};
use crate::shim::{Action, Call, FOR_EVER, Files, Shim};

/// Room in the numbers for so many calls of one kind on one kind of file.
const MOST: usize = 1_000;

const KINDS: [Files; 4] = [Files::Store, Files::Head, Files::Keys, Files::Other];

/// Room for the failures of one life.
const OF_A_LIFE: usize = Call::ALL.len() * KINDS.len() * MOST * WAYS.len() * LASTING.len();

/// What comes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Eio,
    Enospc,
    Half,
}

const WAYS: [What; 3] = [What::Eio, What::Enospc, What::Half];

/// How long it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lasts {
    Once,
    /// Until the disk is sound again; a server that serves then goes on.
    ForEver,
    /// The server that serves is killed before the disk is sound again.
    ToTheEnd,
}

const LASTING: [Lasts; 3] = [Lasts::Once, Lasts::ForEver, Lasts::ToTheEnd];

/// One failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) life: Life,
    pub(super) call: Call,
    pub(super) files: Files,
    /// Which of these calls, the first being 1.
    pub(super) from: usize,
    pub(super) what: What,
    pub(super) lasts: Lasts,
}

impl Failure {
    pub(super) fn arm(&self, shim: &Shim) {
        let action = match self.what {
            What::Eio => Action::Fail(EIO),
            What::Enospc => Action::Fail(ENOSPC),
            What::Half => Action::Short,
        };
        let times = if self.lasts == Lasts::Once { 1 } else { FOR_EVER };
        shim.arm(action, &[self.call], self.files, self.from as u64, times);
    }

    /// Whether nothing can be acknowledged any more once it was met, until the disk is sound again.
    pub(super) fn forbids_writes(&self) -> bool {
        self.lasts != Lasts::Once && self.files == Files::Store && matches!(self.call, Call::Pwrite | Call::Fdatasync)
    }

    /// The call, whatever comes of it.
    fn site(&self) -> (i32, i32, usize) {
        (self.call as i32, self.files as i32, self.from)
    }

    /// The cycle of this failure.
    fn cycle(&self) -> usize {
        let place = |found: Option<usize>| found.expect("it is one of the list");
        let call = place(Call::ALL.iter().position(|call| *call == self.call));
        let files = place(KINDS.iter().position(|files| *files == self.files));
        let what = place(WAYS.iter().position(|what| *what == self.what));
        let lasts = place(LASTING.iter().position(|lasts| *lasts == self.lasts));
        let series = call * KINDS.len() + files;
        first_of(self.life) + ((series * MOST + self.from - 1) * WAYS.len() + what) * LASTING.len() + lasts
    }
}

/// The first number of the failures of a life.
pub(super) fn first_of(life: Life) -> usize {
    EVERY + Life::ALL.iter().position(|one| *one == life).expect("it is one of the list") * OF_A_LIFE
}

/// A cycle is one failure, in the order of their numbers.
pub(super) async fn run(plan: Plan, arguments: &[&str]) -> Report {
    let mut report = Report::new("io", &plan);
    let logs = Logs::make().await;
    report.found_all(EVERY, logs.wrong.iter().cloned());
    let mut all = (0, 0, 0);
    for life in Life::ALL {
        if report.cycles == plan.cycles || first_of(life) + OF_A_LIFE <= plan.first {
            continue;
        }
        let (sites, failures) = failures_of(&logs, life, arguments, &mut report).await;
        let (mut tried, mut reached, mut met, mut came) = (BTreeSet::new(), BTreeSet::new(), 0, BTreeMap::new());
        let before = report.cycles;
        for failure in failures.into_iter().filter(|failure| failure.cycle() >= plan.first).take(plan.cycles - before) {
            let lived = logs.live(life, Some(&failure), arguments).await;
            report.cycles += 1;
            report.acknowledged += lived.acknowledged();
            tried.insert(failure.site());
            if lived.hit {
                reached.insert(failure.site());
                met += 1;
            }
            *came.entry(lived.came).or_insert(0) += 1;
            report.found_all(failure.cycle(), lived.wrong.into_iter().map(|what| format!("{failure:?}: {what}")));
        }
        let (tried, reached, failures) = (tried.len(), reached.len(), report.cycles - before);
        all = (all.0 + sites, all.1 + tried, all.2 + reached);
        report.notes.push(format!(
            "{life:?}: {sites} calls, {tried} of them tried and {reached} reached; {failures} failures, {met} met; it {came:?}"
        ));
    }
    let (sites, tried, reached) = all;
    report.notes.push(format!("{sites} calls in all, {tried} of them tried and {reached} reached"));
    report
}

/// Every failure of a life, and how many calls they are of.
async fn failures_of(logs: &Logs, life: Life, arguments: &[&str], report: &mut Report) -> (usize, Vec<Failure>) {
    let lived = logs.live(life, None, arguments).await;
    report.found_all(EVERY, lived.wrong.iter().map(|what| format!("{life:?}, on a sound disk: {what}")));
    let (mut sites, mut failures) = (0, Vec::new());
    for (at, call) in Call::ALL.into_iter().enumerate() {
        for (of, files) in KINDS.into_iter().enumerate().filter(|(_, files)| life.is_about(*files)) {
            let calls = lived.counted[at][of] as usize;
            assert!(calls <= MOST, "{life:?}: {calls} calls of {call:?} on {files:?} are more than there are numbers for");
            sites += calls;
            failures.extend((1..=calls).flat_map(|from| failures_at(life, call, files, from)));
        }
    }
    (sites, failures)
}

fn failures_at(life: Life, call: Call, files: Files, from: usize) -> impl Iterator<Item = Failure> {
    let what = WAYS.into_iter().filter(move |what| *what != What::Half || matches!(call, Call::Write | Call::Pwrite));
    let all = what.flat_map(move |what| LASTING.map(move |lasts| Failure { life, call, files, from, what, lasts }));
    all.filter(move |failure| failure.lasts != Lasts::ToTheEnd || life.serves())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_a_number_of_its_own_and_they_are_in_order() {
        let mut numbers = Vec::new();
        for life in Life::ALL {
            for call in Call::ALL {
                for files in KINDS {
                    let of = |from| failures_at(life, call, files, from);
                    numbers.extend(of(1).chain(of(2)).chain(of(MOST)).map(|failure| failure.cycle()));
                }
            }
        }
        assert!(numbers[0] == EVERY && numbers.is_sorted_by(|a, b| a < b));
    }
}
