//! What holds of every log, however it came about.

mod erasure;
mod generate;
mod live;
mod long;
mod places;
mod resting;
mod roles;
mod shuffle;
mod truth;

pub use generate::RawEvent;
