//! The thread that notes the newest durable head beside the store, once a second while it changes.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use super::head_file::{HeadFile, Noted};
use super::health::Health;
use crate::head::Head;

/// How long an acknowledged record may go without being covered by the head file.
const PERIOD: Duration = Duration::from_secs(1);

/// The running thread.
pub(super) struct Keeper {
    stop: SyncSender<()>,
    thread: JoinHandle<HeadFile>,
}

impl Keeper {
    /// `file` notes `heads`' present value already.
    pub(super) fn start(
        mut file: HeadFile,
        heads: watch::Receiver<Head>,
        health: Health,
    ) -> io::Result<Keeper> {
        let (stop, stopped) = mpsc::sync_channel(1);
        let mut noted = *heads.borrow();
        let keep = move || {
            while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                let newest = *heads.borrow();
                if newest == noted {
                    continue;
                }
                match file.note(Noted { head: newest, clean: false }) {
                    Ok(()) => noted = newest,
                    // Records would go on being kept, but their loss could go unnoticed.
                    Err(error) => health.poison(format!("the head file cannot be written: {error}")),
                }
            }
            file
        };
        let thread = std::thread::Builder::new().name("ledger-head".to_owned()).spawn(keep)?;
        Ok(Keeper { stop, thread })
    }

    /// Ends the thread and hands the file back; the newest head may not be noted yet.
    pub(super) fn stop(self) -> io::Result<HeadFile> {
        drop(self.stop);
        self.thread.join().map_err(|_| io::Error::other("the thread of the head file panicked"))
    }
}
