//! Damaged and missing files: a server on them refuses and says so, or serves exactly what was recorded, or says which of it is damaged.
//!
//! One log is made once, stopped in order and killed; each cycle damages one file of a copy of either. What a server may
//! never do: serve other bytes, miss something acknowledged without a word, hang, end in any other way than in order, or
//! change the damaged files of a log it refuses without keeping them as they were.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use baton_proto::v1 as proto;
use rand::Rng as _;
use rand::rngs::StdRng;
use tonic::{Code, Status};

use super::load::mixed;
use super::{Plan, Report};
use crate::client::Clients;
use crate::commands::{register, request, transition};
use crate::server::{DataDir, Server, program};

/// Enough for more than 256 events, so that the store holds a tile of the tree.
const REQUESTS: usize = 230;
const TRANSITION: &str = "QUY.DENT.TEST";
/// What a disk loses at once: a sector or a page. Keys fill sectors of their file long before they fill pages.
const BLOCKS: [usize; 2] = [512, 4096];

/// Cases at a time; more would only wait for each other.
const LANES: usize = 2;

/// Bytes of one key.
const KEY: usize = 32;

/// After this long a start counts as hung: a sound one of this size takes a fraction of a second.
const PATIENCE: Duration = Duration::from_secs(40);

/// A log, and what is on record in it.
pub(super) struct Original {
    how: &'static str,
    /// Where it is, with no server on it.
    pub(super) data: DataDir,
    /// All of it.
    pub(super) events: Vec<proto::RecordedEvent>,
    views: Views,
    /// Bytes of its key file that a start leaves as they are: up to the first key that was never used.
    pub(super) used_keys: usize,
}

/// What is served of the state, and not of the log: the board and a transition.
type Views = (proto::ListTransitionsResponse, proto::GetTransitionResponse);

/// How a damaged log was answered.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
pub(super) enum Outcome {
    Refused,
    ServedInFull,
    ServedWithDamageNamed,
    Wrong,
}

/// A cycle is one damage to one file and one start.
pub async fn run(plan: Plan) -> Report {
    let mut report = Report::new("damage", &plan);
    let originals = Arc::new([original("stopped").await, original("killed").await]);
    report.acknowledged = originals.iter().map(|o| o.events.len()).sum();
    let lanes = (0..LANES).map(|lane| {
        let originals = Arc::clone(&originals);
        tokio::spawn(async move {
            let mut done = Vec::new();
            for cycle in plan.numbers().skip(lane).step_by(LANES) {
                done.push((cycle, one(&originals, &mut plan.random(cycle)).await));
            }
            done
        })
    });
    let mut outcomes: BTreeMap<Outcome, usize> = BTreeMap::new();
    for lane in lanes.collect::<Vec<_>>() {
        for (cycle, case) in lane.await.expect("a lane ends") {
            report.cycles += 1;
            *outcomes.entry(case.outcome).or_default() += 1;
            report.found_all(cycle, case.wrong.into_iter().map(|what| format!("{}: {what}", case.done)));
        }
    }
    report.notes.push(format!("outcomes: {outcomes:?}; of logs of {} events each", originals[0].events.len()));
    report
}

/// Makes a log and ends its server in order, or by force where `how` is "killed".
pub(super) async fn original(how: &'static str) -> Original {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let clients = Clients::connect(server.address()).await;
    let mut first = register(&["QUY"], &["DENT"]);
    first.push(transition(TRANSITION));
    clients.record("admin", request(first)).await.expect("recorded");
    for number in 0..REQUESTS {
        clients.record("admin", mixed("DAMAGE", number % 3, number)).await.expect("recorded");
    }
    let events = clients.read_all(0).await.expect("the log is read");
    assert!(events.len() > 256, "{} events complete no tile", events.len());
    let views = views(&clients).await.expect("the board is read");
    // The head file follows within a second; damage to what it does not cover yet is another matter.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    match how {
        "killed" => server.kill(),
        _ => assert!(server.stop().success(), "{}", data.log()),
    }
    let used_keys = used_keys(&data);
    Original { how, data, events, views, used_keys }
}

