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
pub(super) const PERIOD: Duration = Duration::from_secs(1);

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
        period: Duration,
    ) -> io::Result<Keeper> {
        let (stop, stopped) = mpsc::sync_channel(1);
        let mut noted = *heads.borrow();
        let keep = move || {
            while stopped.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;
    use std::time::Instant;

    use super::*;

    const HEAD: Head = Head { size: 3, last_leaf_hash: [9; 32] };
    const SOON: Duration = Duration::from_millis(1);

    fn until(condition: impl Fn() -> bool) {
        let begin = Instant::now();
        while !condition() {
            assert!(begin.elapsed() < Duration::from_secs(20), "it did not come about");
            std::thread::yield_now();
        }
    }

    fn create(dir: &Path) -> std::path::PathBuf {
        let path = dir.join("head");
        HeadFile::create(&path).unwrap();
        path
    }

    #[test]
    fn a_new_head_is_noted_without_any_further_append() {
        let dir = tempfile::tempdir().unwrap();
        let path = create(dir.path());
        let heads = watch::Sender::new(Head::EMPTY);
        let file = HeadFile::open(&path).unwrap().0;
        let keeper = Keeper::start(file, heads.subscribe(), Health::default(), SOON).unwrap();
        heads.send_replace(HEAD);
        until(|| HeadFile::open(&path).unwrap().1 == Noted { head: HEAD, clean: false });
        keeper.stop().unwrap();
    }

    #[test]
    fn a_head_that_cannot_be_noted_poisons_the_ledger() {
        let dir = tempfile::tempdir().unwrap();
        let path = create(dir.path());
        let heads = watch::Sender::new(Head::EMPTY);
        let file = HeadFile::open_read_only(&path);
        let health = Health::default();
        let keeper = Keeper::start(file, heads.subscribe(), health.clone(), SOON).unwrap();
        heads.send_replace(HEAD);
        until(|| health.why().is_some());
        assert!(health.why().unwrap().contains("head file"));
        keeper.stop().unwrap();
    }
}
