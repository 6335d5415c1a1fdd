//! Baton from outside: real processes, real sockets, crashes.
//!
//! Every test has a server and a directory of its own, so all of them may run at once.

mod archive;
mod backups;
mod campaigns;
mod cut_short;
mod doctor;
mod durability;
mod edge;
mod erasure;
mod extract;
mod fork;
mod malformed;
mod reading;
mod refusals;
mod restoring;
mod rotation;
mod stopping;
mod verify;
