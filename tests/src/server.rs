//! A server as a process: started on a free port, stopped by whoever started it, never left behind.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The first administrator of every log made here.
pub const ADMINISTRATOR: &str = "admin";

/// How long a server may take to say where it listens, and to end. Generous: machines are shared.
const PATIENCE: Duration = Duration::from_secs(90);

/// A directory with a log that has begun, and the server's own words beside it.
pub struct DataDir {
    dir: Arc<TempDir>,
    name: String,
}

impl DataDir {
    /// A new log with one administrator.
    pub async fn begun() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let data = Self { dir: Arc::new(dir), name: "data".to_owned() };
        batond::init(&data.path(), &batond::KeyPlace::Beside, "baton.test/e2e", ADMINISTRATOR, None).await.expect("a new log");
        data
    }

    /// The data directory.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join(&self.name)
    }

    /// Another data directory beside this one, which somebody else makes.
    pub fn other(&self, name: &str) -> Self {
        Self { dir: Arc::clone(&self.dir), name: name.to_owned() }
    }

    /// A path beside the data directory, for a test's own files.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Everything that servers on this directory wrote to standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.beside("log")).unwrap_or_default()
    }

    /// Every file below the data directory with its bytes, for "nothing changed".
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        walk(&self.path(), &mut found);
        found.sort();
        found
    }
}

fn walk(dir: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push((path.clone(), std::fs::read(&path).expect("a file")));
        }
    }
}

/// A program of this workspace, beside the test executable.
///
/// # Panics
/// When it is not built: a test that skipped in silence would prove nothing.
pub fn program(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("this program has a path");
    let beside = tests.ancestors().skip(1).take(2).map(|dir| dir.join(name)).find(|path| path.is_file());
    beside.unwrap_or_else(|| panic!("{name} is not built; run: cargo build -p batond -p baton"))
}

/// A running server. Killed when dropped.
pub struct Server {
    child: Child,
    /// The server's own process, also when it runs under a tracer.
    pid: Pid,
    address: SocketAddr,
}

/// A server that did not start: how it ended and what it said.
#[derive(Debug)]
pub struct Refused {
    /// Its exit code.
    pub code: Option<i32>,
    /// Its standard error.
    pub said: String,
}

impl Server {
    /// Starts a server and waits until it listens.
    pub fn start(data: &DataDir) -> Self {
        Self::start_with(data, &[])
    }

    /// The same with further arguments.
    pub fn start_with(data: &DataDir, arguments: &[&str]) -> Self {
        Self::spawn(data, Command::new(program("batond")), arguments)
    }

    /// The same under `strace`, which writes the calls named in `calls` to `trace`.
    pub fn start_traced(data: &DataDir, arguments: &[&str], calls: &str, trace: &Path) -> Self {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-y", "-qq", "-s", "65535", "-e", &format!("trace={calls}"), "-o"]);
        strace.arg(trace).arg(program("batond"));
        Self::spawn(data, strace, arguments)
    }

    fn spawn(data: &DataDir, mut command: Command, arguments: &[&str]) -> Self {
        let log = File::options().create(true).append(true).open(data.beside("log")).expect("the log of the server");
        command.arg("--data").arg(data.path()).args(["--listen", "127.0.0.1:0"]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().unwrap_or_else(|e| panic!("failed to start {name}: {e}"));
        let address = listening(&mut child).unwrap_or_else(|| {
            let _ = child.kill();
            panic!("the server did not start: {}", data.log())
        });
        // The lock file names the process; under a tracer it is not the child itself.
        let owner = std::fs::read_to_string(data.path().join("LOCK")).ok().and_then(|text| text.trim().parse().ok());
        let pid = owner.and_then(Pid::from_raw).unwrap_or_else(|| Pid::from_child(&child));
        Self { child, pid, address }
    }

    /// Tries to start a server that must not start.
    ///
    /// # Panics
    /// When it starts all the same.
    pub fn refused(data: &DataDir) -> Refused {
        Self::refused_with(data, &[])
    }

    /// The same with further arguments.
    ///
    /// # Panics
    /// When it starts all the same.
    pub fn refused_with(data: &DataDir, arguments: &[&str]) -> Refused {
        let mut command = Command::new(program("batond"));
        command.arg("--data").arg(data.path()).args(["--listen", "127.0.0.1:0"]).args(arguments);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("batond starts");
        if let Some(address) = listening(&mut child) {
            let _ = child.kill();
            let _ = child.wait();
            panic!("a second server listens on {address}");
        }
        let status = ended(&mut child);
        let mut said = String::new();
        child.stderr.take().expect("standard error").read_to_string(&mut said).expect("text");
        Refused { code: status.code(), said }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills it with no chance to do anything more, and waits until it is gone.
    pub fn kill(mut self) {
        self.end_now();
    }

    /// Asks it to stop in order.
    pub fn ask_to_stop(&self) {
        kill_process(self.pid, Signal::TERM).expect("the server takes a signal");
    }

    /// Asks it to stop in order, and waits until it has.
    pub fn stop(mut self) -> ExitStatus {
        self.ask_to_stop();
        ended(&mut self.child)
    }

    /// Waits until it ends by itself.
    pub fn ended(mut self) -> ExitStatus {
        ended(&mut self.child)
    }

    /// Whether it runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn end_now(&mut self) {
        if self.runs() {
            let _ = kill_process(self.pid, Signal::KILL);
            // A tracer ends with what it traces.
            let _ = ended(&mut self.child);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end_now();
    }
}

/// The address in the one line that a server writes to standard output; none when it ends without.
fn listening(child: &mut Child) -> Option<SocketAddr> {
    let mut output = BufReader::new(child.stdout.take().expect("standard output"));
    let (send, line) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = output.read_line(&mut line);
        let _ = send.send(line);
    });
    let line = line.recv_timeout(PATIENCE).unwrap_or_default();
    line.trim().strip_prefix("listening on ")?.parse().ok()
}

fn ended(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match child.try_wait().expect("the process is ours") {
            Some(status) => return status,
            None if Instant::now() > deadline => {
                let _ = child.kill();
                panic!("the process did not end within {PATIENCE:?}");
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}
