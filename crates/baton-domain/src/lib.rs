//! The pure rules of delegation transitions.
//!
//! Nothing here does I/O, reads a clock, or knows how events are stored or sent. Values are parsed
//! once ([`values`]); events are a closed set ([`event`]); a path is data ([`route`]).

pub mod event;
pub mod route;
pub mod values;
