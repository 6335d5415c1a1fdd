//! Killed at one call that changes files: the next start finds everything acknowledged, with no repair by hand.
//!
//! A life is counted once, call by call; then it is lived again for each call and each way to end there: before it, after
//! it, and after it with everything gone that was not synced. The lives are a log that begins, a server on a log stopped
//! in order, and a server on one that was killed. Snapshots of the storage engine are among the calls.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use super::load::{compared_whole, cut_off, mixed};
use super::{Plan, Report};
use crate::client::Clients;
use crate::history::{Sent, places};
use crate::server::{ADMINISTRATOR, DataDir, Server, program};
use crate::shim::{Action, Call, Files, Shim};

/// Requests of a life, one after the other, so that the calls come in the same order every time.
const REQUESTS: usize = 10;

/// What is lived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Life {
    Init,
    AfterAStop,
    AfterAKill,
}

/// How it ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Before,
    After,
    WithoutPower,
}

/// A cycle is one call of one life and one way to end there; as many cycles as there are of them do all.
pub async fn run(plan: Plan) -> Report {
    run_with(plan, &[]).await
}

/// The same with further arguments to the server, so that one that answers too early can be found out.
pub async fn run_with(plan: Plan, arguments: &[&str]) -> Report {
    let mut report = Report::new("syscalls", &plan);
    let stopped = begun(&mut report, true).await;
    let killed = begun(&mut report, false).await;
    let before = |life| match life {
        Life::Init => None,
        Life::AfterAStop => Some(&stopped),
        Life::AfterAKill => Some(&killed),
    };

    let mut points = Vec::new();
    let mut calls = BTreeMap::new();
    for life in [Life::Init, Life::AfterAStop, Life::AfterAKill] {
        let lived = live(life, before(life), None, arguments).await;
        for call in Call::ALL {
            *calls.entry(format!("{call:?}").to_lowercase()).or_insert(0) += lived.shim.made(call);
        }
        for number in 1..=lived.shim.seen() {
            points.extend([End::Before, End::After, End::WithoutPower].map(|end| (life, number, end)));
        }
    }
    let all = points.len();
    points.shuffle(&mut StdRng::seed_from_u64(plan.seed));
    let points = points.into_iter().enumerate().skip(plan.first).take(plan.cycles);
    let mut reached = 0;
    for (cycle, (life, number, end)) in points {
        let lived = live(life, before(life), Some((number, end)), arguments).await;
        reached += usize::from(lived.shim.hit() > 0);
        report.cycles += 1;
        report.acknowledged += lived.sent.iter().filter(|s| s.acknowledged.is_some()).count();
        let again = start_again(&lived.data, life, &lived.sent).await;
        for what in lived.wrong.into_iter().chain(again) {
            report.found(cycle, format!("{life:?}, call {number}, {end:?}: {what}"));
        }
    }
    leftover_snapshot(&plan, &killed, &mut report).await;
    report
        .notes
        .push(format!("{} of {all} points, {reached} of them reached; calls of the three lives: {calls:?}", report.cycles));
    report
}

/// A log of some requests and what was sent, stopped in order or killed.
async fn begun(report: &mut Report, stop: bool) -> (DataDir, Vec<Sent>) {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let (sent, wrong) = requests(&server, "BEFORE").await;
    report.found_all(0, wrong);
    match stop {
        true => assert!(server.stop().success(), "{}", data.log()),
        false => server.kill(),
    }
    (data, sent)
}

struct Lived {
    data: DataDir,
    shim: Shim,
    sent: Vec<Sent>,
    wrong: Vec<String>,
}

