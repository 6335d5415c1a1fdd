//! A log to take evidence from, and the programs that take and judge it: Baton's own, Go's packages and openssl.

use std::path::{Path, PathBuf};
use std::process::Command;

use baton_e2e::commands::{command, register, request, transition, worded_fact};
use baton_e2e::server::program;
use baton_e2e::{Clients, Server};
use baton_proto::v1 as proto;
use serde_json::Value;

pub(crate) const TRANSITION: &str = "QUY.DENT.TEST";

/// A log with a transition, and events enough for one full tile and the beginning of a second.
pub(crate) async fn history(server: &Server) {
    let clients = Clients::connect(server.address()).await;
    let record = async |commands: Vec<proto::Command>| {
        clients.record("admin", request(commands)).await.expect("recorded");
    };
    record(register(&["QUY", "QOX"], &["DENT"])).await;
    record(vec![transition(TRANSITION), transition("QOX.DENT.TEST")]).await;
    for round in 0..4 {
        record((0..70).map(|at| worded_fact("wave/TEST", &format!("words {round} {at}"))).collect()).await;
        record(vec![told(&format!("transition/{TRANSITION}"), round), told("transition/QOX.DENT.TEST", round)]).await;
    }
}

/// Something about a transition that needs no rule, with words.
pub(super) fn told(stream: &str, round: usize) -> proto::Command {
    let attached = proto::EvidenceAttached { about: None, note: format!("seen in round {round}") };
    let evidence = proto::Evidence {
        title: format!("Paper {round}"),
        held: Some(proto::evidence::Held::Sha256("ab".repeat(32))),
        ..Default::default()
    };
    proto::Command { evidence: vec![evidence], ..command(stream, proto::command::Event::EvidenceAttached(attached)) }
}

/// How a program ended, and all it said.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
}

pub(super) fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    Ran { code: output.status.code(), said: String::from_utf8_lossy(&said).into_owned() }
}

pub(crate) fn export(server: &Server, out: &Path, rest: &[&str]) {
    let ran = run(Command::new(program("baton"))
        .args(["--server", &server.address().to_string(), "export", "bundle", "--out"])
        .arg(out)
        .args(rest));
    assert_eq!(ran.code, Some(0), "{}", ran.said);
}

pub(crate) fn ours(dir: &Path, trust: &Path, rest: &[&str]) -> Ran {
    run(Command::new(program("baton")).args(["verify", "--bundle"]).arg(dir).arg("--trust").arg(trust).args(rest))
}

/// The whole report for programs.
pub(crate) fn report(dir: &Path, trust: &Path) -> Value {
    let output = Command::new(program("baton"))
        .args(["--output", "json", "verify", "--bundle"])
        .arg(dir)
        .arg("--trust")
        .arg(trust)
        .output()
        .expect("baton runs");
    serde_json::from_slice(&output.stdout).expect("a report in JSON")
}

/// The verifier written in Go, built once.
pub(crate) struct Go(PathBuf);

impl Go {
    pub(crate) fn build(dir: &Path) -> Self {
        let program = dir.join("verify");
        // Kept between runs, so that only the first one compiles Go's own library.
        let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("go-cache");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/outside/verify.go");
        let ran = run(Command::new("go")
            .args(["build", "-o"])
            .arg(&program)
            .arg(source)
            .envs([("GO111MODULE", "off"), ("GOPATH", "/usr/share/gocode"), ("GOFLAGS", "")])
            .env("GOCACHE", cache));
        assert_eq!(ran.code, Some(0), "{}", ran.said);
        Self(program)
    }

    pub(crate) fn verify(&self, dir: &Path, trust: &Path) -> Ran {
        run(Command::new(&self.0).arg(dir).arg(trust))
    }
}

pub(super) fn openssl(dir: &Path, trust: &Path) -> Ran {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/outside/openssl.sh");
    run(Command::new("sh").arg(script).arg(dir.join("checkpoint")).arg(trust))
}
