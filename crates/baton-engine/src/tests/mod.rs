//! Tests of the engine, as sentences.
#![allow(clippy::unwrap_used)]

mod answers;
mod asking;
mod batches;
mod codec;
mod erasure;
mod failures;
mod faulty;
mod fold;
mod replay;
mod samples;
mod sled;
mod snapshot;
mod world;
