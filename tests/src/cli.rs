//! The command line as a process: run to its end, with what it printed.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use crate::server::program;

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

/// Runs `baton` with these arguments to its end.
///
/// # Panics
/// When it is not built.
pub fn baton<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ran {
    let mut command = Command::new(program("baton"));
    for variable in ["BATON_KEY", "BATON_PERSON", "BATON_SERVER", "BATON_ARCHIVE"] {
        command.env_remove(variable);
    }
    let output = command.args(arguments).stdin(Stdio::null()).output().expect("baton runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl Ran {
    /// What it printed as JSON.
    ///
    /// # Panics
    /// When that is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
