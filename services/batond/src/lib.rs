//! The Baton gRPC server: parse, respond, map to statuses, identity, limits, health, reflection.
//!
//! Nothing here decides or stores: requests become domain values ([`parse`]), the engine decides and
//! keeps, and what comes back becomes an answer ([`view`]) or a status with details ([`status`]).

mod archive;
mod begun;
mod config;
mod connections;
mod fork;
mod gathered;
mod identity;
mod key;
mod pages;
pub mod parse;
mod rotation;
mod services;
mod start;
pub mod status;
pub mod view;

pub use config::{Config, Limits, Store};
pub use fork::{Fork, Forked, fork};
pub use key::KeyPlace;
pub use rotation::{Rotated, Rotation, rotate_key};
pub use start::{Running, StartError, WRITES, init, probe_main, start};
