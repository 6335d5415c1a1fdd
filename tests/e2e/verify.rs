//! Evidence from outside: a server's bundles checked by `baton verify`, by the Go packages in which
//! these formats began, and by openssl; then one thing altered at a time, which all must refuse who can
//! see it. What Go cannot see stands beside the alteration, with the reason.
//!
//! Needs `go` with `golang.org/x/mod` (Debian: golang-go, golang-golang-x-mod-dev) and openssl;
//! `tests/run` installs them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use baton_e2e::commands::{command, fact, register, request, transition, worded_fact};
use baton_e2e::server::program;
use baton_e2e::{Clients, DataDir, Server};
use baton_proto::v1 as proto;
use serde_json::Value;
use tempfile::TempDir;

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
fn told(stream: &str, round: usize) -> proto::Command {
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

fn run(command: &mut Command) -> Ran {
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

fn openssl(dir: &Path, trust: &Path) -> Ran {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/outside/openssl.sh");
    run(Command::new("sh").arg(script).arg(dir.join("checkpoint")).arg(trust))
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory").flatten() {
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).expect("copied")),
        }
    }
}

pub(crate) fn alter(path: PathBuf, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let before = bytes.clone();
    change(&mut bytes);
    assert!(bytes != before, "{} was to be altered", path.display());
    fs::write(path, bytes).expect("written");
}

pub(crate) fn alter_text(path: PathBuf, change: impl FnOnce(&str) -> String) {
    alter(path, |bytes| *bytes = change(std::str::from_utf8(bytes).expect("text")).into_bytes());
}

/// A line of a text, changed.
fn line(text: &str, at: usize, change: impl FnOnce(&str) -> String) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    lines[at] = change(&lines[at]);
    lines.join("\n")
}

/// The character at this place replaced by another that base64 and hexadecimal have as well.
fn other_letter(text: &str, at: usize) -> String {
    let mut text = text.to_owned();
    let new = if &text[at..=at] == "a" { "b" } else { "a" };
    text.replace_range(at..=at, new);
    text
}

/// Where the entries of a bundle begin and end.
pub(crate) fn entries(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let end = at + 2 + usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        found.push(at..end);
        at = end;
    }
    found
}

/// The only file of this kind below a directory, such as the partial tile of a level.
fn only(dir: PathBuf) -> PathBuf {
    let mut files = fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display())).flatten();
    let file = files.next().expect("a file").path();
    assert!(files.next().is_none());
    file
}

/// The positions of the leaves in a bundle about a transition, in order.
fn leaves(dir: &Path) -> Vec<u64> {
    let name = |entry: fs::DirEntry| entry.path().file_stem()?.to_str()?.parse().ok();
    let mut leaves: Vec<u64> = fs::read_dir(dir.join("leaves")).expect("leaves").flatten().filter_map(name).collect();
    leaves.sort_unstable();
    leaves
}

/// What the alterations draw on.
struct Evidence {
    whole: PathBuf,
    one: PathBuf,
    /// The same two, earlier.
    earlier: PathBuf,
    one_earlier: PathBuf,
    /// Another transition, at the same checkpoint as `one`.
    neighbour: PathBuf,
    /// Another log of the same name, signed by another key.
    foreign: PathBuf,
}

