//! The rules, told from outside: given a log, when somebody records something, then it is taken or refused.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)]

mod common;
mod paths;
mod rules;
