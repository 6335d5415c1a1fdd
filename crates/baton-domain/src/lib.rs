//! The pure rules of delegation transitions.
//!
//! Nothing here does I/O, reads a clock, or knows how events are stored or sent. Values are parsed
//! once ([`values`]); events are a closed set ([`event`]); a path is data ([`route`]); a stream's
//! statements in the order in which they happened are its [`story`]; what other streams say is the
//! [`world`]; [`decide`] takes commands or names every unmet rule.

pub mod decide;
mod erasure;
pub mod event;
pub mod holds;
pub mod proposal;
pub mod rest;
pub mod route;
pub mod state;
pub mod story;
pub mod transition;
mod unmet;
pub mod values;
pub mod world;

pub use unmet::Unmet;
