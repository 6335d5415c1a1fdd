//! The thread that lets rest what nobody asks for, so that a long log needs little memory.

use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use crate::published::Published;

/// Transitions with so many events in all stay open, in some 200 MB. Installations with fewer never pack any: all of
/// England would have some 50,000 (forty-two boards, eleven services, a hundred events each).
pub(crate) const KEEP_OPEN: u64 = 250_000;

/// So many events are packed in a period at most, in a tenth of a second: whoever asks at that moment should hardly
/// notice. So more stays open while more is asked for, and it takes half a minute until a log of 1,000,000 events that
/// was read as a whole rests.
const AT_ONCE: u64 = 40_000;

/// How long what was asked for stays open at least.
const PERIOD: Duration = Duration::from_secs(1);

/// Starts the thread. It ends within [`PERIOD`] after nobody else holds `published`.
pub(crate) fn spawn(published: &Arc<Published>) -> std::io::Result<()> {
    let published = Arc::downgrade(published);
    let rest = move || {
        loop {
            std::thread::sleep(PERIOD);
            let Some(state) = published.upgrade().map(|published| published.state()) else { return };
            state.rest(KEEP_OPEN, AT_ONCE);
        }
    };
    Builder::new().name("baton-rest".to_owned()).spawn(rest).map(drop)
}
