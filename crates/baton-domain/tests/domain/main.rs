//! The rules, told from outside: given a log, when somebody records something, then it is taken or refused.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod as_of;
mod common;
mod erasure;
mod life;
mod paths;
mod plans;
mod properties;
mod reopening;
mod rules;
mod story;
mod two_persons;
