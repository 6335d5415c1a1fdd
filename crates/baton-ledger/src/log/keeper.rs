//! Notes the newest durable checkpoint beside the store: a thread, once a second while it changes.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use super::head_file::{HeadFile, Noted};
use super::health::{Failed, Health};
use crate::proof::SignedCheckpoint;

/// How long an acknowledged record may go without being covered by the head file.
pub(crate) const PERIOD: Duration = Duration::from_secs(1);

/// What notes the newest checkpoint: a thread, or in a simulation nothing but a call.
pub(crate) enum Keeper {
    /// Once a period.
    Thread {
        /// Ends the thread.
        stop: SyncSender<()>,
        /// The thread.
        thread: JoinHandle<HeadFile>,
    },
    /// When it is told to.
    ByHand(Box<Noting>),
}

/// When the newest checkpoint is noted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// By a thread, as often as this while it changes.
    Every(Duration),
    /// By [`Keeper::note_now`] alone, so that a simulation chooses the moment.
    ByHand,
}

impl Keeper {
    /// `file` notes the present value of `checkpoints` already.
    pub(crate) fn start(
        file: HeadFile,
        checkpoints: watch::Receiver<SignedCheckpoint>,
        health: Health,
        pace: Pace,
    ) -> io::Result<Keeper> {
        let noted = checkpoints.borrow().clone();
        let mut noting = Noting { file, checkpoints, noted, health };
        let Pace::Every(period) = pace else {
            return Ok(Keeper::ByHand(Box::new(noting)));
        };
        let (stop, stopped) = mpsc::sync_channel(1);
        let keep = move || {
            while stopped.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                noting.note_newest();
            }
            noting.file
        };
        let thread = std::thread::Builder::new().name("ledger-head".to_owned()).spawn(keep)?;
        Ok(Keeper::Thread { stop, thread })
    }

    /// What the thread does once a period; nothing where there is one.
    pub(crate) fn note_now(&mut self) {
        if let Keeper::ByHand(noting) = self {
            noting.note_newest();
        }
    }

    /// Ends the thread and hands the file back; the newest head may not be noted yet.
    pub(crate) fn stop(self) -> io::Result<HeadFile> {
        match self {
            Keeper::ByHand(noting) => Ok(noting.file),
            Keeper::Thread { stop, thread } => {
                drop(stop);
                thread.join().map_err(|_| io::Error::other("the thread of the head file panicked"))
            }
        }
    }
}

/// The head file, and what it says already.
pub(crate) struct Noting {
    file: HeadFile,
    checkpoints: watch::Receiver<SignedCheckpoint>,
    noted: SignedCheckpoint,
    health: Health,
}

impl Noting {
    fn note_newest(&mut self) {
        let newest = self.checkpoints.borrow().clone();
        if newest == self.noted {
            return;
        }
        match self.file.note(&Noted { checkpoint: newest.clone(), clean: false }) {
            Ok(()) => self.noted = newest,
            // Records would go on being kept, but their loss could go unnoticed.
            Err(error) => self.health.poison(Failed::Sync, format!("the head file cannot be written: {error}")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::File;
    use std::path::Path;
    use std::time::Instant;

    use super::*;
    use crate::proof::SigningKey;

    const SOON: Duration = Duration::from_millis(1);

    fn until(condition: impl Fn() -> bool) {
        let begin = Instant::now();
        while !condition() {
            assert!(begin.elapsed() < Duration::from_secs(20), "it did not come about");
            std::thread::yield_now();
        }
    }

    fn checkpoint(key: &SigningKey, size: u64) -> SignedCheckpoint {
        SignedCheckpoint::sign(key, size, [9; 32])
    }

    fn open(path: &Path) -> Box<File> {
        Box::new(File::options().create(true).truncate(false).read(true).write(true).open(path).unwrap())
    }

    #[test]
    fn a_new_checkpoint_is_noted_without_any_further_append() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head");
        let key = SigningKey::generate("test").unwrap();
        let file = HeadFile::create(open(&path), checkpoint(&key, 0)).unwrap();
        let checkpoints = watch::Sender::new(checkpoint(&key, 0));
        let keeper = Keeper::start(file, checkpoints.subscribe(), Health::default(), Pace::Every(SOON)).unwrap();
        checkpoints.send_replace(checkpoint(&key, 3));
        let wanted = Noted { checkpoint: checkpoint(&key, 3), clean: false };
        until(|| HeadFile::open(open(&path)).is_ok_and(|(_, noted)| noted == wanted));
        keeper.stop().unwrap();
    }

    #[test]
    fn a_checkpoint_that_cannot_be_noted_poisons_the_ledger() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head");
        let key = SigningKey::generate("test").unwrap();
        HeadFile::create(open(&path), checkpoint(&key, 0)).unwrap();
        // Opened for reading alone: nothing can be noted in it.
        let (file, _) = HeadFile::open(Box::new(File::open(&path).unwrap())).unwrap();
        let checkpoints = watch::Sender::new(checkpoint(&key, 0));
        let health = Health::default();
        let keeper = Keeper::start(file, checkpoints.subscribe(), health.clone(), Pace::Every(SOON)).unwrap();
        checkpoints.send_replace(checkpoint(&key, 3));
        until(|| health.failure().is_some());
        assert!(health.failure().unwrap().why.contains("head file"));
        keeper.stop().unwrap();
    }
}
