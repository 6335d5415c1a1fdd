//! A store whose writes and syncs fail, and whose rewriting ends, when a test says so.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use baton_ledger::*;

use super::support::*;

pub(crate) fn broken() -> io::Error {
    io::Error::from_raw_os_error(5)
}

/// What fails from now on.
#[derive(Clone, Default)]
pub(crate) struct Faults {
    /// Writes that still succeed before the ones that fail; `None` while all succeed.
    writes_left: Arc<Mutex<Option<u64>>>,
    sync: Arc<AtomicBool>,
    /// Where a rewrite ends with an error.
    stop_at: Arc<Mutex<Option<RewriteStep>>>,
}

impl Faults {
    pub(crate) fn options(&self) -> OpenOptions {
        let (writes, sync, stop_at) = (self.writes_left.clone(), self.sync.clone(), self.stop_at.clone());
        OpenOptions {
            write_hook: Some(Arc::new(move || match &mut *writes.lock().unwrap() {
                Some(0) => Err(broken()),
                Some(left) => {
                    *left -= 1;
                    Ok(())
                }
                None => Ok(()),
            })),
            sync_hook: Some(Arc::new(move |point| match point == SyncPoint::BeforeSync && sync.load(Ordering::SeqCst) {
                true => Err(broken()),
                false => Ok(()),
            })),
            rewrite_hook: Some(Arc::new(move |step| match *stop_at.lock().unwrap() == Some(step) {
                true => Err(broken()),
                false => Ok(()),
            })),
            ..options()
        }
    }

    pub(crate) fn fail_writes_after(&self, left: u64) {
        *self.writes_left.lock().unwrap() = Some(left);
    }

    pub(crate) fn fail_syncs(&self) {
        self.sync.store(true, Ordering::SeqCst);
    }

    pub(crate) fn stop_at(&self, step: RewriteStep) {
        *self.stop_at.lock().unwrap() = Some(step);
    }

    pub(crate) fn heal(&self) {
        *self.writes_left.lock().unwrap() = None;
        self.sync.store(false, Ordering::SeqCst);
        *self.stop_at.lock().unwrap() = None;
    }
}
