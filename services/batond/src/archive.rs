//! The archive that follows the log while the server runs: a continuous backup.
//!
//! It reads what is durable and writes it elsewhere; appends never wait for it. An archive that is not
//! this log's refuses the start. One that fails later, or cannot be reached at the start, is said loudly
//! and tried again for as long as the server runs, while its lag grows where `GetCheckpoint` shows it.

use crate::key::resolved;
use crate::start::StartError;
use baton_ledger::archive::{Archive, ArchiveError};
use baton_ledger::{Ledger as _, SledLedger};
use baton_proto::v1 as proto;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long the follower gathers before each step: a step costs a handful of syncs, whatever it holds.
const GATHER: Duration = Duration::from_millis(200);

/// The first pause after a failure; doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often its lag is said in the log.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// How long the stop of a server waits for the rest of the log to be archived.
const LAST_STEPS: Duration = Duration::from_secs(10);

/// How far the archive is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    /// How many records its checkpoint covers.
    size: u64,
    /// Since when there are durable records that it does not cover.
    behind_since: Option<Instant>,
    /// Why nothing can be archived at the moment.
    failure: String,
}

/// The running follower.
pub(crate) struct Follower {
    progress: watch::Receiver<Progress>,
    finish: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Opens or begins the archive of a ledger, which is followed from [`Following::start`] on.
///
/// # Errors
/// [`StartError::ArchiveInside`], [`StartError::Archive`] for one that must not be written into.
pub(crate) async fn open(dir: &Path, data: &Path, ledger: Arc<SledLedger>) -> Result<Following, StartError> {
    let (at, beside) = (resolved(dir), resolved(data));
    if at.starts_with(&beside) || beside.starts_with(&at) {
        return Err(StartError::ArchiveInside { archive: dir.to_owned(), data: data.to_owned() });
    }
    let progress = watch::Sender::new(Progress::default());
    let mut following =
        Following { dir: dir.to_owned(), ledger, archive: None, progress, pause: FIRST_PAUSE, said: Instant::now() };
    match following.open().await {
        Ok(()) => {}
        // A disk that is away for now must not keep the log from being served.
        Err(error @ ArchiveError::Io { .. }) => following.failed(&error),
        Err(refused) => return Err(refused.into()),
    }
    Ok(following)
}

impl Follower {
    /// How far it is, as that changes.
    pub(crate) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// Archives the rest, within a time, and ends. For a ledger that takes no more records.
    pub(crate) async fn finish(self) {
        let _ = self.finish.send(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the archive's follower ended badly");
        }
    }
}

impl Progress {
    /// As it is told to clients, for a log of this size.
    pub(crate) fn told(&self, log: u64) -> proto::ArchiveProgress {
        proto::ArchiveProgress {
            size: self.size,
            events_behind: log.saturating_sub(self.size),
            seconds_behind: self.behind_since.map_or(0, |since| since.elapsed().as_secs()),
            failure: self.failure.clone(),
        }
    }
}

/// An archive and the ledger it follows.
pub(crate) struct Following {
    dir: PathBuf,
    ledger: Arc<SledLedger>,
    /// Open while nothing failed.
    archive: Option<Archive>,
    progress: watch::Sender<Progress>,
    pause: Duration,
    said: Instant,
}

impl Following {
    /// Follows from now on, on a task of its own.
    pub(crate) fn start(self) -> Follower {
        tracing::info!(archive = %self.dir.display(), size = self.progress.borrow().size, "an archive follows the log");
        let progress = self.progress.subscribe();
        let (finish, finishing) = watch::channel(false);
        Follower { progress, finish, task: tokio::spawn(self.run(finishing)) }
    }

    async fn run(mut self, mut finishing: watch::Receiver<bool>) {
        let mut checkpoints = self.ledger.follow();
        loop {
            let log = checkpoints.borrow_and_update().checkpoint().size;
            let stop_by = finishing.borrow().then(|| Instant::now() + LAST_STEPS);
            let caught_up = self.catch_up(log, stop_by).await;
            self.say(log);
            if stop_by.is_some() {
                return;
            }
            let wait = async {
                match caught_up {
                    true => {
                        let _ = checkpoints.changed().await;
                        tokio::time::sleep(GATHER).await;
                    }
                    false => tokio::time::sleep(self.pause).await,
                }
            };
            tokio::select! {
                () = wait => {}
                _ = finishing.wait_for(|finish| *finish) => {}
            }
        }
    }

    /// Takes steps until everything durable is archived, or one fails.
    async fn catch_up(&mut self, log: u64, stop_by: Option<Instant>) -> bool {
        if log > self.progress.borrow().size {
            self.progress.send_modify(|progress| {
                progress.behind_since.get_or_insert_with(Instant::now);
            });
        }
        loop {
            match self.step().await {
                Ok(true) => {
                    self.progress.send_modify(|progress| progress.behind_since = None);
                    return true;
                }
                Ok(false) if stop_by.is_some_and(|by| Instant::now() > by) => return false,
                Ok(false) => {}
                Err(error) => {
                    self.failed(&error);
                    return false;
                }
            }
        }
    }

    async fn open(&mut self) -> Result<(), ArchiveError> {
        let (dir, ledger) = (self.dir.clone(), Arc::clone(&self.ledger));
        let archive = blocking(move || Archive::follow(&dir, &ledger)).await?;
        self.progress.send_modify(|progress| progress.size = archive.size());
        self.archive = Some(archive);
        Ok(())
    }

    async fn step(&mut self) -> Result<bool, ArchiveError> {
        if self.archive.is_none() {
            self.open().await?;
        }
        let Some(mut archive) = self.archive.take() else { return Ok(false) };
        let ledger = Arc::clone(&self.ledger);
        // After an error the archive is dropped: what is on disk decides when it is opened again.
        let (archive, caught_up) = blocking(move || archive.step(&ledger).map(|caught_up| (archive, caught_up))).await?;
        if !self.progress.borrow().failure.is_empty() {
            tracing::info!(archive = %self.dir.display(), "the archive follows the log again");
        }
        self.pause = FIRST_PAUSE;
        self.progress.send_modify(|progress| {
            progress.size = archive.size();
            progress.failure.clear();
        });
        self.archive = Some(archive);
        Ok(caught_up)
    }

    fn failed(&mut self, error: &ArchiveError) {
        self.archive = None;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        let told = self.progress.borrow().told(self.ledger.head().size);
        tracing::error!(
            error = error as &dyn std::error::Error,
            events_behind = told.events_behind,
            seconds_behind = told.seconds_behind,
            "nothing is archived at the moment; records are taken all the same, and it is tried again"
        );
        self.progress.send_modify(|progress| progress.failure = error.to_string());
    }

    fn say(&mut self, log: u64) {
        if self.said.elapsed() < SAY_EVERY {
            return;
        }
        self.said = Instant::now();
        let told = self.progress.borrow().told(log);
        tracing::info!(
            archive_size = told.size,
            events_behind = told.events_behind,
            seconds_behind = told.seconds_behind,
            "archive"
        );
    }
}

/// Disk work on a thread for it. A panic there is a defect, and ends the step as an error.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static) -> Result<T, ArchiveError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        let source = std::io::Error::other(error);
        Err(ArchiveError::Io { what: "follow the log into", path: PathBuf::from("the archive"), source })
    })
}