/// See [`Original::used_keys`]; keys that were never used are made anew at a start, but for those it passes over after a kill.
fn used_keys(data: &DataDir) -> usize {
    let keys = |data: &DataDir| std::fs::read(data.path().join("keys")).expect("a key file");
    let started = data.copy();
    Server::start(&started).kill();
    let before = keys(data);
    let same = before.iter().zip(keys(&started)).take_while(|(before, after)| *before == after).count();
    assert!(same >= 3 * KEY, "words were sealed under the first keys, and a start leaves those: {same}");
    same / KEY * KEY
}

async fn views(clients: &Clients) -> Result<Views, Status> {
    let list = proto::ListTransitionsRequest::default();
    let get = proto::GetTransitionRequest { transition: TRANSITION.to_owned(), ..Default::default() };
    let listed = clients.transitions.clone().list_transitions(list).await?.into_inner();
    Ok((listed, clients.transitions.clone().get_transition(get).await?.into_inner()))
}

struct Case {
    done: String,
    outcome: Outcome,
    wrong: Vec<String>,
}

async fn one(originals: &[Original; 2], random: &mut StdRng) -> Case {
    let original = &originals[random.random_range(0..2)];
    let data = original.data.copy();
    let (file, what) = damage(&data, "store/db", original.used_keys, random);
    let done = format!("{} log, {}: {what}", original.how, file.display());
    let damaged = data.files();
    let (outcome, wrong) = match Server::try_start_within(&data, Command::new(program("batond")), &[], PATIENCE) {
        Ok(server) => {
            let (outcome, mut wrong) = served(&server, original).await;
            if server.stop_if_it_runs().is_none() {
                wrong.push("it does not stop".to_owned());
            }
            (outcome, wrong)
        }
        Err(refused) => {
            let mut wrong = Vec::new();
            if refused.hung {
                wrong.push("it hangs".to_owned());
            } else if refused.code != Some(1) {
                wrong.push(format!("it ends with {:?}: {}", refused.code, last_line(&refused.said)));
            } else if !names_it(&refused.said, &data) {
                wrong.push(format!("it refuses and does not say what is damaged: {}", last_line(&refused.said)));
            }
            wrong.extend(not_kept(&data, &damaged, &file, original.used_keys));
            (Outcome::Refused, wrong)
        }
    };
    let outcome = if wrong.is_empty() { outcome } else { Outcome::Wrong };
    Case { done, outcome, wrong }
}

/// Does it to one file below the directory, most of it to the one in which the records are; says to which, and what. Keys
/// that were never used are left out: a start makes them anew.
pub(super) fn damage(data: &DataDir, records: &str, used_keys: usize, random: &mut StdRng) -> (PathBuf, String) {
    let files: Vec<_> = data.files().into_iter().filter(|(path, bytes)| !bytes.is_empty() && !path.ends_with("LOCK")).collect();
    let the = |name: &str| files.iter().position(|(path, _)| path.ends_with(name)).expect("a log has this file");
    let (records, keys) = (the(records), the("data/keys"));
    loop {
        let chosen = match random.random_range(0..10) {
            0..5 => records,
            5 => keys,
            _ => random.random_range(0..files.len()),
        };
        let (path, before) = &files[chosen];
        let mut bytes = before.clone();
        let mut rest = bytes.split_off(if chosen == keys { used_keys.min(before.len()) } else { before.len() });
        let size = BLOCKS[random.random_range(0..BLOCKS.len())];
        let blocks = bytes.len().div_ceil(size);
        if random.random_range(0..20) == 0 {
            std::fs::remove_file(path).expect("a file is removed");
            return (path.strip_prefix(data.path()).expect("it is below").to_owned(), "removed".to_owned());
        }
        let what = match random.random_range(0..4) {
            0 => {
                // Half of the time where something stands.
                let mut at = random.random_range(0..bytes.len());
                for _ in 0..if random.random_bool(0.5) { 200 } else { 0 } {
                    if bytes[at] != 0 {
                        break;
                    }
                    at = random.random_range(0..bytes.len());
                }
                let bit = random.random_range(0..8);
                bytes[at] ^= 1 << bit;
                format!("bit {bit} of byte {at} flipped")
            }
            1 => {
                let to = random.random_range(0..bytes.len());
                bytes.truncate(to);
                rest.clear();
                format!("cut to {to} of {} bytes", before.len())
            }
            2 => {
                let block = random.random_range(0..blocks);
                let end = bytes.len().min((block + 1) * size);
                bytes[block * size..end].fill(0);
                format!("block {block} of {size} bytes zeroed")
            }
            _ => {
                let (one, other) = (random.random_range(0..blocks), random.random_range(0..blocks));
                let (one, other) = (one.min(other), one.max(other));
                if one == other || (other + 1) * size > bytes.len() {
                    continue;
                }
                let (left, right) = bytes.split_at_mut(other * size);
                left[one * size..(one + 1) * size].swap_with_slice(&mut right[..size]);
                format!("blocks {one} and {other} of {size} bytes swapped")
            }
        };
        bytes.append(&mut rest);
        // Zeros written over zeros are no damage.
        if bytes != *before {
            std::fs::write(path, &bytes).expect("a file is written");
            return (path.strip_prefix(data.path()).expect("it is below").to_owned(), what);
        }
    }
}