async fn live(life: Life, before: Option<&(DataDir, Vec<Sent>)>, point: Option<(u64, End)>, arguments: &[&str]) -> Lived {
    let (data, mut sent) = match before {
        Some((data, sent)) => (data.copy(), sent.clone()),
        None => (DataDir::empty(), Vec::new()),
    };
    let shim = Shim::new(&data);
    match point {
        None => shim.watch(&Call::ALL, Files::All),
        Some((number, End::Before)) => shim.arm(Action::KillBefore, &Call::ALL, Files::All, number, 1),
        Some((number, _)) => shim.arm(Action::KillAfter, &Call::ALL, Files::All, number, 1),
    }
    let mut wrong = Vec::new();
    if life == Life::Init {
        let ended = init(shim.command("baton"), &data);
        if shim.hit() == 0 && !ended.contains("success") {
            wrong.push(format!("the log is not begun: {ended}"));
        }
    } else {
        match Server::try_start(&data, shim.server(), arguments) {
            Ok(server) => {
                let (more, bad) = requests(&server, "LIFE").await;
                sent.extend(more);
                wrong.extend(bad);
                if server.stop_if_it_runs().is_none() {
                    wrong.push("it does not stop".to_owned());
                }
            }
            Err(refused) if shim.hit() == 0 => wrong.push(format!("it does not start: {}", refused.said)),
            Err(_) => {}
        }
    }
    if let Some((_, End::WithoutPower)) = point
        && data.path().exists()
    {
        shim.lose_power();
    }
    Lived { data, shim, sent, wrong }
}

/// Sends some requests until the server is gone; what was sent, and calls that ended in any other way.
async fn requests(server: &Server, label: &str) -> (Vec<Sent>, Vec<String>) {
    let clients = Clients::reconnecting(server.address(), std::time::Duration::from_secs(60));
    let (mut sent, mut wrong) = (Vec::new(), Vec::new());
    for number in 0..REQUESTS {
        let request = mixed(label, 0, number);
        let answer = clients.record("admin", request.clone()).await;
        let acknowledged = answer.as_ref().ok().map(|a| places(&a.entries));
        sent.push(Sent { request, acknowledged });
        if let Err(status) = answer {
            if !cut_off(&status) {
                wrong.push(format!("a call ended with {status:?}"));
            }
            break;
        }
    }
    (sent, wrong)
}

/// How `baton init` ended and what it said.
fn init(mut command: Command, data: &DataDir) -> String {
    command
        .args(["init", "--origin", "baton.test/e2e", "--administrator", ADMINISTRATOR, "--data"])
        .arg(data.path())
        .arg("--key")
        .arg(data.key());
    let output = command.stdin(Stdio::null()).output().expect("baton starts");
    match output.status.success() {
        true => "success".to_owned(),
        false => format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)),
    }
}

async fn start_again(data: &DataDir, life: Life, sent: &[Sent]) -> Vec<String> {
    if life == Life::Init {
        // Cut short, it is done again; done already, it is refused. The start tells.
        let ended = init(Command::new(program("baton")), data);
        if ended != "success" && !ended.contains("begun") {
            return vec![format!("the log can not be begun again: {ended}")];
        }
    }
    match Server::try_start(data, Command::new(program("batond")), &[]) {
        Ok(server) => {
            let clients = Clients::connect(server.address()).await;
            let mut wrong = compared_whole(&clients, sent).await;
            if let Err(status) = clients.record("admin", mixed("AFTER", 0, 0)).await {
                wrong.push(format!("it takes no more requests: {status:?}"));
            }
            wrong
        }
        Err(refused) => vec![format!("it does not start again: {}", refused.said)],
    }
}

/// What a crash in the middle of the storage engine's own snapshot leaves, made by hand: half of one under its draft name.
async fn leftover_snapshot(plan: &Plan, killed: &(DataDir, Vec<Sent>), report: &mut Report) {
    let data = killed.0.copy();
    let store = data.path().join("store");
    let snapshot =
        std::fs::read_dir(&store).expect("a directory").flatten().find(|e| e.file_name().to_string_lossy().starts_with("snap."));
    let bytes = snapshot.map_or_else(|| vec![7; 100], |entry| std::fs::read(entry.path()).expect("a file"));
    std::fs::write(store.join("snap.FFFFFFFF.generating"), &bytes[..bytes.len() / 2]).expect("a file is written");
    for what in start_again(&data, Life::AfterAKill, &killed.1).await {
        report.found(plan.first + plan.cycles, format!("leftover snapshot: {what}"));
    }
}
