//! When a ledger that takes no records is opened again: at once after a failure, then with pauses.
//!
//! Requests that are refused meanwhile neither hurry an attempt nor put it off, however many there are.

use std::time::Duration;

use baton_ledger::{Ledger, ReopenError};
use tokio::time::Instant;

use crate::published::{Published, Writes};

/// Longest pause between two attempts, however long one takes.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The next attempt, if one is to be made.
#[derive(Default)]
pub(crate) struct Reopening(Option<Instant>);

impl Reopening {
    /// At the start: a ledger may have been opened on a full disk, and then takes nothing yet.
    pub(crate) async fn begin(ledger: &dyn Ledger, published: &Published) -> Self {
        match ledger.reopen().await {
            Ok(_) => Self::default(),
            Err(error) => {
                published.say(refusal(&error));
                Self(Some(Instant::now()))
            }
        }
    }

    /// After a failure, unless an attempt is to be made already.
    pub(crate) fn at_once(&mut self) {
        self.within(Duration::ZERO);
    }

    /// After a pause, unless an attempt is to be made already: after a refusal that may end by itself.
    pub(crate) fn within(&mut self, pause: Duration) {
        self.0.get_or_insert_with(|| Instant::now() + pause);
    }

    /// After an attempt: after a pause, or after four times as long as it took. Verifying a long log over and
    /// over would take the machine from those who read.
    pub(crate) fn again_after(&mut self, pause: Duration, took: Duration) {
        self.0 = Some(Instant::now() + pause.max(took.saturating_mul(4)).min(LONGEST_PAUSE));
    }

    pub(crate) fn forget(&mut self) {
        self.0 = None;
    }

    pub(crate) fn is_due(&self) -> bool {
        self.0.is_some_and(|at| at <= Instant::now())
    }

    /// Waits until an attempt is due; for ever when none is to be made.
    pub(crate) async fn due(&self) {
        match self.0 {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}

/// What a ledger that could not be opened again means to those who watch.
pub(crate) fn refusal(error: &ReopenError) -> Writes {
    match error {
        ReopenError::Closed => Writes::Closed,
        ReopenError::Full { .. } => Writes::Full,
        ReopenError::Refused(refused) => {
            let source = std::error::Error::source(refused).map(|source| format!(": {source}"));
            tracing::error!(error = %refused, source, "the ledger could not be opened again");
            Writes::Poisoned(format!("{refused}{}", source.unwrap_or_default()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn requests_that_are_refused_do_not_put_an_attempt_off() {
        let mut reopening = Reopening::default();
        for _ in 0..10 {
            reopening.within(PAUSE);
            assert!(!reopening.is_due());
            tokio::time::advance(PAUSE / 10).await;
        }
        assert!(reopening.is_due());
    }

    #[tokio::test(start_paused = true)]
    async fn requests_that_are_refused_do_not_hurry_an_attempt() {
        let mut reopening = Reopening::default();
        reopening.at_once();
        assert!(reopening.is_due());
        reopening.again_after(PAUSE, Duration::ZERO);
        reopening.at_once();
        assert!(!reopening.is_due());
        tokio::time::advance(PAUSE).await;
        assert!(reopening.is_due());
    }
}