/// What a server that started serves, held against what is on record.
pub(super) async fn served(server: &Server, original: &Original) -> (Outcome, Vec<String>) {
    let clients = Clients::reconnecting(server.address(), PATIENCE);
    let (outcome, mut wrong) = served_log(&clients, &original.events).await;
    match views(&clients).await {
        Ok(views) if views == original.views => {}
        Ok((listed, got)) => wrong.push(format!("the board or a transition is served altered: {listed:?}, {got:?}")),
        Err(status) => wrong.push(format!("the board is answered with {status:?}")),
    }
    (outcome, wrong)
}

async fn served_log(clients: &Clients, events: &[proto::RecordedEvent]) -> (Outcome, Vec<String>) {
    match clients.read_all(0).await {
        Ok(found) => (Outcome::ServedInFull, differences(&found, events)),
        Err(status) if status.code() == Code::DataLoss => {
            let mut wrong: Vec<String> = said_right(&status).into_iter().collect();
            for event in events {
                wrong.extend(served_alone(clients, event).await);
            }
            (Outcome::ServedWithDamageNamed, wrong)
        }
        Err(status) => (Outcome::Wrong, vec![format!("a read is answered with {status:?}")]),
    }
}

async fn served_alone(clients: &Clients, event: &proto::RecordedEvent) -> Option<String> {
    let request = proto::ReadEventsRequest { from_position: event.position, page_size: 1, ..Default::default() };
    match clients.ledger.clone().read_events(request).await.map(tonic::Response::into_inner) {
        Ok(page) => match page.events.first() {
            Some(found) if found == event => None,
            Some(_) => Some(format!("position {} is served altered", event.position)),
            None => Some(format!("position {} is missing without a word", event.position)),
        },
        Err(status) if status.code() == Code::DataLoss => said_right(&status),
        Err(status) => Some(format!("position {} is answered with {status:?}", event.position)),
    }
}

fn differences(found: &[proto::RecordedEvent], events: &[proto::RecordedEvent]) -> Vec<String> {
    let mut wrong = Vec::new();
    if found.len() < events.len() {
        wrong.push(format!("{} of {} events are lost without a word", events.len() - found.len(), events.len()));
    }
    let altered: Vec<_> = found.iter().zip(events).filter(|(f, e)| f != e).collect();
    if let Some((found, event)) = altered.first() {
        let leaves = altered.iter().filter(|(f, e)| f.leaf != e.leaf).count();
        let n = altered.len();
        let (was, is) = (&event.payload_json, &found.payload_json);
        wrong.push(format!("{n} events are served altered, {leaves} of them in their leaf; the first was {was} and is {is}"));
    }
    wrong
}

fn said_right(status: &Status) -> Option<String> {
    status.message().contains("panicked").then(|| format!("a panic reaches a client: {status:?}"))
}

