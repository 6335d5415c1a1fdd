//! Turning what sled does on damage (panics, its own errors) into values.
//!
//! sled panics on many kinds of damaged files. A panic on the calling thread is caught here; one
//! on a thread of sled's own is not, which is why an unclean store can be probed in a child
//! process first (`probe.rs`).

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::storage::Fault;

/// Runs a call into sled; a panic comes back as its message.
pub(super) fn caught<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    // Unwind safety: after a panic the handle is used for nothing but being dropped.
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| {
        let text =
            payload.downcast_ref::<String>().cloned().or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        format!("the storage engine panicked: {}", text.unwrap_or_else(|| "no message".to_owned()))
    })
}

/// Runs a call into sled and sorts its failures.
pub(super) fn sort<T>(call: impl FnOnce() -> ::sled::Result<T>) -> Result<T, Fault> {
    match caught(call) {
        Ok(Ok(value)) => Ok(value),
        // A file that ends too early is damage, whatever the system calls it.
        Ok(Err(::sled::Error::Io(error))) if error.kind() != io::ErrorKind::UnexpectedEof => Err(Fault::Io(error)),
        Ok(Err(error)) => Err(Fault::Damage(error.to_string())),
        Err(panic) => Err(Fault::Damage(panic)),
    }
}
