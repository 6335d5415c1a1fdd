//! A disk that fails: once or for ever, with EIO or ENOSPC or half a write, while the server starts, serves or stops.
//!
//! What must hold: no answer afterwards that is not durable, a code that says what happened and never INTERNAL, reads that
//! go on, a start or stop that ends in order, and nothing acknowledged missing from what was truly synced. A sync that
//! failed leaves its bytes out of the image of `shim.rs` for good, as the kernel's page cache does.
//!
//! The short form draws failures under four writers (`drawn.rs`). The full form goes through every call (`every.rs`): its
//! cycles have the numbers from [`EVERY`] on, and one of them can be run again by its number, as a drawn one can.

use super::{Plan, Report};

mod drawn;
mod every;
mod lives;

/// The number of the first cycle that is not drawn.
pub const EVERY: usize = 1_000_000;

/// Errors of the system, as numbers on Linux.
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// A cycle is one failure on a log of its own; all of them are those of every call.
pub async fn run(plan: Plan) -> Report {
    run_with(plan, &[]).await
}

/// The same with further arguments to the server, so that one that answers too early can be found out.
pub async fn run_with(plan: Plan, arguments: &'static [&'static str]) -> Report {
    match plan.cycles == usize::MAX || plan.first >= EVERY {
        true => every::run(plan, arguments).await,
        false => drawn::run(plan, arguments).await,
    }
}

/// The first of every failure of a server that serves, with further arguments to it.
pub async fn run_serving(cycles: usize, arguments: &'static [&'static str]) -> Report {
    every::run(Plan { first: every::first_of(lives::Life::Serving), ..Plan::short(cycles) }, arguments).await
}