/// Whether a refusal names the directory or a file of it.
fn names_it(said: &str, data: &DataDir) -> bool {
    said.contains(&data.path().display().to_string())
}

/// Files of a refused log that are neither as they were nor kept as they were: the damaged one, and all of a damaged store.
fn not_kept(data: &DataDir, damaged: &[(PathBuf, Vec<u8>)], hit: &Path, used_keys: usize) -> Vec<String> {
    let now: BTreeMap<PathBuf, Vec<u8>> = data.files().into_iter().collect();
    let recovery = data.path().join("recovery");
    let kept = |bytes: &Vec<u8>| now.iter().any(|(path, kept)| path.starts_with(&recovery) && kept == bytes);
    let below = |path: &Path| path.strip_prefix(data.path()).unwrap_or(path).to_owned();
    let concerned = |path: &Path| path == hit || path.starts_with("store") && hit.starts_with("store");
    let changed = damaged.iter().map(|(path, bytes)| (path, below(path), bytes));
    // Keys that were never used are made anew at a start; those that were are neither touched nor ever copied.
    let as_it_was = |path: &Path, below: &Path, bytes: &Vec<u8>| match now.get(path) {
        Some(now) if below == Path::new("keys") => now.starts_with(&bytes[..used_keys.min(bytes.len())]),
        now => now == Some(bytes),
    };
    let changed = changed.filter(|(path, below, bytes)| concerned(below) && !as_it_was(path, below, bytes) && !kept(bytes));
    changed.map(|(_, below, _)| format!("{} was changed and not kept", below.display())).collect()
}

fn last_line(said: &str) -> &str {
    said.trim_end().lines().last().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(position: u64, leaf: &str) -> proto::RecordedEvent {
        proto::RecordedEvent { position, leaf: leaf.to_owned().into(), ..Default::default() }
    }

    #[test]
    fn missing_altered_and_added_bytes_are_told_apart() {
        let events = [event(0, "a"), event(1, "b")];
        assert_eq!(differences(&events, &events), Vec::<String>::new());
        assert!(differences(&events[..1], &events)[0].contains("1 of 2 events are lost"));
        assert!(differences(&[event(0, "a"), event(1, "c")], &events)[0].contains("1 events are served altered, 1 of them"));
    }

    #[test]
    fn file_changed_by_a_refusal_is_found_unless_it_was_kept() {
        let data = DataDir::empty();
        let db = data.path().join("store/db");
        std::fs::create_dir_all(data.path().join("store")).expect("a directory");
        std::fs::write(&db, "damaged").expect("a file");
        let damaged = data.files();
        assert_eq!(not_kept(&data, &damaged, Path::new("store/db"), 0), Vec::<String>::new());
        std::fs::write(&db, "repaired in silence").expect("a file");
        assert_eq!(not_kept(&data, &damaged, Path::new("store/db"), 0).len(), 1);
        std::fs::create_dir_all(data.path().join("recovery/1")).expect("a directory");
        std::fs::write(data.path().join("recovery/1/db"), "damaged").expect("a file");
        assert_eq!(not_kept(&data, &damaged, Path::new("store/db"), 0), Vec::<String>::new());
    }

    #[test]
    fn used_key_that_a_refusal_changes_is_found_and_one_that_was_never_used_is_not() {
        let data = DataDir::empty();
        let keys = data.path().join("keys");
        std::fs::create_dir_all(data.path()).expect("a directory");
        std::fs::write(&keys, [[1; KEY], [2; KEY], [3; KEY]].concat()).expect("a file");
        let damaged = data.files();
        let told = |of: [[u8; KEY]; 4]| {
            std::fs::write(&keys, of.concat()).expect("a file");
            not_kept(&data, &damaged, Path::new("keys"), 2 * KEY)
        };
        assert_eq!(told([[1; KEY], [2; KEY], [7; KEY], [8; KEY]]), Vec::<String>::new());
        assert_eq!(told([[1; KEY], [7; KEY], [3; KEY], [8; KEY]]), ["keys was changed and not kept"]);
    }
}
