//! An export that is cut short: what is there is not taken for a bundle, and the command says how to get one.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::lives::Before;
use crate::server::{DataDir, Server, program};

/// How a command ended and all it said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: Option<i32>,
    pub(super) words: String,
}

/// Where a bundle is exported to.
pub(super) fn out(data: &DataDir) -> PathBuf {
    data.beside("bundle")
}

/// Exports the whole log of a server.
pub(super) fn export(mut command: Command, server: &Server, data: &DataDir) -> Said {
    command.args(["--server", &server.address().to_string(), "export", "bundle", "--with-words", "--out"]).arg(out(data));
    said(command)
}

/// Runs a command to its end.
pub(super) fn said(mut command: Command) -> Said {
    let output = command.stdin(Stdio::null()).output().expect("baton starts");
    let words = [output.stdout, output.stderr].concat();
    Said { code: output.status.code(), words: String::from_utf8_lossy(&words).into_owned() }
}

/// What must hold when an export was cut short and is asked for again.
pub(super) fn looked_at(before: &Before, data: &DataDir) -> Vec<String> {
    let out = out(data);
    let (accepted, manifest) = (accepted(before, data), out.join("bundle.json").exists());
    let mut wrong = Vec::new();
    if accepted.is_ok() != manifest {
        wrong.push(format!("with bundle.json {manifest}, it is verified: {accepted:?}"));
    }
    let again = before.export(Command::new(program("baton")), data);
    // What is whole is never overwritten; of what is not, it is said what to do, and that is done.
    if again.code != Some(0) {
        match manifest {
            true if again.words.contains("choose another") => {}
            false if again.words.contains("remove it and ask again") => {
                std::fs::remove_dir_all(&out).expect("it is removed");
                let third = before.export(Command::new(program("baton")), data);
                if third.code != Some(0) {
                    wrong.push(format!("what was said does not help: {third:?}"));
                }
            }
            _ => wrong.push(format!("with bundle.json {manifest}, it is not said what to do: {again:?}")),
        }
    }
    if let Err(said) = self::accepted(before, data) {
        wrong.push(format!("the bundle is not verified in the end: {said:?}"));
    }
    wrong
}

/// Whether it is accepted as a whole bundle; what was said if not.
fn accepted(before: &Before, data: &DataDir) -> Result<(), Said> {
    let mut command = Command::new(program("baton"));
    command.args(["verify", "--bundle"]).arg(out(data)).arg("--trust").arg(before.trust());
    let said = said(command);
    match said.code == Some(0) && !said.words.contains("no bundle.json") {
        true => Ok(()),
        false => Err(said),
    }
}
