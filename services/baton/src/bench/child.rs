//! Servers as processes of their own: started, asked about their memory, stopped, never left behind.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::store;
use crate::exit::Failure;

/// How long a server may take to start: ten million events are read and checked first.
const START_PATIENCE: Duration = Duration::from_secs(1_800);

/// How long a server may take to stop in order.
const STOP_PATIENCE: Duration = Duration::from_secs(120);

/// The programs that run, so that none is left when this program is interrupted while another thread
/// waits for one; and whether that happened.
static RUNNING: Mutex<Running> = Mutex::new(Running { pids: Vec::new(), ended: false });

struct Running {
    pids: Vec<Pid>,
    ended: bool,
}

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills every program that was started here and runs, and lets no other start: this program ends now.
pub(crate) fn end_all() {
    let mut running = running();
    running.ended = true;
    for pid in running.pids.drain(..) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// A program that runs; killed when this is dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Starts a program. What it says on standard error is dropped, standard output may be read.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn start(program: &Path, arguments: &[OsString]) -> Result<Self, Failure> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        // Held while it starts: it is either known here, or not started any more.
        let mut running = running();
        if running.ended {
            return Err(Failure::Unavailable("interrupted".to_owned()));
        }
        let child =
            command.spawn().map_err(|error| Failure::Unavailable(format!("failed to start {}: {error}", program.display())))?;
        running.pids.push(Pid::from_child(&child));
        Ok(Self(child))
    }

    /// Reads what it says and drops it, so that it never waits for a reader.
    pub(crate) fn drain(&mut self) {
        if let Some(mut output) = self.0.stdout.take() {
            std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        }
    }

    /// Whether it runs.
    pub(crate) fn runs(&mut self) -> bool {
        // Once it is waited for its number may be another's, so nobody looks at the list meanwhile.
        let mut running = running();
        let runs = matches!(self.0.try_wait(), Ok(None));
        if !runs {
            running.pids.retain(|known| *known != Pid::from_child(&self.0));
        }
        runs
    }

    /// Asks it to stop in order, and waits until it has.
    ///
    /// # Errors
    /// When it takes too long.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let deadline = Instant::now() + STOP_PATIENCE;
        while self.runs() {
            if Instant::now() > deadline {
                return Err(Failure::Unavailable("a server did not stop when it was asked to".to_owned()));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// A line of `/proc/PID/status`, in bytes; none where there is no such file.
    pub(crate) fn memory(&self, line: &str) -> Option<f64> {
        kilobytes(&std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).ok()?, line).map(|kilo| kilo * 1024.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Forgotten before it is waited for: afterwards its number may be another's.
        let pid = Pid::from_child(&self.0);
        running().pids.retain(|known| *known != pid);
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The number after a name in a status file, which is in kB.
fn kilobytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// This program, serving a data directory.
pub(crate) struct Baton {
    /// The process.
    pub(crate) process: Process,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From its start until it served, in seconds.
    pub(crate) seconds: f64,
}

impl Baton {
    /// Starts it and returns when it serves. Blocks the calling thread.
    ///
    /// # Errors
    /// When it ends without serving.
    pub(crate) fn start(data: &Path) -> Result<Self, Failure> {
        Self::start_under(None, data)
    }

    /// The same under a tracer that lists every sync in a file.
    ///
    /// # Errors
    /// When it ends without serving.
    pub(crate) fn start_traced(data: &Path, strace: &Path, trace: &Path) -> Result<Self, Failure> {
        // -D: the tracer is the grandchild, so that what is started and stopped here is the server.
        let fixed = ["-D", "-f", "-qq", "-y", "-ttt", "-e", "trace=fsync,fdatasync,sync_file_range", "-o"];
        let mut before: Vec<OsString> = fixed.iter().map(OsString::from).collect();
        before.push(trace.into());
        Self::start_under(Some((strace, before)), data)
    }

    fn start_under(tracer: Option<(&Path, Vec<OsString>)>, data: &Path) -> Result<Self, Failure> {
        let this = std::env::current_exe()
            .map_err(|error| Failure::Unavailable(format!("this program does not know where it lies: {error}")))?;
        let begin = Instant::now();
        let mut process = match tracer {
            None => Process::start(&this, &store::up(data))?,
            Some((tracer, mut arguments)) => {
                arguments.push(this.into());
                arguments.extend(store::up(data));
                Process::start(tracer, &arguments)?
            }
        };
        let address = listening(&mut process)
            .ok_or_else(|| Failure::Unavailable(format!("a server on {} ended before it served", data.display())))?;
        Ok(Self { process, address, seconds: begin.elapsed().as_secs_f64() })
    }
}

/// The address in the line in which `baton up` says that it serves; none when it ends without.
fn listening(process: &mut Process) -> Option<SocketAddr> {
    let output = BufReader::new(process.0.stdout.take()?);
    let (send, found) = mpsc::channel();
    std::thread::spawn(move || {
        // Read to the end, so that the server never waits for a reader.
        for line in output.lines().map_while(Result::ok) {
            if let Some(address) = address_in(&line) {
                let _ = send.send(address);
            }
        }
    });
    found.recv_timeout(START_PATIENCE).ok()
}

fn address_in(line: &str) -> Option<SocketAddr> {
    line.strip_prefix("Serving ")?.split(" on ").nth(1)?.split(". ").next()?.parse().ok()
}

/// A program of this name on the PATH.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_line_of_that_name() {
        let status = "Name:\tbaton\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\nThreads:\t7\n";
        assert_eq!(kilobytes(status, "VmRSS"), Some(102_400.0));
        assert_eq!(kilobytes(status, "VmHWM"), Some(204_800.0));
        assert_eq!(kilobytes(status, "Threads"), None);
        assert_eq!(kilobytes(status, "VmSwap"), None);
    }

    #[test]
    fn address_is_read_from_the_line_that_says_it_serves() {
        let line = "Serving a b/data on 127.0.0.1:40001. Ctrl-C ends.";
        assert_eq!(address_in(line), "127.0.0.1:40001".parse().ok());
        assert_eq!(address_in("DEVELOPMENT IDENTITY MODE: whoever connects is believed"), None);
    }
}
