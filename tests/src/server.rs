//! A server as a process: started on a free port, stopped by whoever started it, never left behind.

use std::fs::File;
use std::io::{BufRead, BufReader};
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

/// How long a process may take to end after its standard output was closed.
const MOMENT: Duration = Duration::from_secs(10);

/// A directory with a log that has begun, and the server's own words beside it.
#[derive(Clone)]
pub struct DataDir {
    dir: Arc<TempDir>,
    data: PathBuf,
    key: PathBuf,
}

impl DataDir {
    /// A new log with one administrator.
    pub async fn begun() -> Self {
        let data = Self::empty();
        data.begin().await;
        data
    }

    /// A place for a log that nobody has begun.
    pub fn empty() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        Self { data: dir.path().join("data"), key: dir.path().join("signing-key"), dir: Arc::new(dir) }
    }

    /// The same with the data directory somewhere else, such as on a file system of its own.
    pub fn empty_at(data: PathBuf) -> Self {
        Self { data, ..Self::empty() }
    }

    /// Begins the log.
    pub async fn begin(&self) {
        batond::init(&self.data, &batond::KeyPlace::At(self.key()), "baton.test/e2e", ADMINISTRATOR, None)
            .await
            .expect("a new log");
    }

    /// The same files in a directory of their own, with the archive of [`archive`](DataDir::archive) if there is one and
    /// nobody's words beside them.
    pub fn copy(&self) -> Self {
        let copy = Self::empty();
        copy_dir(&self.data, &copy.data);
        if self.archive().exists() {
            copy_dir(&self.archive(), &copy.archive());
        }
        std::fs::copy(self.key(), copy.key()).expect("the key is copied");
        copy
    }

    /// The signing key, apart from the data.
    pub fn key(&self) -> PathBuf {
        self.key.clone()
    }

    /// The data directory.
    pub fn path(&self) -> PathBuf {
        self.data.clone()
    }

    /// Another data directory beside this one, which somebody else makes, with the key in a file beside it.
    pub fn other(&self, name: &str, key: &str) -> Self {
        Self { data: self.beside(name), key: self.beside(key), dir: Arc::clone(&self.dir) }
    }

    /// Where an archive of the log belongs, apart from the data.
    pub fn archive(&self) -> PathBuf {
        self.beside("archive")
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

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("a new directory");
    for entry in std::fs::read_dir(from).expect("a directory").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("a file is copied");
        }
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
    /// Whether it neither listened nor ended in time, and was ended by force.
    pub hung: bool,
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

    fn spawn(data: &DataDir, command: Command, arguments: &[&str]) -> Self {
        Self::try_start(data, command, arguments).unwrap_or_else(|refused| panic!("the server did not start: {}", refused.said))
    }

    /// Starts `command`, which is the server or something that runs it, and says what it said if it does not start.
    ///
    /// # Errors
    /// When it ends or does nothing instead of listening; it is gone then.
    pub fn try_start(data: &DataDir, command: Command, arguments: &[&str]) -> Result<Self, Refused> {
        Self::try_start_within(data, command, arguments, PATIENCE)
    }

    /// The same, taken for hung after this long.
    ///
    /// # Errors
    /// See [`Server::try_start`].
    pub fn try_start_within(
        data: &DataDir,
        mut command: Command,
        arguments: &[&str],
        patience: Duration,
    ) -> Result<Self, Refused> {
        let log = File::options().create(true).append(true).open(data.beside("log")).expect("the log of the server");
        let said_before = data.log().len();
        command.arg("--data").arg(data.path()).arg("--key").arg(data.key()).args(["--listen", "127.0.0.1:0"]).args(arguments);
        // A server that is killed may leave a copy of its store there.
        let temporary = data.beside("temporary");
        std::fs::create_dir_all(&temporary).expect("a directory");
        command.env("TMPDIR", temporary).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().unwrap_or_else(|e| panic!("failed to start {name}: {e}"));
        let Some(address) = listening(&mut child, patience) else {
            let hung = matches!(child.try_wait(), Ok(None)) && ended_within(&mut child, MOMENT).is_none();
            if hung {
                let _ = child.kill();
            }
            let status = ended(&mut child);
            let said = data.log().get(said_before..).unwrap_or_default().to_owned();
            return Err(Refused { code: status.code(), said, hung });
        };
        // The lock file names the process; under a tracer it is not the child itself.
        let owner = std::fs::read_to_string(data.path().join("LOCK")).ok().and_then(|text| text.trim().parse().ok());
        let owner = owner.filter(|owner| is_child_of(*owner, child.id()));
        let pid = owner.and_then(Pid::from_raw).unwrap_or_else(|| Pid::from_child(&child));
        Ok(Self { child, pid, address })
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
        match Self::try_start(data, Command::new(program("batond")), arguments) {
            Ok(server) => panic!("the server listens on {}", server.address()),
            Err(refused) => refused,
        }
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

    /// Asks it to stop in order unless it is gone already, and says how it ended; none when it had to be killed.
    pub fn stop_if_it_runs(mut self) -> Option<ExitStatus> {
        if self.runs() {
            let _ = kill_process(self.pid, Signal::TERM);
        }
        ended_within(&mut self.child, PATIENCE)
    }

    /// Waits until it ends by itself.
    pub fn ended(mut self) -> ExitStatus {
        ended(&mut self.child)
    }

    /// Its process id.
    pub fn process(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
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

/// Whether a process was started by another. A server that could not write its number leaves an older one in the lock
/// file, which may be anybody's by now and must not be killed.
fn is_child_of(process: i32, parent: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    status.lines().filter_map(|line| line.strip_prefix("PPid:")).any(|found| found.trim() == parent.to_string())
}

/// The address in the one line that a server writes to standard output; none when it ends without.
fn listening(child: &mut Child, patience: Duration) -> Option<SocketAddr> {
    let mut output = BufReader::new(child.stdout.take().expect("standard output"));
    let (send, line) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = output.read_line(&mut line);
        let _ = send.send(line);
    });
    let line = line.recv_timeout(patience).unwrap_or_default();
    line.trim().strip_prefix("listening on ")?.parse().ok()
}

fn ended(child: &mut Child) -> ExitStatus {
    ended_within(child, PATIENCE).unwrap_or_else(|| {
        let _ = child.kill();
        panic!("the process did not end within {PATIENCE:?}")
    })
}

fn ended_within(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + patience;
    loop {
        match child.try_wait().expect("the process is ours") {
            Some(status) => return Some(status),
            None if Instant::now() > deadline => return None,
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}
