//! From answers of the server to what is printed. Pure: an answer goes in, tables and JSON come out.

pub(crate) mod board;
pub(crate) mod dates;
pub(crate) mod events;
pub(crate) mod next;
pub(crate) mod proposals;
pub(crate) mod show;
pub(crate) mod stage;
