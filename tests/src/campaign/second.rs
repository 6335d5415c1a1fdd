//! Starts that must be refused and change nothing: a second process, a log that has begun, a newer format; and locks that
//! nobody holds any more, which stand in nobody's way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use rand::Rng as _;

use super::{Plan, Report};
use crate::client::Clients;
use crate::commands::{fact, one};
use crate::server::{DataDir, Server, program};

/// A cycle is each of them once.
pub async fn run(plan: Plan) -> Report {
    let mut report = Report::new("second", &plan);
    let data = DataDir::begun().await;
    for cycle in plan.numbers() {
        let mut random = plan.random(cycle);
        let mut wrong = Vec::new();

        let server = Server::start(&data);
        let clients = Clients::connect(server.address()).await;
        clients.record("admin", one(fact("wave/ONE"))).await.expect("recorded");
        assert!(server.stop().success(), "{}", data.log());
        report.acknowledged += 1;

        // Opened and idle, so that whatever changes was changed by the other.
        let server = Server::start(&data);
        wrong.extend(refused(&data, "a second server", &["open", "in use"], serve));
        wrong.extend(refused(&data, "a second init", &["begun"], init));
        server.kill();

        wrong.extend(refused(&data, "an init on a log that was killed", &["begun"], init));

        let format = data.path().join("FORMAT");
        let ours = std::fs::read(&format).expect("a format");
        let next =
            String::from_utf8_lossy(&ours).trim_end().rsplit(' ').next().and_then(|n| n.parse::<u32>().ok()).expect("a number")
                + 1;
        for newer in [next, random.random_range(next..1_000), u32::MAX] {
            std::fs::write(&format, format!("baton-ledger {newer}\n")).expect("a file is written");
            wrong.extend(refused(&data, &format!("format {newer}"), &["newer"], serve));
            wrong.extend(refused(&data, &format!("an init on format {newer}"), &["newer"], init));
        }
        std::fs::write(&format, ours).expect("a file is written");

        // Of a process that is gone, of one that runs and has nothing to do with it, and no number at all.
        for stale in ["999999\n".to_owned(), format!("{}\n", std::process::id()), "gone".to_owned(), String::new()] {
            std::fs::write(data.path().join("LOCK"), &stale).expect("a file is written");
            match Server::try_start(&data, Command::new(program("batond")), &[]) {
                Ok(server) => {
                    let clients = Clients::connect(server.address()).await;
                    let events = clients.read_all(0).await.map(|events| events.len());
                    if events.as_ref().ok() != Some(&(cycle - plan.first + 2)) {
                        wrong.push(format!("after a stale lock the log is {events:?} long"));
                    }
                }
                Err(refused) => wrong.push(format!("a stale lock {stale:?} is in the way: {}", refused.said)),
            }
        }
        report.cycles += 1;
        report.found_all(cycle, wrong);
    }
    report
}

/// How a command on the directory ended and what it said.
fn serve(data: &DataDir) -> (Option<i32>, String) {
    match Server::try_start(data, Command::new(program("batond")), &[]) {
        Ok(server) => (None, format!("it listens on {}", server.address())),
        Err(refused) => (refused.code, refused.said),
    }
}

fn init(data: &DataDir) -> (Option<i32>, String) {
    super::init(Command::new(program("baton")), data)
}

/// Checks that an act is refused in order, says one of the words, and changes no file but the lock of a log nobody holds.
fn refused(data: &DataDir, what: &str, words: &[&str], act: fn(&DataDir) -> (Option<i32>, String)) -> Option<String> {
    let files =
        || -> BTreeMap<PathBuf, Vec<u8>> { data.files().into_iter().filter(|(path, _)| !path.ends_with("LOCK")).collect() };
    let before = files();
    let (code, said) = act(data);
    let after = files();
    let paths: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let changed: Vec<_> = paths.into_iter().filter(|path| before.get(*path) != after.get(*path)).collect();
    if !matches!(code, Some(1..=4)) {
        return Some(format!("{what} ends with {code:?}: {said}"));
    }
    if !words.iter().any(|word| said.contains(word)) || said.contains("panicked") {
        return Some(format!("{what} says {said}"));
    }
    (!changed.is_empty()).then(|| format!("{what} changed {changed:?}"))
}
