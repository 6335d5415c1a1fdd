//! Campaigns: one kind of fault each, done to real servers again and again, and what must hold checked every time.
//!
//! A campaign takes a number of cycles and a seed and gives a [`Report`]; the same code runs short in the tests and long
//! from `tests/campaign`. Whatever is violated is listed with its cycle, never smoothed over; what a machine does not
//! permit is counted as skipped. A cycle draws from the seed and its own number alone, so it can be run again by itself,
//! as far as the order in which a system runs threads lets anything be run again.

use std::fmt::{self, Display};
use std::future::Future;
use std::pin::Pin;
use std::process::{Command, Stdio};

use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::server::{ADMINISTRATOR, DataDir};

pub mod concurrent;
pub mod copies;
pub mod cut;
pub mod damage;
pub mod full;
pub mod io;
pub mod kill;
mod load;
pub mod power;
pub mod readers;
pub mod second;
pub mod soak;
pub mod syscalls;

/// How `baton init`, as this command, ends in a data directory: its exit code, and what it says on standard error.
fn init(mut command: Command, data: &DataDir) -> (Option<i32>, String) {
    command
        .args(["init", "--origin", "baton.test/e2e", "--administrator", ADMINISTRATOR, "--data"])
        .arg(data.path())
        .arg("--key")
        .arg(data.key());
    let output = command.stdin(Stdio::null()).output().expect("baton starts");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The seed unless another is given.
pub const SEED: u64 = 41;

/// What a campaign is told.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many cycles; a campaign says what one is. At least 1.
    pub cycles: usize,
    /// The number of the first cycle, from 0.
    pub first: usize,
    /// What everything random is drawn from.
    pub seed: u64,
}

impl Plan {
    /// So many cycles from the first, with the usual seed.
    pub fn short(cycles: usize) -> Self {
        Self { cycles, first: 0, seed: SEED }
    }

    /// The numbers of the cycles.
    pub fn numbers(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.cycles
    }

    /// What is random in one cycle.
    pub fn random(&self, cycle: usize) -> StdRng {
        // An odd multiplier keeps neighbouring seeds and cycles apart.
        StdRng::seed_from_u64(self.seed ^ (cycle as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

/// What a campaign did and found.
#[derive(Debug)]
pub struct Report {
    name: &'static str,
    plan: Plan,
    /// Cycles really run.
    pub cycles: usize,
    /// Requests that were acknowledged and looked for afterwards.
    pub acknowledged: usize,
    /// Cycles, or parts of them, that this machine does not permit.
    pub skipped: usize,
    /// Everything found that must not be, each with its cycle.
    pub violations: Vec<String>,
    /// What else there is to say, in sentences.
    pub notes: Vec<String>,
}

impl Report {
    /// A report of nothing yet.
    pub fn new(name: &'static str, plan: &Plan) -> Self {
        Self { name, plan: *plan, cycles: 0, acknowledged: 0, skipped: 0, violations: Vec::new(), notes: Vec::new() }
    }

    /// Takes down what must not be.
    pub fn found(&mut self, cycle: usize, what: impl Display) {
        self.violations.push(format!("cycle {cycle}: {what}"));
    }

    /// Takes down everything that must not be.
    pub fn found_all(&mut self, cycle: usize, what: impl IntoIterator<Item = String>) {
        for what in what {
            self.found(cycle, what);
        }
    }

    /// # Panics
    /// When something was violated, with all of it; or when nothing was run.
    pub fn assert_held(&self) {
        println!("{self}");
        for note in &self.notes {
            println!("{note}");
        }
        assert!(self.violations.is_empty(), "{self}\n{}", self.violations.join("\n"));
        assert!(self.cycles > 0 || self.skipped > 0, "nothing was run");
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, cycles, acknowledged, skipped, .. } = self;
        let violations = self.violations.len();
        write!(f, "RESULT name={name} cycles={cycles} acknowledged={acknowledged} violations={violations} skipped={skipped}")?;
        write!(f, " seed={} first={}", self.plan.seed, self.plan.first)
    }
}

type Running = Pin<Box<dyn Future<Output = Report> + Send>>;

/// One campaign of the list.
pub struct Campaign {
    /// What it is called.
    pub name: &'static str,
    /// The fault and what one cycle is, in one line.
    pub about: &'static str,
    /// How many cycles its full form has.
    pub full: usize,
    /// Runs it.
    pub run: fn(Plan) -> Running,
}

/// Every campaign.
pub const ALL: [Campaign; 12] = [
    Campaign {
        name: "kill",
        about: "kill -9 under 8 writers; a cycle is one kill and one start",
        full: 1_000,
        run: |plan| Box::pin(kill::run(plan)),
    },
    Campaign {
        name: "power",
        about: "loss of power on ext4, xfs and a disk that forgets what was not synced; a cycle is one of each",
        full: 300,
        run: |plan| Box::pin(power::run(plan)),
    },
    Campaign {
        name: "syscalls",
        about: "killed before or after one call that changes files; a cycle is one call of a life and one way to end there",
        full: usize::MAX,
        run: |plan| Box::pin(syscalls::run(plan)),
    },
    Campaign {
        name: "io",
        about: "a write or sync fails once or for ever, or falls short; a cycle is one failure, all are of every call",
        full: usize::MAX,
        run: |plan| Box::pin(io::run(plan)),
    },
    Campaign {
        name: "full",
        about: "the disk is full and has room again; a cycle is once",
        full: 50,
        run: |plan| Box::pin(full::run(plan)),
    },
    Campaign {
        name: "damage",
        about: "flipped bits, cut files, zeroed and swapped blocks; a cycle is one damage and one start",
        full: 10_000,
        run: |plan| Box::pin(damage::run(plan)),
    },
    Campaign {
        name: "copies",
        about: "the same to backups and copies of the key file; a cycle is one damage and one restore",
        full: 10_000,
        run: |plan| Box::pin(copies::run(plan)),
    },
    Campaign {
        name: "second",
        about: "a second process, a stale lock, a newer format; a cycle is all of them",
        full: 100,
        run: |plan| Box::pin(second::run(plan)),
    },
    Campaign {
        name: "cut",
        about: "connections cut, half closed, delayed, dripping, with retries; a cycle is one request",
        full: 100_000,
        run: |plan| Box::pin(cut::run(plan)),
    },
    Campaign {
        name: "history",
        about: "64 clients write and read at once; a cycle is one operation",
        full: 1_000_000,
        run: |plan| Box::pin(concurrent::run(plan)),
    },
    Campaign {
        name: "readers",
        about: "subscribers and readers while the server is killed or loses power; a cycle is one crash",
        full: 1_000,
        run: |plan| Box::pin(readers::run(plan)),
    },
    Campaign {
        name: "soak",
        about: "mixed load with a watchdog; a cycle is one second",
        full: 7_200,
        run: |plan| Box::pin(soak::run(plan)),
    },
];
