//! What the end-to-end tests share: real servers, clients, requests, and the checks of what came back.
//!
//! A test starts `batond` as a process on a free loopback port in a directory of its own and talks to
//! it as any client does. The checks that carry a promise ([`history`], [`trace`], [`arrows`]) are pure
//! functions of what was seen, and each is shown to find what it is there for.
//!
//! What is deliberately not here: anything that reaches into the server. If a test cannot be written
//! from outside, it belongs to the crate whose inside it wants to see.

pub mod arrows;
pub mod campaign;
pub mod cli;
pub mod client;
pub mod commands;
pub mod history;
pub mod mount;
pub mod order;
pub mod proxy;
pub mod raw;
pub mod server;
pub mod shim;
pub mod trace;

pub use client::{Clients, ask, reason};
pub use server::{DataDir, Server};