/// Whether Go's packages can see an alteration.
enum Go2 {
    Sees,
    /// Why not.
    Blind(&'static str),
}
use Go2::{Blind, Sees};

const OURS_ALONE: &str = "Go knows neither the words beside leaves nor bundle.json: their form is Baton's";

type Alteration = (&'static str, Go2, Box<dyn Fn(&Path, &Evidence)>);

fn of_the_whole_log() -> Vec<Alteration> {
    let checkpoint = |change: fn(&str) -> String| move |dir: &Path, _: &Evidence| alter_text(dir.join("checkpoint"), change);
    let first = "tile/entries/000";
    vec![
        ("another origin", Sees, Box::new(checkpoint(|note| line(note, 0, |origin| other_letter(origin, 3))))),
        (
            "a larger size",
            Sees,
            Box::new(checkpoint(|note| line(note, 1, |size| (size.parse::<u64>().unwrap_or(0) + 1).to_string()))),
        ),
        (
            "a smaller size",
            Sees,
            Box::new(checkpoint(|note| line(note, 1, |size| (size.parse::<u64>().unwrap_or(0) - 1).to_string()))),
        ),
        ("another root", Sees, Box::new(checkpoint(|note| line(note, 2, |root| other_letter(root, 5))))),
        (
            "another key id",
            Sees,
            Box::new(checkpoint(|note| line(note, 4, |sig| other_letter(sig, sig.rfind(' ').unwrap_or(0) + 2)))),
        ),
        (
            "another signature",
            Sees,
            Box::new(checkpoint(|note| line(note, 4, |sig| other_letter(sig, sig.rfind(' ').unwrap_or(0) + 30)))),
        ),
        ("a signature under another name", Sees, Box::new(checkpoint(|note| line(note, 4, |sig| sig.replace("e2e", "e2f"))))),
        ("no signature", Sees, Box::new(checkpoint(|note| line(note, 4, |_| String::new())))),
        ("no checkpoint", Sees, Box::new(|dir, _| fs::remove_file(dir.join("checkpoint")).expect("removed"))),
        (
            "a leaf with one bit flipped",
            Sees,
            Box::new(move |dir, _| {
                alter(dir.join(first), |bytes| {
                    let entry = entries(bytes)[40].clone();
                    bytes[entry.start + 60] ^= 1;
                })
            }),
        ),
        (
            "the last leaf with one bit flipped",
            Sees,
            Box::new(|dir, _| {
                alter(only(dir.join("tile/entries/001.p")), |bytes| {
                    let entry = entries(bytes).pop().expect("an entry");
                    bytes[entry.end - 2] ^= 1;
                })
            }),
        ),
        (
            "an entry that says it is longer",
            Sees,
            Box::new(move |dir, _| alter(dir.join(first), |bytes| bytes[1] = bytes[1].wrapping_add(1))),
        ),
        (
            "an entry that says it is shorter",
            Sees,
            Box::new(move |dir, _| alter(dir.join(first), |bytes| bytes[1] = bytes[1].wrapping_sub(1))),
        ),
        (
            "two leaves in each other's place",
            Sees,
            Box::new(move |dir, _| {
                alter(dir.join(first), |bytes| {
                    let all = entries(bytes);
                    let swapped =
                        [&bytes[..all[7].start], &bytes[all[8].clone()], &bytes[all[7].clone()], &bytes[all[8].end..]].concat();
                    *bytes = swapped;
                })
            }),
        ),
        (
            "a leaf taken out",
            Sees,
            Box::new(|dir, _| {
                alter(only(dir.join("tile/entries/001.p")), |bytes| {
                    let entry = entries(bytes)[3].clone();
                    bytes.drain(entry);
                })
            }),
        ),
        (
            "a leaf put in twice",
            Sees,
            Box::new(|dir, _| {
                alter(only(dir.join("tile/entries/001.p")), |bytes| {
                    let entry = bytes[entries(bytes)[3].clone()].to_vec();
                    bytes.extend(entry);
                })
            }),
        ),
        ("entries cut off", Sees, Box::new(move |dir, _| alter(dir.join(first), |bytes| bytes.truncate(bytes.len() / 2)))),
        ("entries gone", Sees, Box::new(move |dir, _| fs::remove_file(dir.join(first)).expect("removed"))),
        ("the last entries gone", Sees, Box::new(|dir, _| fs::remove_dir_all(dir.join("tile/entries/001.p")).expect("removed"))),
        ("a hash in a tile of leaves", Sees, Box::new(|dir, _| alter(dir.join("tile/0/000"), |bytes| bytes[32 * 9 + 5] ^= 1))),
        ("a hash in a tile above", Sees, Box::new(|dir, _| alter(only(dir.join("tile/1/000.p")), |bytes| bytes[5] ^= 1))),
        ("a tile cut off", Sees, Box::new(|dir, _| alter(dir.join("tile/0/000"), |bytes| bytes.truncate(32 * 200)))),
        ("a tile gone", Sees, Box::new(|dir, _| fs::remove_file(dir.join("tile/0/000")).expect("removed"))),
        (
            "the checkpoint of an earlier time",
            Sees,
            Box::new(|dir, all| {
                fs::copy(all.earlier.join("checkpoint"), dir.join("checkpoint")).map(drop).expect("copied");
            }),
        ),
        (
            "an earlier log under the newer checkpoint",
            Sees,
            Box::new(|dir, all| {
                fs::remove_dir_all(dir).expect("removed");
                copy(&all.earlier, dir);
                fs::copy(all.whole.join("checkpoint"), dir.join("checkpoint")).map(drop).expect("copied");
            }),
        ),
        (
            "the checkpoint of another log",
            Sees,
            Box::new(|dir, all| {
                fs::copy(all.foreign.join("checkpoint"), dir.join("checkpoint")).map(drop).expect("copied");
            }),
        ),
        (
            "everything written and signed anew with another key",
            Sees,
            Box::new(|dir, all| {
                fs::remove_dir_all(dir).expect("removed");
                copy(&all.foreign, dir);
            }),
        ),
        (
            "leaves and tiles of another log of the same size under a checkpoint of this one",
            Sees,
            Box::new(|dir, all| {
                fs::remove_dir_all(dir).expect("removed");
                copy(&all.foreign, dir);
                fs::copy(all.earlier.join("checkpoint"), dir.join("checkpoint")).map(drop).expect("copied");
                fs::remove_dir_all(dir.join("checkpoints")).expect("removed");
                manifest(dir, |m| m["checkpoints"] = Value::Array(Vec::new()));
            }),
        ),
        (
            "an older checkpoint with another root",
            Sees,
            Box::new(|dir, _| alter_text(oldest(dir), |note| line(note, 2, |root| other_letter(root, 5)))),
        ),
        (
            "an older checkpoint under another size",
            Sees,
            Box::new(|dir, _| {
                fs::rename(oldest(dir), dir.join("checkpoints/2.note")).expect("renamed");
            }),
        ),
        (
            "an older checkpoint of another log",
            Sees,
            Box::new(|dir, all| {
                fs::copy(oldest(&all.foreign), oldest(dir)).map(drop).expect("copied");
            }),
        ),
        ("an older checkpoint gone", Blind(OURS_ALONE), Box::new(|dir, _| fs::remove_file(oldest(dir)).expect("removed"))),
        ("other words", Blind(OURS_ALONE), Box::new(|dir, _| disclosure(dir, |text| text.replace("words 0", "words 1")))),
        (
            "another salt",
            Blind(OURS_ALONE),
            Box::new(|dir, _| {
                disclosure(dir, |text| {
                    let at = text.find("salt").expect("a salt") + 9;
                    other_letter(text, at)
                })
            }),
        ),
        (
            "words at another path",
            Blind(OURS_ALONE),
            Box::new(|dir, _| disclosure(dir, |text| text.replace("/payload/note", "/remark"))),
        ),
        ("words missing", Blind(OURS_ALONE), Box::new(|dir, _| fs::remove_file(worded(dir)).expect("removed"))),
        (
            "words beside a leaf that has none",
            Blind(OURS_ALONE),
            Box::new(|dir, _| {
                fs::copy(worded(dir), dir.join("disclosures/1.json")).map(drop).expect("copied");
            }),
        ),
        (
            "words beside another leaf",
            Blind(OURS_ALONE),
            Box::new(|dir, _| {
                let second = worded(dir).with_file_name("40.json");
                fs::copy(worded(dir), second).map(drop).expect("copied");
            }),
        ),
        ("bundle.json of another size", Blind(OURS_ALONE), Box::new(|dir, _| manifest(dir, |m| m["size"] = 1.into()))),
        ("bundle.json of another origin", Blind(OURS_ALONE), Box::new(|dir, _| manifest(dir, |m| m["origin"] = "other".into()))),
        (
            "bundle.json that says words were erased",
            Blind(OURS_ALONE),
            Box::new(|dir, _| {
                fs::remove_file(worded(dir)).expect("removed");
                manifest(dir, |m| {
                    m["disclosed"] = Value::Array(Vec::new());
                    m["erased"] = serde_json::json!([[20, 20]]);
                });
            }),
        ),
        (
            "bundle.json malformed",
            Blind(OURS_ALONE),
            Box::new(|dir, _| alter(dir.join("bundle.json"), |bytes| bytes.truncate(20))),
        ),
    ]
}

fn of_one_transition() -> Vec<Alteration> {
    let proof = |dir: &Path, nth: usize| dir.join(format!("proofs/{}.tlog-proof", leaves(dir)[nth]));
    let leaf = |dir: &Path, nth: usize| dir.join(format!("leaves/{}.json", leaves(dir)[nth]));
    vec![
        ("a leaf with one bit flipped", Sees, Box::new(move |dir, _| alter(leaf(dir, 1), |bytes| bytes[60] ^= 1))),
        ("a leaf cut off", Sees, Box::new(move |dir, _| alter(leaf(dir, 1), |bytes| bytes.truncate(100)))),
        (
            "two leaves in each other's place",
            Sees,
            Box::new(move |dir, _| {
                let (one, other) = (fs::read(leaf(dir, 1)).expect("a leaf"), fs::read(leaf(dir, 2)).expect("a leaf"));
                fs::write(leaf(dir, 1), other).and_then(|()| fs::write(leaf(dir, 2), one)).expect("written");
            }),
        ),
        (
            "a leaf and its proof under another position",
            Sees,
            Box::new(move |dir, _| {
                let to = leaves(dir)[1] + 1;
                fs::rename(proof(dir, 1), dir.join(format!("proofs/{to}.tlog-proof"))).expect("renamed");
                fs::rename(leaf(dir, 1), dir.join(format!("leaves/{to}.json"))).expect("renamed");
            }),
        ),
        (
            "a hash of a proof",
            Sees,
            Box::new(move |dir, _| alter_text(proof(dir, 1), |text| line(text, 3, |hash| other_letter(hash, 7)))),
        ),
        (
            "the index of a proof",
            Sees,
            Box::new(move |dir, _| alter_text(proof(dir, 1), |text| line(text, 1, |_| "index 3".to_owned()))),
        ),
        (
            "a hash left out of a proof",
            Sees,
            Box::new(move |dir, _| {
                alter_text(proof(dir, 1), |text| {
                    let mut lines: Vec<&str> = text.split('\n').collect();
                    lines.remove(3);
                    lines.join("\n")
                })
            }),
        ),
        (
            "the checkpoint of a proof from an earlier time",
            Sees,
            Box::new(move |dir, all| {
                let earlier = fs::read_to_string(all.earlier.join("checkpoint")).expect("a note");
                alter_text(proof(dir, 1), |text| format!("{}\n\n{earlier}", text.split_once("\n\n").expect("two parts").0));
            }),
        ),
        (
            "a sound proof up to an earlier checkpoint",
            Sees,
            Box::new(move |dir, all| {
                fs::copy(proof(&all.one_earlier, 1), proof(dir, 1)).map(drop).expect("copied");
            }),
        ),
        (
            "the proof of another leaf",
            Sees,
            Box::new(move |dir, _| {
                fs::copy(proof(dir, 2), proof(dir, 1)).map(drop).expect("copied");
            }),
        ),
        ("a proof gone", Sees, Box::new(move |dir, _| fs::remove_file(proof(dir, 1)).expect("removed"))),
        (
            "an event in the middle left out",
            Blind("each leaf that is left is proven; only its revision tells of a gap"),
            Box::new(move |dir, _| {
                let (gone, path) = (proof(dir, 1), leaf(dir, 1));
                fs::remove_file(gone).and_then(|()| fs::remove_file(path)).expect("removed");
            }),
        ),
        (
            "another origin",
            Sees,
            Box::new(|dir, _| alter_text(dir.join("checkpoint"), |note| line(note, 0, |origin| other_letter(origin, 3)))),
        ),
        (
            "the checkpoint of an earlier time",
            Sees,
            Box::new(|dir, all| {
                fs::copy(all.earlier.join("checkpoint"), dir.join("checkpoint")).map(drop).expect("copied");
            }),
        ),
        (
            "a hash of a consistency proof",
            Sees,
            Box::new(|dir, _| alter_text(oldest(dir).with_extension("consistency"), |text| other_letter(text, 8))),
        ),
        (
            "a consistency proof gone",
            Sees,
            Box::new(|dir, _| fs::remove_file(oldest(dir).with_extension("consistency")).expect("removed")),
        ),
        (
            "a sound leaf of another transition with its sound proof",
            Blind("which stream a leaf belongs to stands inside it"),
            Box::new(|dir, all| {
                let index = leaves(&all.neighbour)[1];
                for file in
                    [format!("leaves/{index}.json"), format!("proofs/{index}.tlog-proof"), format!("disclosures/{index}.json")]
                {
                    fs::copy(all.neighbour.join(&file), dir.join(&file)).map(drop).expect("copied");
                }
                manifest(dir, |m| {
                    for list in ["leaves", "disclosed"] {
                        m[list].as_array_mut().expect("ranges").push(serde_json::json!([index, index]));
                    }
                });
            }),
        ),
        (
            "another transition in bundle.json",
            Blind("which stream a leaf belongs to stands inside it"),
            // Proven in the same tree, and not what is said to have been asked for.
            Box::new(|dir, _| manifest(dir, |m| m["asked"]["transition"] = "QOX.DENT.TEST".into())),
        ),
    ]
}

/// The older checkpoint of the smallest size.
fn oldest(dir: &Path) -> PathBuf {
    let size = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_suffix(".note")?.parse::<u64>().ok();
    let sizes = fs::read_dir(dir.join("checkpoints")).expect("checkpoints").flatten().filter_map(size);
    dir.join(format!("checkpoints/{}.note", sizes.min().expect("an older checkpoint")))
}

/// The words beside position 20, which is one of the facts with words.
fn worded(dir: &Path) -> PathBuf {
    dir.join("disclosures/20.json")
}

fn disclosure(dir: &Path, change: impl FnOnce(&str) -> String) {
    alter_text(worded(dir), change);
}

fn manifest(dir: &Path, change: impl FnOnce(&mut Value)) {
    alter(dir.join("bundle.json"), |bytes| {
        let mut value: Value = serde_json::from_slice(bytes).expect("JSON");
        change(&mut value);
        *bytes = value.to_string().into_bytes();
    });
}

/// Every alteration of a bundle that somebody accepts who should not.
fn accepted(go: &Go, all: &Evidence, bundle: &Path, trust: &Path, alterations: Vec<Alteration>) -> Vec<String> {
    let mut wrong = Vec::new();
    let (mut both, mut alone) = (0, 0);
    for (name, sees, change) in alterations {
        let dir = TempDir::new().expect("a temporary directory");
        let altered = dir.path().join("bundle");
        copy(bundle, &altered);
        change(&altered, all);
        let (here, there) = (ours(&altered, trust, &[]), go.verify(&altered, trust));
        if here.code != Some(1) || here.said.contains("panicked") {
            wrong.push(format!("{name}: baton verify ended with {:?}: {}", here.code, here.said));
        }
        match (sees, there.code) {
            (Sees, Some(1)) => both += 1,
            (Blind(_), Some(0)) => alone += 1,
            (Sees, code) => wrong.push(format!("{name}: Go ended with {code:?}: {}", there.said)),
            (Blind(why), code) => wrong.push(format!("{name}: Go ended with {code:?} although {why}: {}", there.said)),
        }
    }
    println!("{both} alterations refused by both, {alone} by Baton alone");
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn bundles_verify_everywhere_and_with_anything_altered_nowhere() {
    let (data, foreign) = (DataDir::begun().await, DataDir::begun().await);
    let (server, other) = (Server::start(&data), Server::start(&foreign));
    history(&server).await;
    history(&other).await;
    let dir = TempDir::new().expect("a temporary directory");
    let at = |name: &str| dir.path().join(name);
    let trust = at("trust.txt");
    fs::copy(data.path().join("trust.txt"), &trust).expect("the auditor has the key");

    export(&server, &at("earlier"), &["--with-words"]);
    export(&server, &at("one-earlier"), &["--transition", TRANSITION, "--with-words"]);
    let clients = Clients::connect(server.address()).await;
    clients.record("admin", request(vec![fact("wave/TEST"), fact("wave/TEST")])).await.expect("recorded");
    export(&server, &at("whole"), &["--with-words"]);
    export(&server, &at("withheld"), &[]);
    export(&server, &at("one"), &["--transition", TRANSITION, "--with-words"]);
    export(&server, &at("neighbour"), &["--transition", "QOX.DENT.TEST", "--with-words"]);
    export(&other, &at("foreign"), &["--with-words"]);

    let go = Go::build(dir.path());
    for name in ["earlier", "whole", "withheld", "one"] {
        let (here, there, signature) = (ours(&at(name), &trust, &[]), go.verify(&at(name), &trust), openssl(&at(name), &trust));
        assert_eq!(
            (here.code, there.code, signature.code),
            (Some(0), Some(0), Some(0)),
            "{name}: {} {} {}",
            here.said,
            there.said,
            signature.said
        );
    }
    for (name, change) in [("origin", 0), ("size", 1), ("root", 2), ("signature", 4)] {
        copy(&at("whole"), &at(name));
        alter_text(at(name).join("checkpoint"), |note| line(note, change, |text| other_letter(text, text.len() / 2)));
        assert_ne!(openssl(&at(name), &trust).code, Some(0), "openssl accepts another {name}");
    }
    assert_ne!(openssl(&at("foreign"), &trust).code, Some(0));

    let all = Evidence {
        whole: at("whole"),
        one: at("one"),
        earlier: at("earlier"),
        one_earlier: at("one-earlier"),
        neighbour: at("neighbour"),
        foreign: at("foreign"),
    };
    assert_eq!(accepted(&go, &all, &all.whole, &trust, of_the_whole_log()), Vec::<String>::new());
    assert_eq!(accepted(&go, &all, &all.one, &trust, of_one_transition()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn report_names_the_first_bad_position() {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    history(&server).await;
    let dir = TempDir::new().expect("a temporary directory");
    let (bundle, trust) = (dir.path().join("bundle"), data.path().join("trust.txt"));
    export(&server, &bundle, &[]);
    let sound = report(&bundle, &trust);
    assert_eq!((&sound["verdict"], &sound["first_bad_index"]), (&"verified".into(), &Value::Null), "{sound:#}");
    assert_eq!((&sound["kind"], &sound["first_contact"]), (&"log".into(), &true.into()));
    assert!(sound["warnings"][0].as_str().is_some_and(|warning| warning.contains("data directory")), "{sound:#}");
    let positions: [(u64, Alteration); 3] = [
        (
            40,
            (
                "",
                Sees,
                Box::new(|dir, _| {
                    alter(dir.join("tile/entries/000"), |bytes| {
                        let entry = entries(bytes)[40].clone();
                        // Inside a text, so that the leaf is still one and only its hash tells.
                        let at = entry.start + bytes[entry].windows(10).position(|w| w == b"command_id").expect("an id") + 13;
                        bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
                    })
                }),
            ),
        ),
        (
            7,
            (
                "",
                Sees,
                Box::new(|dir, _| {
                    alter(dir.join("tile/entries/000"), |bytes| {
                        let all = entries(bytes);
                        *bytes = [&bytes[..all[7].start], &bytes[all[8].clone()], &bytes[all[7].clone()], &bytes[all[8].end..]]
                            .concat();
                    })
                }),
            ),
        ),
        (
            260,
            (
                "",
                Sees,
                Box::new(|dir, _| {
                    alter(only(dir.join("tile/entries/001.p")), |bytes| {
                        let entry = entries(bytes)[4].clone();
                        let at = entry.start + bytes[entry].windows(10).position(|w| w == b"command_id").expect("an id") + 13;
                        bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
                    })
                }),
            ),
        ),
    ];
    for (position, (_, _, change)) in positions {
        let altered = dir.path().join(format!("altered-{position}"));
        copy(&bundle, &altered);
        let all = Evidence {
            whole: bundle.clone(),
            one: bundle.clone(),
            earlier: bundle.clone(),
            one_earlier: bundle.clone(),
            neighbour: bundle.clone(),
            foreign: bundle.clone(),
        };
        change(&altered, &all);
        let report = report(&altered, &trust);
        assert_eq!((&report["verdict"], &report["first_bad_index"]), (&"failed".into(), &position.into()), "{report:#}");
    }
}

/// A log of the same name and key in which other things happened: what an operator with the key can make.
async fn rewritten(of: &DataDir) -> DataDir {
    let data = DataDir::begun().await;
    fs::remove_dir_all(data.path()).expect("removed");
    fs::copy(of.key(), data.key()).expect("the operator has the key");
    data.begin().await;
    data
}

#[tokio::test(flavor = "multi_thread")]
async fn rewritten_or_cut_off_history_is_refused_by_whoever_remembers_an_earlier_checkpoint() {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let clients = Clients::connect(server.address()).await;
    history(&server).await;
    let dir = TempDir::new().expect("a temporary directory");
    let at = |name: &str| dir.path().join(name);
    let (trust, state) = (at("trust.txt"), at("state.json"));
    fs::copy(data.path().join("trust.txt"), &trust).expect("the auditor has the key");
    let remembering = ["--state", state.to_str().expect("text")];

    export(&server, &at("early"), &[]);
    let first = ours(&at("early"), &trust, &remembering);
    assert_eq!(first.code, Some(0), "{}", first.said);
    assert!(first.said.contains("trust on first use"), "{}", first.said);
    let size = report(&at("early"), &trust)["size"].as_u64().expect("a size");

    clients.record("admin", request(vec![told(&format!("transition/{TRANSITION}"), 9)])).await.expect("recorded");
    export(&server, &at("later"), &[]);
    export(&server, &at("one"), &["--transition", TRANSITION]);
    export(&server, &at("one-continued"), &["--transition", TRANSITION, "--from-size", &size.to_string()]);
    let unshown = ours(&at("one"), &trust, &remembering);
    assert_eq!(unshown.code, Some(1), "{}", unshown.said);
    assert!(unshown.said.contains(&format!("--from-size {size}")), "{}", unshown.said);
    for name in ["one-continued", "later", "later"] {
        let ran = ours(&at(name), &trust, &remembering);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.said);
        assert!(!ran.said.contains("trust on first use"), "{name}: {}", ran.said);
    }
    let cut = ours(&at("early"), &trust, &remembering);
    assert_eq!(cut.code, Some(1), "{}", cut.said);
    assert!(cut.said.contains("cut off"), "{}", cut.said);

    let forged = rewritten(&data).await;
    let forger = Server::start(&forged);
    history(&forger).await;
    let others = Clients::connect(forger.address()).await;
    others.record("admin", request((0..5).map(|_| fact("wave/TEST")).collect())).await.expect("recorded");
    export(&forger, &at("forged"), &[]);
    let before = fs::read(&state).expect("a state file");
    assert_eq!(ours(&at("forged"), &trust, &[]).code, Some(0), "nobody can see it who remembers nothing");
    let seen = ours(&at("forged"), &trust, &remembering);
    assert_eq!(seen.code, Some(1), "{}", seen.said);
    assert!(seen.said.contains("not continued from the checkpoint of size"), "{}", seen.said);

    // The same with the servers asked.
    let live = |server: &Server, rest: &[&str]| {
        let address = server.address().to_string();
        run(Command::new(program("baton"))
            .args(["--server", &address, "verify", "--trust"])
            .arg(&trust)
            .args(remembering)
            .args(rest))
    };
    assert_eq!(live(&forger, &[]).code, Some(1));
    assert_eq!(fs::read(&state).expect("a state file"), before, "what was refused is not remembered");
    clients.record("admin", request(vec![fact("wave/TEST")])).await.expect("recorded");
    let now = live(&server, &["--bundle", at("one").to_str().expect("text")]);
    assert_eq!(now.code, Some(0), "{}", now.said);
    assert_ne!(fs::read(&state).expect("a state file"), before, "what was shown is remembered");
    let behind = ours(&at("later"), &trust, &remembering);
    assert_eq!(behind.code, Some(1), "{}", behind.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_receipt_verifies_with_its_leaf_and_with_nothing_else() {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let clients = Clients::connect(server.address()).await;
    let answer = clients.record("admin", request(vec![fact("wave/ONE"), fact("wave/ONE")])).await.expect("recorded");
    let events = clients.read_all(0).await.expect("the log is read");
    let dir = TempDir::new().expect("a temporary directory");
    let at = |name: &str| dir.path().join(name);
    fs::copy(data.path().join("trust.txt"), at("trust.txt")).expect("the auditor has the key");
    for (name, event) in [("leaf", &events[2]), ("other-leaf", &events[1])] {
        fs::write(at(name), &event.leaf).expect("written");
    }
    fs::write(at("receipt"), &answer.entries[1].receipt).expect("written");
    let verify = |receipt: &str, leaf: &str, trust: &str| {
        let paths = [at(receipt), at(leaf), at(trust)];
        run(Command::new(program("baton"))
            .arg("verify")
            .arg("--receipt")
            .arg(&paths[0])
            .arg("--leaf")
            .arg(&paths[1])
            .arg("--trust")
            .arg(&paths[2]))
    };
    let kept = verify("receipt", "leaf", "trust.txt");
    assert_eq!(kept.code, Some(0), "{}", kept.said);
    assert!(kept.said.contains("at position 2") && kept.said.contains("revision 2 of stream wave/ONE"), "{}", kept.said);
    assert_eq!(verify("receipt", "other-leaf", "trust.txt").code, Some(1));
    let elsewhere = DataDir::begun().await;
    fs::copy(elsewhere.path().join("trust.txt"), at("other-trust.txt")).expect("another key");
    assert_eq!(verify("receipt", "leaf", "other-trust.txt").code, Some(1));
    assert_eq!(verify("receipt", "leaf", "nowhere").code, Some(2));
    assert_eq!(verify("nowhere", "leaf", "trust.txt").code, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn bundle_is_written_into_an_empty_directory_only_and_without_a_server_nothing_is_said_to_be_verified() {
    let data = DataDir::begun().await;
    let server = Server::start(&data);
    let dir = TempDir::new().expect("a temporary directory");
    let address = server.address().to_string();
    fs::write(dir.path().join("mine"), "mine").expect("written");
    let bundle = |rest: &[&str], out: &Path| {
        run(Command::new(program("baton")).args(["--server", &address, "export", "bundle", "--out"]).arg(out).args(rest))
    };
    let refused = bundle(&[], dir.path());
    assert_eq!(refused.code, Some(1), "{}", refused.said);
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1, "nothing was put beside what is there");
    let unknown = bundle(&["--transition", "QUY.DENT.NOWHERE"], &dir.path().join("unknown"));
    assert_eq!(unknown.code, Some(1), "{}", unknown.said);
    assert!(!dir.path().join("unknown").exists());
    let beyond = bundle(&["--transition", "QUY.DENT.NOWHERE", "--from-size", "99"], &dir.path().join("unknown"));
    assert_eq!(beyond.code, Some(1), "{}", beyond.said);

    let trust = data.path().join("trust.txt");
    let verify = |rest: &[&str]| run(Command::new(program("baton")).arg("verify").arg("--trust").arg(&trust).args(rest));
    assert_eq!(verify(&[]).code, Some(2), "nothing to verify");
    assert_eq!(verify(&["--bundle", "/nowhere"]).code, Some(2));
    assert_eq!(verify(&["--bundle", dir.path().to_str().expect("text")]).code, Some(2), "no bundle");
    assert_eq!(verify(&["--server", "127.0.0.1:1"]).code, Some(3));
}
