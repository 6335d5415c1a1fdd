//! Damaged copies: a restore from a backup and a copy of the key file, one file of which is damaged, refuses and says so, or
//! brings everything back. It never brings back other bytes, or fewer without a word, and never changes the copies.

use crate::cli::{Ran, baton};
use crate::server::{DataDir, Server};

use super::damage::{Original, Outcome, damage, original, served};
use super::{Plan, Report};

/// The file of a backup in which the records are.
const RECORDS: &str = "chunks/00000000000000000000.segment";

/// A cycle is one damage to one file and one restore.
pub async fn run(plan: Plan) -> Report {
    let mut report = Report::new("copies", &plan);
    let original = original("stopped").await;
    let copies = copied(&original.data);
    report.acknowledged = original.events.len();
    let (mut refused, mut whole) = (0, 0);
    for cycle in plan.numbers() {
        report.cycles += 1;
        let copies = copies.copy();
        let (file, what) = damage(&copies, RECORDS, original.used_keys, &mut plan.random(cycle));
        let damaged = copies.files();
        let mut wrong = Vec::new();
        match restored(&copies, &original, &mut wrong).await {
            Outcome::Refused => refused += 1,
            _ => whole += 1,
        }
        if copies.files() != damaged {
            wrong.push("the copies are changed".to_owned());
        }
        report.found_all(cycle, wrong.into_iter().map(|wrong| format!("{}: {what}: {wrong}", file.display())));
    }
    report.notes.push(format!("{refused} refused, {whole} brought back whole; of logs of {} events", original.events.len()));
    report
}

/// A directory with a backup of a log and a copy of its key file, and nothing else of it.
fn copied(data: &DataDir) -> DataDir {
    let copies = DataDir::empty();
    std::fs::create_dir(copies.path()).expect("made");
    std::fs::copy(data.key(), copies.key()).expect("the key is copied");
    let server = Server::start(data);
    let (address, backup, keys) = (server.address().to_string(), at(&copies, "backup"), at(&copies, "keys"));
    let made = baton(["backup", "--server", &address, "--out", &backup]);
    assert_eq!(made.code, Some(0), "{made:?}");
    let made = baton(["backup", "--keys", "--data", &data.path().display().to_string(), "--out", &keys]);
    assert_eq!(made.code, Some(0), "{made:?}");
    assert!(server.stop().success());
    copies
}

fn at(copies: &DataDir, name: &str) -> String {
    copies.path().join(name).display().to_string()
}

async fn restored(copies: &DataDir, original: &Original, wrong: &mut Vec<String>) -> Outcome {
    let to = copies.other("restored", "signing-key");
    let (data, key) = (to.path().display().to_string(), to.key().display().to_string());
    let (backup, keys) = (at(copies, "backup"), at(copies, "keys"));
    let Ran { code, err, .. } = baton(["restore", "--from", &backup, "--data", &data, "--key", &key, "--keys", &keys]);
    if code != Some(0) {
        if !matches!(code, Some(1 | 3 | 4)) {
            wrong.push(format!("it ends with {code:?}: {err}"));
        }
        if !err.contains(&copies.path().display().to_string()) {
            wrong.push(format!("it refuses and does not say what is damaged: {err}"));
        }
        if to.path().exists() {
            wrong.push("it refuses and leaves something".to_owned());
        }
        return Outcome::Refused;
    }
    let server = Server::start(&to);
    let (outcome, different) = served(&server, original).await;
    wrong.extend(different);
    outcome
}
