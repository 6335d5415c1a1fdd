//! What must hold after a life that was cut short.

use std::process::Command;
use std::time::{Duration, Instant};

use baton_proto::v1 as proto;

use super::super::init;
use super::super::load::{compared_whole, mixed};
use super::lives::{Before, Life, Lived};
use super::{export, marked};
use crate::client::Clients;
use crate::history::Sent;
use crate::server::{DataDir, Server, program};

/// Everything that is not as it must be.
pub(super) async fn looked_at(before: &Before, lived: &Lived) -> Vec<String> {
    match lived.life {
        Life::Export => export::looked_at(before, &lived.data),
        life => start_again(&lived.data, life, &lived.sent).await,
    }
}

async fn start_again(data: &DataDir, life: Life, sent: &[Sent]) -> Vec<String> {
    if life == Life::Init {
        // Cut short, it is done again; done already, it is refused. The start tells.
        let (code, said) = init(Command::new(program("baton")), data);
        if code != Some(0) && !said.contains("begun") {
            return vec![format!("the log can not be begun again, {code:?}: {said}")];
        }
    }
    let archive = data.archive().display().to_string();
    let arguments: &[&str] = if life.archives() { &["--archive", &archive] } else { &[] };
    match Server::try_start(data, Command::new(program("batond")), arguments) {
        Ok(server) => {
            let clients = Clients::connect(server.address()).await;
            let mut wrong = compared_whole(&clients, sent).await;
            if let Err(status) = clients.record("admin", mixed("AFTER", 0, 0)).await {
                wrong.push(format!("it takes no more requests: {status:?}"));
            }
            if life == Life::Rewriting {
                wrong.extend(marked::finished(data));
            }
            if life.archives() {
                wrong.extend(caught_up(&clients).await);
                drop(clients);
                wrong.extend(archive_is_whole(server, data).await);
            }
            wrong
        }
        Err(refused) => vec![format!("it does not start again: {}", refused.said)],
    }
}

/// Waits until the archive covers everything that is durable now.
async fn caught_up(clients: &Clients) -> Option<String> {
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut due = None;
    loop {
        let asked = clients.audit.clone().get_checkpoint(proto::GetCheckpointRequest::default()).await;
        let Ok(told) = asked.map(tonic::Response::into_inner) else { return Some("no checkpoint is told".to_owned()) };
        let due = *due.get_or_insert(told.position + 1);
        match told.archive {
            Some(archive) if archive.size >= due && archive.failure.is_empty() => return None,
            archive if Instant::now() > deadline => {
                return Some(format!("the archive does not catch up with {due} events: {archive:?}"));
            }
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// The archive by itself, beside the log, and by what an auditor checks.
async fn archive_is_whole(server: Server, data: &DataDir) -> Vec<String> {
    let stopped = tokio::task::spawn_blocking(move || server.stop_if_it_runs()).await.expect("it ends");
    if stopped.is_none_or(|status| !status.success()) {
        return vec![format!("it does not stop in order: {}", data.log())];
    }
    let mut doctor = Command::new(program("baton"));
    doctor.args(["--output", "json", "doctor", "--data"]).arg(data.path()).arg("--archive").arg(data.archive());
    let mut wrong = not_sound(&export::said(doctor).words);
    let mut verify = Command::new(program("baton"));
    verify.args(["verify", "--bundle"]).arg(data.archive()).arg("--trust").arg(data.path().join("trust.txt"));
    let said = export::said(verify);
    if said.code != Some(0) {
        wrong.push(format!("the archive is not verified: {said:?}"));
    }
    wrong
}

/// What the doctor does not find sound of a log that was stopped in order, and of its archive, alone and beside its store.
fn not_sound(said: &str) -> Vec<String> {
    // Behind the JSON it may say in words that something needs attention.
    let json = serde_json::Deserializer::from_str(said).into_iter::<serde_json::Value>().next();
    let json = json.and_then(Result::ok).unwrap_or_default();
    let Some(findings) = json["findings"].as_array() else { return vec![format!("the doctor finds nothing: {said}")] };
    let of = |name: &str| findings.iter().filter(|finding| finding["looked_at"] == name).count();
    let (archive, both) = (of("archive"), of("archive and store"));
    let bad = findings.iter().filter(|finding| finding["state"] != "sound");
    let looked = (archive != 1 || both != 1).then(|| format!("the archive is not looked at: {said}"));
    bad.map(|finding| format!("the doctor finds {finding}")).chain(looked).collect()
}

/// What a crash in the middle of the storage engine's own snapshot leaves, made by hand: half of one under its draft name.
pub(super) async fn leftover_snapshot(before: &Before) -> Vec<String> {
    let data = before.killed.0.copy();
    let store = data.path().join("store");
    let snapshot =
        std::fs::read_dir(&store).expect("a directory").flatten().find(|e| e.file_name().to_string_lossy().starts_with("snap."));
    let bytes = snapshot.map_or_else(|| vec![7; 100], |entry| std::fs::read(entry.path()).expect("a file"));
    std::fs::write(store.join("snap.FFFFFFFF.generating"), &bytes[..bytes.len() / 2]).expect("a file is written");
    start_again(&data, Life::AfterAKill, &before.killed.1).await
}
