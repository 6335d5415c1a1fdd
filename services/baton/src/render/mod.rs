//! From answers of the server to what is printed. Pure: an answer goes in, tables and JSON come out.

pub mod board;
pub mod dates;
pub mod events;
pub mod next;
pub mod proposals;
pub mod show;
pub mod stage;
