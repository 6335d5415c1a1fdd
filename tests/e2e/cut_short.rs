//! A command of the operator that is ended at any call that changes files: before it, after it, or with the power.

use std::fmt;
use std::process::Stdio;

use baton_e2e::DataDir;
use baton_e2e::shim::{Action, Call, Files, Shim};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

/// How many points a command is ended at; "all" with the long form.
const POINTS_VARIABLE: &str = "BATON_KILL_POINTS";
const POINTS: usize = 8;

/// How a command ends early.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    Before,
    After,
    WithoutPower,
}

/// Where a command can be ended, in an order that was drawn.
pub(crate) struct Points {
    calls: u64,
    all: Vec<(u64, End)>,
    wanted: usize,
}

impl Points {
    /// Those of a command, seen on a copy of a log on which nobody ends it.
    pub(crate) fn of(begun: &DataDir, arguments: impl Fn(&DataDir) -> Vec<String>) -> Self {
        let data = begun.copy();
        let shim = Shim::new(&data);
        shim.watch(&Call::ALL, Files::All);
        assert!(runs(&shim, arguments(&data)), "it comes to its end when nobody kills it");
        let calls = shim.seen();
        let ends = |call| [End::Before, End::After, End::WithoutPower].map(|end| (call, end));
        let mut all: Vec<_> = (1..=calls).flat_map(ends).collect();
        all.shuffle(&mut StdRng::seed_from_u64(20));
        let wanted = match std::env::var(POINTS_VARIABLE).as_deref() {
            Ok("all") => all.len(),
            Ok(number) => number.parse::<usize>().expect("a number of points").min(all.len()),
            Err(_) => POINTS,
        };
        Self { calls, all, wanted }
    }

    /// The ones to end it at.
    pub(crate) fn drawn(&self) -> impl Iterator<Item = (u64, End)> {
        self.all.iter().copied().take(self.wanted)
    }

    /// Whether none is left out.
    pub(crate) fn are_all(&self) -> bool {
        self.wanted == self.all.len()
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} points of {} calls", self.wanted, self.all.len(), self.calls)
    }
}

/// A copy of a log, as a command on it leaves it that is ended at a point.
pub(crate) fn cut_short(begun: &DataDir, arguments: impl Fn(&DataDir) -> Vec<String>, call: u64, end: End) -> DataDir {
    let data = begun.copy();
    let shim = Shim::new(&data);
    let action = if matches!(end, End::Before) { Action::KillBefore } else { Action::KillAfter };
    shim.arm(action, &Call::ALL, Files::All, call, 1);
    let ran = runs(&shim, arguments(&data));
    assert!(shim.hit() > 0 && !ran, "call {call}, {end:?} was not reached");
    if matches!(end, End::WithoutPower) {
        shim.lose_power();
    }
    data
}

fn runs(shim: &Shim, arguments: Vec<String>) -> bool {
    shim.command("baton").args(arguments).stdin(Stdio::null()).output().expect("baton starts").status.success()
}
